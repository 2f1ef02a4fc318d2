"""The spatial engine: pure functions over arrays and GeoDataFrames.

It knows no HTTP, no database, no files and no global state; those belong to `layers` and `api`.
"""
