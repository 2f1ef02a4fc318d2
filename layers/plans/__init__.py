"""Schemes and their plans: drafts, their check and review, publishing, and the cells in force on a date.

It also writes which entity belongs to which cell, since that follows from the plans; entities themselves
belong to `layers.entities`. Geometry is judged by `gis.topology`.
"""
