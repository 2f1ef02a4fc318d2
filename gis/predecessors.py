"""Which cells the ground of new cells came from, and how much of it from each."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import FloatArray, IntArray, ObjectArray

_CHUNK = 20_000

_MIN_SHARE = 1e-6
"""What is less of both cells is rounding, no ground."""


class GroundShares(NamedTuple):
    """Pairs of a new and an old cell that share ground, as rows of each, with the ground in m²."""

    new_row: IntArray
    old_row: IntArray
    area_m2: FloatArray


def share_ground(new: ObjectArray, old: ObjectArray) -> GroundShares:
    """Measure what each new cell has of the ground of each old one.

    Parameters
    ----------
    new, old
        Valid polygons in one metric CRS.
    """
    new_row, old_row = shapely.STRtree(old).query(new, predicate="intersects")
    areas = [
        shapely.area(shapely.intersection(new[new_row[at : at + _CHUNK]], old[old_row[at : at + _CHUNK]]))
        for at in range(0, len(new_row), _CHUNK)
    ]
    area_m2 = np.concatenate([np.empty(0), *areas])
    smaller = np.minimum(shapely.area(new)[new_row], shapely.area(old)[old_row])
    real = area_m2 > _MIN_SHARE * smaller
    return GroundShares(new_row[real], old_row[real], area_m2[real])
