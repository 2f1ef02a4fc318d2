"""Making geometries from what files have: rings closed, empty holes left out, polygons taken alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.arrays import BoolArray, Geometries
from gis.errors import InputError
from gis.progress import Note

_MIN_RING_VERTICES = 4
_AREAL = (
    shapely.GeometryType.POLYGON,
    shapely.GeometryType.MULTIPOLYGON,
    shapely.GeometryType.GEOMETRYCOLLECTION,
)
"""The types in which there may be rings."""


class GeometryParser:
    """Makes the geometries of one file from WKB or WKT, part by part, and tells at the end what it mended.

    Parameters
    ----------
    path
        Named in messages.
    parse
        `shapely.from_wkb` or `shapely.from_wkt`.
    """

    def __init__(self, path: Path, parse: Callable[..., Any] = shapely.from_wkb) -> None:
        self._path, self._parse = path, parse
        self._closed: list[int] = []

    def parse(self, values: NDArray[np.object_], first: int) -> Geometries:
        """Return the geometries of a part whose first record has the number `first`, from 0.

        Raises
        ------
        InputError
            If one is no geometry.
        NotImplementedError
            If one has arcs.
        """
        geometries = np.asarray(self._parse(values, on_invalid="ignore"), dtype=object)
        if has_arcs(geometries):
            raise NotImplementedError
        given = np.array([value is not None for value in values], dtype=bool)
        broken = np.flatnonzero(given & shapely.is_missing(geometries))
        if len(broken):
            mended = np.asarray(self._parse(values[broken], on_invalid="fix"), dtype=object)
            hopeless = shapely.is_missing(mended) | _has_short_ring(mended)
            if hopeless.any():
                record = first + int(broken[hopeless][0]) + 1
                raise InputError(
                    f"{self._path}: record {record} has a geometry that cannot be built: it is cut off, or a "
                    "ring has fewer than three corners; mend or delete it."
                )
            geometries[broken] = mended
            self._closed += (first + broken + 1).tolist()
        return drop_empty_holes(geometries)

    def tell(self, note: Note) -> None:
        """Tell which records had rings that did not end where they begin."""
        if not self._closed:
            return
        more = f" and {len(self._closed) - 1:,} more" if len(self._closed) > 1 else ""
        note(f"{self._path}: record {self._closed[0]}{more} had a ring that was not closed; it is closed")


def has_arcs(geometries: Geometries) -> bool:
    """Return whether one is a curve, as such or in a collection."""
    types = shapely.get_type_id(geometries)
    if bool((types > shapely.GeometryType.GEOMETRYCOLLECTION).any()):
        return True
    try:
        parts = shapely.get_parts(geometries[types == shapely.GeometryType.GEOMETRYCOLLECTION])
    except NotImplementedError:
        return True
    return len(parts) > 0 and has_arcs(parts)


def _has_short_ring(geometries: Geometries) -> BoolArray:
    rings, owner = shapely.get_rings(geometries, return_index=True)
    short = np.zeros(len(geometries), dtype=bool)
    short[owner[shapely.get_num_coordinates(rings) < _MIN_RING_VERTICES]] = True
    return short


def drop_empty_holes(geometries: Geometries) -> Geometries:
    """Leave out the inner rings without a vertex that some programs write for "no hole"."""
    areal = np.flatnonzero(np.isin(shapely.get_type_id(geometries), _AREAL))
    parts, owner = shapely.get_parts(geometries[areal], return_index=True)
    owner = areal[owner]
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    rings, part = shapely.get_rings(parts[holed], return_index=True)
    concerned = np.unique(owner[holed[part[shapely.is_empty(rings)]]])
    if not len(concerned):
        return geometries
    result = geometries.copy()
    for row in concerned.tolist():
        result[row] = _without_empty_holes(geometries[row])
    return result


def _without_empty_holes(geometry: Any) -> Any:
    if isinstance(geometry, shapely.Polygon):
        return shapely.Polygon(geometry.exterior, [ring for ring in geometry.interiors if not ring.is_empty])
    if hasattr(geometry, "geoms"):
        return type(geometry)([_without_empty_holes(part) for part in geometry.geoms])
    return geometry


def polygons_of_collections(geometries: Geometries) -> tuple[Geometries, list[int]]:
    """Take the polygons out of collections that have some; the lines and points in them cover no ground.

    Returns
    -------
    geometries : ndarray
        As given where there is no collection or no polygon in it.
    rows : list of int
        The places of those that changed.
    """
    collections = shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION
    result, changed = geometries.copy(), []
    for row in np.flatnonzero(collections).tolist():
        polygons = _polygons(geometries[row])
        if polygons:
            result[row] = polygons[0] if len(polygons) == 1 else _join(polygons)
            changed.append(row)
    return result, changed


def _polygons(geometry: Any) -> list[shapely.Polygon]:
    parts = shapely.get_parts(np.array([geometry], dtype=object))
    found: list[shapely.Polygon] = []
    for part in parts:
        if part.geom_type == "Polygon" and not part.is_empty:
            found.append(part)
        elif shapely.get_type_id(part) > shapely.GeometryType.POLYGON:
            found += _polygons(part)
    return found


def _join(polygons: list[shapely.Polygon]) -> Any:
    """Make one geometry of polygons, united where they touch or overlap: as parts these would be invalid."""
    joined = shapely.MultiPolygon(polygons)
    return (
        joined
        if joined.is_valid or not all(part.is_valid for part in polygons)
        else shapely.union_all(polygons)
    )
