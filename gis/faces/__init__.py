"""Faces: what linework cuts the plane into, and polygons that are made of them.

`arrangement` cuts, `overlay` keeps what is ground in the result of an overlay, `noding` adds the vertices
without which borders would cross once they are in degrees. Which face belongs to which cell is decided by
`gis.divide` and `gis.topology`.
"""
