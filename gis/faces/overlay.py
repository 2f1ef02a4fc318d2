"""Overlays of polygons, reduced to polygons and to what is more than rounding."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, Geometries

_CHUNK = 20_000


def extract_polygons(geometries: Geometries) -> Geometries:
    """Return what overlays gave without its lines and points; empty polygons where nothing else is."""
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(geometries), (3, 6)))
    result = geometries.copy()
    for row in mixed[shapely.get_dimensions(geometries[mixed]) == 2]:
        parts = shapely.get_parts(geometries[row])
        result[row] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    result[mixed[shapely.get_dimensions(geometries[mixed]) < 2]] = shapely.Polygon()
    return result


@dataclass(frozen=True)
class OverlayTolerance:
    """Which polygons are too small or too narrow to be more than rounding.

    Attributes
    ----------
    min_area_m2
        Up to this size, m².
    min_width_m
        Up to this mean width (twice the area over the perimeter), metres.
    """

    min_area_m2: float
    min_width_m: float

    def is_noise(self, polygons: Geometries) -> BoolArray:
        """Return which polygons are rounding noise, shape (n,)."""
        limit = np.maximum(self.min_area_m2, self.min_width_m * shapely.length(polygons) / 2)
        return np.asarray(shapely.area(polygons) <= limit)

    def are_equal(self, one: Geometries, other: Geometries) -> BoolArray:
        """Return which pairs of polygons cover the same ground.

        Judged by each connected piece of difference: hairlines along a whole border are no change, one real
        piece is.
        """
        equal = np.asarray(shapely.equals_exact(one, other, tolerance=self.min_width_m / 2))
        rows = np.flatnonzero(~equal)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            change = shapely.symmetric_difference(one[part], other[part])
            pieces, owner = shapely.get_parts(change, return_index=True)
            equal[part] = True
            equal[part[owner[~self.is_noise(pieces)]]] = False
        return equal

    def drop_noise(self, polygons: Geometries) -> Geometries:
        """Return the polygons without the parts that are rounding."""
        parts, owner = shapely.get_parts(polygons, return_index=True)
        noise = self.is_noise(parts)
        result = polygons.copy()
        touched = np.unique(owner[noise])
        for row, start, end in zip(
            touched,
            np.searchsorted(owner, touched),
            np.searchsorted(owner, touched, side="right"),
            strict=True,
        ):
            kept = parts[start:end][~noise[start:end]]
            result[row] = kept[0] if len(kept) == 1 else shapely.multipolygons(kept)
        return result
