"""Polygons as the vertices of their rings, so that vertices can be moved, added and dropped, and back."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray


class RingVertices(NamedTuple):
    """The vertices of all rings of polygons, each once.

    Attributes
    ----------
    xy
        Shape (v, 2), without the vertex that closes a ring.
    ring
        For each vertex the number of its ring, ascending.
    part
        For each ring the number of its part; the exterior ring of a part comes first.
    owner
        For each part the row of its polygon.
    """

    xy: FloatArray
    ring: IntArray
    part: IntArray
    owner: IntArray

    @classmethod
    def of(cls, polygons: Geometries) -> "RingVertices":
        """Take Polygons and MultiPolygons apart."""
        parts, owner = shapely.get_parts(polygons, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        is_last = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
        return cls(xy[~is_last], ring[~is_last].astype(np.int64), part, owner)

    def starts(self) -> IntArray:
        """Return the position of the first vertex of each ring."""
        return np.flatnonzero(np.append(True, self.ring[1:] != self.ring[:-1])[: len(self.ring)])

    def next_vertex(self) -> IntArray:
        """Return for each vertex the position of the one after it in its ring."""
        starts = self.starts()
        following = np.arange(1, len(self.ring) + 1, dtype=np.int64)
        following[np.append(starts[1:], len(self.ring))[: len(starts)] - 1] = starts
        return following

    def to_polygons(self) -> Geometries:
        """Put the polygons together again; every row has a part."""
        rings = np.asarray(shapely.linearrings(self.xy, indices=self.ring), dtype=object)
        parts = np.asarray(shapely.polygons(rings, indices=self.part), dtype=object)
        single = np.bincount(self.owner)[self.owner] == 1
        result = np.empty(int(self.owner.max(initial=-1)) + 1, dtype=object)
        result[self.owner[single]] = parts[single]
        rows, where = np.unique(self.owner[~single], return_inverse=True)
        if len(rows):
            result[rows] = shapely.multipolygons(parts[~single], indices=where)
        return result
