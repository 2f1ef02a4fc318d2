"""Runs of gaps: what is read for a search, what is kept of it, and which runs concern an area.

What a gap is belongs to `gis.gaps`.
"""
