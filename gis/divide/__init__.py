"""Division of areas into cells, one module for each method.

Modules that methods share: the input, remnants, and the frame of cells; codes belong to `gis.codes`.
"""

from gis.divide.blocks import BlockDivision, divide_blocks
from gis.divide.square import divide_square

__all__ = ["BlockDivision", "divide_blocks", "divide_square"]
