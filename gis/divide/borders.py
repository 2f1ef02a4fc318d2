"""Shared borders of the polygons of a coverage: who touches whom, along how many metres.

It relies on shared vertices; making them so belongs to `gis.arrangement`.
"""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.arrangement import Geometries


class Borders(NamedTuple):
    """Pairs of polygons with a common border.

    Attributes
    ----------
    first, second
        Positions of the two, first < second; pairs are sorted and unique.
    length_m
        Length of the common border in the unit of the coordinates.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    length_m: NDArray[np.float64]


def shared_borders(polygons: Geometries) -> Borders:
    """Measure the common borders of a coverage; touching in points only is none.

    Parameters
    ----------
    polygons
        Shape (n,), polygons of a valid coverage in metres.

    Returns
    -------
    Borders
        Each pair once.
    """
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    vertex = _vertex_ids(xy)
    a, b = vertex[:-1][inner], vertex[1:][inner]
    length = np.hypot(*(xy[1:][inner] - xy[:-1][inner]).T)
    owner = np.asarray(polygon)[ring[:-1][inner]]
    key = np.minimum(a, b) * np.int64(len(xy)) + np.maximum(a, b)
    order = np.argsort(key, kind="stable")
    twin = np.flatnonzero(key[order][1:] == key[order][:-1])
    one, other = owner[order][twin], owner[order][twin + 1]
    pair = np.minimum(one, other) * np.int64(len(polygons)) + np.maximum(one, other)
    pairs, where = np.unique(pair, return_inverse=True)
    total = np.bincount(where, weights=length[order][twin], minlength=len(pairs)).astype(np.float64)
    first, second = np.divmod(pairs, max(len(polygons), 1))
    return Borders(first.astype(np.intp), second.astype(np.intp), total)


def _vertex_ids(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give equal coordinates equal numbers."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    fresh = np.any(xy[order][1:] != xy[order][:-1], axis=1)
    ids = np.empty(len(xy), dtype=np.int64)
    ids[order] = np.concatenate([[0], np.cumsum(fresh)]) if len(xy) else 0
    return ids
