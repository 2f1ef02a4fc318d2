"""The ground that a method divides: the lowest areas, checked, in the working CRS.

It refuses what cannot be divided without loss.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.china import within_border
from gis.crs import choose_crs, to_working
from gis.errors import CoverageError, InputError
from gis.faces.arrangement import Geometries
from gis.measures import require_true_areas

_BESIDE = 1e-9
"""Degrees; nearer to the 180th meridian is on it."""


@dataclass(frozen=True)
class Ground:
    """The lowest areas of a frame.

    Attributes
    ----------
    code, name
        Shape (n,), str.
    geometry
        Shape (n,), Polygon or MultiPolygon in the working CRS, two-dimensional, a valid coverage.
    crs
        The working CRS.
    china
        Whether the centre lies in China.
    """

    code: NDArray[np.object_]
    name: NDArray[np.object_]
    geometry: Geometries
    crs: CRS
    china: bool


def lowest_ground(areas: gpd.GeoDataFrame, crs: CRS | None = None) -> Ground:
    """Take the areas that are nobody's parent and check that they can be divided.

    Parameters
    ----------
    areas
        Areas frame in EPSG:4326.
    crs
        The working CRS; chosen from the extent when not given.

    Raises
    ------
    InputError
        If there is no area, or one has no geometry, no polygon or an invalid one, or a code occurs twice; if
        one crosses the 180th meridian, or areas in the working CRS are not as large as they are.
    CoverageError
        If the lowest areas overlap or leave vertices unmatched.
    """
    lowest = areas[~areas["code"].isin(areas["parent"].dropna())]
    if lowest.empty:
        raise InputError("There is no area to divide.")
    _check_records(lowest)
    chosen = crs if crs is not None else choose_crs(lowest)
    _check_meridian(lowest)
    require_true_areas(lowest, chosen)
    geometry = shapely.force_2d(np.asarray(to_working(lowest, chosen).geometry.array, dtype=object))
    code = lowest["code"].astype(str).to_numpy(dtype=object)
    name = lowest["name"].fillna("").astype(str).to_numpy(dtype=object)
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    for k in np.flatnonzero(~finite)[:1].tolist():
        raise InputError(
            f"{_record(lowest, k)} has coordinates that no place has; draw it anew or leave it out."
        )
    sound = np.asarray(shapely.is_valid(geometry))
    for k in np.flatnonzero(~sound)[:1].tolist():
        reason = shapely.is_valid_reason(geometry[k])
        raise InputError(f"{_record(lowest, k)} is not a valid polygon ({reason}); run wangge repair first.")
    _check_coverage(code, geometry)
    west, south, east, north = lowest.total_bounds
    china = bool(within_border((west + east) / 2, (south + north) / 2))
    return Ground(code, name, geometry, chosen, china)


def _record(frame: gpd.GeoDataFrame, position: int) -> str:
    return f"Area '{frame['code'].iloc[position]}'"


def _check_records(lowest: gpd.GeoDataFrame) -> None:
    geometry = np.asarray(lowest.geometry.array, dtype=object)
    for k in np.flatnonzero(shapely.is_missing(geometry) | shapely.is_empty(geometry))[:1]:
        raise InputError(f"{_record(lowest, int(k))} has no geometry; give it a polygon or leave it out.")
    for k in np.flatnonzero(~np.isin(shapely.get_type_id(geometry), (3, 6)))[:1]:
        kind = geometry[k].geom_type
        raise InputError(f"{_record(lowest, int(k))} is a {kind}; only polygons can be divided.")
    for k in np.flatnonzero(lowest["code"].duplicated().to_numpy())[:1]:
        raise InputError(f"{_record(lowest, int(k))} occurs twice; give every area a code of its own.")


def _check_meridian(lowest: gpd.GeoDataFrame) -> None:
    parts, owner = shapely.get_parts(np.asarray(lowest.geometry.array, dtype=object), return_index=True)
    west, _, east, _ = shapely.bounds(parts).T
    torn = np.isin(owner[west <= -180 + _BESIDE], owner[east >= 180 - _BESIDE])
    across = np.concatenate([owner[east - west > 180], owner[west <= -180 + _BESIDE][torn]])
    for k in np.unique(across)[:1].tolist():
        raise InputError(
            f"{_record(lowest, k)} crosses the 180th meridian, across which no cell can be drawn in degrees; "
            "make its two sides areas of their own."
        )


def _check_coverage(code: NDArray[np.object_], geometry: Geometries) -> None:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    if shapely.coverage_is_valid(parts):
        return
    edges = shapely.coverage_invalid_edges(parts)
    bad = np.unique(owner[~shapely.is_empty(edges)])
    listed = ", ".join(f"'{c}'" for c in code[bad[:3]]) + (", ..." if len(bad) > 3 else "")
    raise CoverageError(
        f"{len(bad)} of {len(code)} areas overlap or leave vertices unmatched ({listed}); "
        "run wangge repair first."
    )
