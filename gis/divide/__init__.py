"""Division of areas into cells, one module for each method.

Modules that methods share: the input, remnants, and the frame of cells; codes belong to `gis.codes`.
"""

from gis.divide.square import divide_square

__all__ = ["divide_square"]
