"""Entities: single writes, the states of former days, counts by cell, and the index of those in memory.

Files of them come in through `layers.imports`; their assignments are written by `layers.plans.assignments`.
"""
