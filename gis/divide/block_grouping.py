"""Grouping of small blocks: which neighbours they join until they have about the wanted size."""

import math

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.divide.block_borders import find_borders
from gis.divide.block_joining import Joining
from gis.divide.block_lines import BlockLines
from gis.divide.block_loads import BlockSize

_SMALL = 0.7
"""Blocks below this share of the target join others ..."""

_MOST_TOGETHER = 1.4
"""... with which they are not larger than this; more is allowed to the very small."""

_VERY_SMALL, _MOST_WITH_VERY_SMALL = 0.25, 2.0
_TINY = 0.05
_OPEN, _HALF_OPEN = 0.4, 0.15
"""Blocks do not join across a border of less openness, the very small not across one of even less."""


def group_small(
    pieces: Geometries, ground: IntArray, load: FloatArray, lines: BlockLines, size: BlockSize
) -> IntArray:
    """Group pieces that are small, so that groups are compact and do not reach across main streets.

    The smallest first; it joins the neighbour on the same ground with which it is most compact
    (Polsby-Popper) and from which the least of a street divides it.

    Returns
    -------
    ndarray of int
        Shape (n,), the group of each piece.
    """
    area = shapely.area(pieces)
    target, most = size.target_area_m2, size.max_load
    if target is None and most is None:
        return np.arange(len(pieces))
    ratio = area / target if target is not None else load / (most or 1)
    small = ratio < _SMALL
    if not small.any():
        return np.arange(len(pieces))
    joining = Joining(area, shapely.length(pieces), load, find_borders(pieces, ground, lines, beside=small))

    def ratio_of(k: int) -> float:
        return joining.area_m2[k] / target if target is not None else joining.load[k] / (most or 1)

    def wants(k: int) -> float | None:
        return joining.area_m2[k] if ratio_of(k) < _SMALL else None

    def worth(k: int, n: int, length: float, open_m: float) -> float | None:
        own = ratio_of(k)
        together = own + ratio_of(n)
        if most is not None and joining.load[k] > 0 and joining.load[k] + joining.load[n] > most * (1 + 1e-9):
            return None
        if own >= _TINY or target is None:
            very_small = own < _VERY_SMALL
            limit = _MOST_WITH_VERY_SMALL if very_small else _MOST_TOGETHER
            if together > (limit if target is not None else 1):
                return None
            if open_m < (_HALF_OPEN if very_small else _OPEN) * length:
                return None
        perimeter = joining.perimeter_m[k] + joining.perimeter_m[n] - 2 * length
        compactness = 4 * math.pi * (joining.area_m2[k] + joining.area_m2[n]) / perimeter**2
        return compactness * (0.2 + 0.8 * open_m / length)

    return joining.run(small, wants, worth)
