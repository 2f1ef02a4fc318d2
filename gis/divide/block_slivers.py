"""Slivers between lines: what lies between two carriageways, traffic islands, roundabouts."""

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.divide.block_borders import Borders, find_borders
from gis.divide.block_joining import Joining
from gis.divide.block_lines import BlockLines

_OPEN_SHARE = 0.5

_MOTORWAY_FACTOR = 2.0
"""So much further apart are the carriageways of a motorway than those of a street."""

_MOTORWAY_OPENNESS = 0.2


def join_slivers(faces: Geometries, ground: IntArray, lines: BlockLines, min_width_m: float) -> IntArray:
    """Group faces so that none is a sliver that has a neighbour which it may join.

    The smallest sliver first; it joins the neighbour on the same ground with which it shares the longest
    border, but never across a barrier.

    Returns
    -------
    ndarray of int
        Shape (n,), the group of each face.
    """
    candidate = is_sliver(faces, _MOTORWAY_FACTOR * min_width_m)
    if not candidate.any():
        return np.arange(len(faces))
    borders = find_borders(faces, ground, lines, beside=candidate)
    sliver = candidate & (is_sliver(faces, min_width_m) | _is_between_motorways(borders, len(faces)))
    waits = sliver.tolist()
    joining = Joining(shapely.area(faces), shapely.length(faces), np.zeros(len(faces)), borders)
    return joining.run(
        sliver,
        size=lambda k: joining.area_m2[k] if waits[k] else None,
        worth=lambda _k, _n, length, _open_m: round(length, 3),
    )


def _is_between_motorways(borders: Borders, count: int) -> BoolArray:
    """Return which faces have borders that lie on lines of little openness only."""
    both = np.concatenate([borders.first, borders.second])
    open_m = np.bincount(both, np.tile(np.maximum(borders.open_m, 0), 2), count)
    length_m = np.bincount(both, np.tile(borders.length_m, 2), count)
    return np.asarray((length_m > 0) & (open_m <= _MOTORWAY_OPENNESS * length_m))


def is_sliver(faces: Geometries, min_width_m: float) -> BoolArray:
    """Return which faces are narrower than a width.

    Their mean width (twice the area over the perimeter; half the side of a square) is smaller, and they are
    so small themselves, or half of them is so narrow: a block with a rugged shore is none.
    """
    area: FloatArray = shapely.area(faces)
    result = 2 * area / shapely.length(faces) < min_width_m
    rows = np.flatnonzero(result & (area >= 4 * min_width_m**2))
    wide = shapely.buffer(shapely.buffer(faces[rows], -min_width_m / 2), min_width_m / 2)
    result[rows] = shapely.area(wide) < _OPEN_SHARE * area[rows]
    return np.asarray(result)
