"""Files, tables, tiles and maps, and the rules of each subject over its tables.

Computation on frames belongs to `gis`; the command line, HTTP and access belong to `api`.
"""
