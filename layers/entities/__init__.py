"""Entities: single writes, the states of former days, assignments to cells, and the index of those in memory.

Files of them come in through `layers.imports`; which cell owns a place is answered by `gis.assign`.
"""
