"""The fields of a file: which of them mean code, name, area and identity, and which are personal.

Whether the values make sense is for `gis` to judge.
"""
