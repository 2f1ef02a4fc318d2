"""What lies on the map: schemas, file formats, sample data and maps.

It turns files into the frames `gis` works on and back; it leaves commands and pages to `api`.
"""
