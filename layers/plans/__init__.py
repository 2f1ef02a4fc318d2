"""Schemes and their plans: drafts, their check, publishing, and the cells in force on a date.

Geometry is judged by `gis.topology`; which entity belongs to which cell is written by
`layers.plans.assignments`.
"""
