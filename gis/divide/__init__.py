"""Division of areas into cells, one module per method.

What methods share has modules of its own here: the ground to divide, shared borders, remnants, and the
making of the cells frame; numbering belongs to `gis.codes`.
"""

from gis.divide.square import divide_square

__all__ = ["divide_square"]
