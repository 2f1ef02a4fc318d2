"""The interfaces of Wangge: the command line, HTTP and the page.

They parse, call `layers` and `gis`, and answer; they compute no geometry.
"""
