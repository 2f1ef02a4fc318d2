"""The input of a division: the lowest areas, validated, in the working CRS."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import Geometries, ObjectArray
from gis.china import in_china_border
from gis.crs import choose_working_crs, to_working_crs
from gis.divide.blanks_between import note_blanks_between
from gis.errors import CoverageError, InputError
from gis.measures import require_low_distortion
from gis.progress import Note, no_note

_ANTIMERIDIAN_TOLERANCE_DEG = 1e-9
"""Degrees; a vertex nearer to the 180th meridian lies on it."""


@dataclass(frozen=True)
class DivisionInput:
    """The lowest areas of a frame.

    Attributes
    ----------
    code, name
        Shape (n,), str.
    geometry
        Shape (n,), Polygon or MultiPolygon in the working CRS, two-dimensional, a valid coverage.
    crs
        The working CRS.
    in_china
        Whether the centre lies in China.
    """

    code: ObjectArray
    name: ObjectArray
    geometry: Geometries
    crs: CRS
    in_china: bool


def read_division_input(
    areas: gpd.GeoDataFrame, crs: CRS | None = None, note: Note = no_note
) -> DivisionInput:
    """Select the areas that are no parent of another and check that they can be divided.

    Parameters
    ----------
    areas
        Areas frame in EPSG:4326.
    crs
        The working CRS; chosen from the extent when not given.
    note
        Told of narrow ground between areas.

    Raises
    ------
    InputError
        If there is no area, or one has no geometry, no polygon or an invalid one, or a code occurs twice; if
        one crosses the 180th meridian, or areas in the working CRS differ too much from their geodesic size.
    CoverageError
        If the lowest areas overlap or leave vertices unmatched.
    """
    leaves = areas[~areas["code"].isin(areas["parent"].dropna())]
    if leaves.empty:
        raise InputError("There is no area to divide.")
    geometry, chosen = project_polygons(leaves, crs)
    code = leaves["code"].astype(str).to_numpy(dtype=object)
    name = leaves["name"].fillna("").astype(str).to_numpy(dtype=object)
    _check_coverage(code, geometry)
    note_blanks_between(code, geometry, note)
    return DivisionInput(code, name, geometry, chosen, lies_in_china(leaves))


def lies_in_china(frame: gpd.GeoDataFrame) -> bool:
    """Return whether the middle of a frame in EPSG:4326 lies in China."""
    west, south, east, north = frame.total_bounds
    return bool(in_china_border((west + east) / 2, (south + north) / 2))


def project_polygons(frame: gpd.GeoDataFrame, crs: CRS | None, noun: str = "Area") -> tuple[Geometries, CRS]:
    """Project polygons that can be divided or grouped into their working CRS.

    Parameters
    ----------
    frame
        In EPSG:4326 with `code`.
    crs
        The working CRS; chosen from the extent when not given.
    noun
        What messages call a record.

    Returns
    -------
    geometry, crs
        Shape (n,), two-dimensional; and the working CRS.

    Raises
    ------
    InputError
        If one has no geometry, no polygon or an invalid one, a code occurs twice, one crosses the 180th
        meridian, or areas in the working CRS differ too much from their geodesic size.
    """
    _check_features(frame, noun)
    chosen = crs if crs is not None else choose_working_crs(frame)
    _check_antimeridian(frame, noun)
    require_low_distortion(frame, chosen)
    geometry = shapely.force_2d(np.asarray(to_working_crs(frame, chosen).geometry.array, dtype=object))
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    for k in np.flatnonzero(~finite)[:1].tolist():
        raise InputError(
            f"{noun} '{frame['code'].iloc[k]}' has coordinates beyond the earth; "
            "draw it again or leave it out."
        )
    is_valid = np.asarray(shapely.is_valid(geometry))
    for k in np.flatnonzero(~is_valid)[:1].tolist():
        reason = shapely.is_valid_reason(geometry[k])
        raise InputError(
            f"{noun} '{frame['code'].iloc[k]}' is not a valid polygon ({reason}); run wangge repair first."
        )
    return geometry, chosen


def _check_features(frame: gpd.GeoDataFrame, noun: str) -> None:
    code = frame["code"]
    geometry = np.asarray(frame.geometry.array, dtype=object)
    for k in np.flatnonzero(shapely.is_missing(geometry) | shapely.is_empty(geometry))[:1]:
        raise InputError(f"{noun} '{code.iloc[k]}' has no geometry; give it a polygon or leave it out.")
    for k in np.flatnonzero(~np.isin(shapely.get_type_id(geometry), (3, 6)))[:1]:
        raise InputError(
            f"{noun} '{code.iloc[k]}' is a {geometry[k].geom_type}; only polygons can be divided."
        )
    for k in np.flatnonzero(code.duplicated().to_numpy())[:1]:
        raise InputError(
            f"{noun} '{code.iloc[k]}' occurs twice; give every {noun.lower()} a code of its own."
        )


def _check_antimeridian(frame: gpd.GeoDataFrame, noun: str) -> None:
    parts, owner = shapely.get_parts(np.asarray(frame.geometry.array, dtype=object), return_index=True)
    west, _, east, _ = shapely.bounds(parts).T
    torn = np.isin(
        owner[west <= -180 + _ANTIMERIDIAN_TOLERANCE_DEG], owner[east >= 180 - _ANTIMERIDIAN_TOLERANCE_DEG]
    )
    across = np.concatenate(
        [owner[east - west > 180], owner[west <= -180 + _ANTIMERIDIAN_TOLERANCE_DEG][torn]]
    )
    for k in np.unique(across)[:1].tolist():
        raise InputError(
            f"{noun} '{frame['code'].iloc[k]}' crosses the 180th meridian, "
            "across which no cell can be drawn in degrees; "
            f"make its two sides {noun.lower()}s of their own."
        )


def _check_coverage(code: ObjectArray, geometry: Geometries) -> None:
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
