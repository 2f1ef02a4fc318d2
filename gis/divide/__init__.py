"""Division of areas into cells, one module for each method.

Modules that methods share: the input, remnants, and the frame of cells; codes belong to `gis.codes`.
Those named after units serve the methods that group whole units.
"""

from gis.divide.balanced import BalancedDivision, divide_balanced
from gis.divide.blocks import BlockDivision, divide_blocks
from gis.divide.rebalance import RebalancedCells, rebalance_cells
from gis.divide.square import divide_square

__all__ = [
    "BalancedDivision",
    "BlockDivision",
    "RebalancedCells",
    "divide_balanced",
    "divide_blocks",
    "divide_square",
    "rebalance_cells",
]
