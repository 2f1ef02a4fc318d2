"""What people and programs call: the command line, and settings.

It reads arguments, calls `layers` and `gis`, and says what happened; it computes no geometry.
"""
