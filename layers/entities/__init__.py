"""Entities: single writes, lists, the states of former days, and the index of present ones in memory.

Files of them come in through `layers.imports`; their assignments are written by `layers.plans.assignments`.
"""
