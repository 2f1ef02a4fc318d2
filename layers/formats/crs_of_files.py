"""The coordinate reference system of a file, and its coordinates in longitude and latitude."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError

from gis.antimeridian import crosses_antimeridian, cut_at_antimeridian
from gis.crs import LONLAT, to_lonlat, transformer_between
from gis.errors import InputError, ParameterError
from gis.metres import describe_metres
from layers.formats.geojson import named_crs
from layers.formats.registry import Format

# Longitudes that go on beyond 180 are still degrees.
_MAX_DEGREES = 400


def find_crs_override(path: Path, file_format: Format, source_crs: str | None) -> CRS | None:
    """Return the CRS that the user gives for a file, else the one that only its text names, else None.

    Raises
    ------
    InputError
        If it is not known.
    """
    if source_crs is None:
        return named_crs(path) if file_format.name == "GeoJSON" else None
    try:
        return CRS.from_user_input(source_crs)
    except CRSError as error:
        raise ParameterError(
            f"'{source_crs}' names no coordinate reference system; give for example EPSG:4326."
        ) from error


def to_lonlat_2d(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    crs_override: CRS | None,
    first: int = 0,
    own_crs: bool = False,
) -> gpd.GeoDataFrame:
    """Bring a part of a layer, as it was read, to EPSG:4326 and two dimensions.

    Parameters
    ----------
    frame
        In the CRS of the file, or without one.
    path
        As for `read_layer`.
    crs_override
        The CRS to be taken instead of the frame's; from `find_crs_override`.
    first
        Number of the part's first record in the file, from 0, for the message.
    own_crs
        Leave it in its own CRS, unless it reaches across the 180th meridian, where it is cut.

    Raises
    ------
    InputError
        If there is no CRS, or a location lies where it is not defined.
    """
    frame = _force_2d(_require_crs(frame, path, crs_override))
    if own_crs and not _crosses_antimeridian(frame):
        return frame
    return _reproject(frame, path, first)


def _require_crs(frame: gpd.GeoDataFrame, path: Path, crs_override: CRS | None) -> gpd.GeoDataFrame:
    if crs_override is not None:
        frame = frame.set_crs(crs_override, allow_override=True)
    # A GeoPackage says in this way that it does not know.
    if frame.crs is None or frame.crs.name.startswith("Undefined"):
        raise InputError(
            f"{path} names no coordinate reference system; give it with --source-crs, for example EPSG:4326."
        )
    try:
        transformer_between(frame.crs, LONLAT)
    except ProjError as error:
        raise InputError(
            f"{path}: the coordinate reference system '{frame.crs.name}' has no known place on the earth; "
            "give the right one with --source-crs, for example EPSG:4326."
        ) from error
    if CRS(frame.crs).is_geographic:
        _require_degrees(frame, path)
    return frame


def _require_degrees(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Refuse metres that were taken for degrees; single records that are astray are left to the reports."""
    bounds = shapely.bounds(frame.geometry.values)
    corners = bounds[np.isfinite(bounds).all(axis=1)][:, :2]
    astray = corners[(np.abs(corners) > _MAX_DEGREES).any(axis=1)]
    if 2 * len(astray) > len(corners):
        swap = "exchange the two" + (
            " with --lon-field and --lat-field" if path.suffix.lower() == ".csv" else " in the file"
        )
        described = describe_metres(astray[:, 0], astray[:, 1], swap)
        raise InputError(f"{path}: its coordinates should be degrees, but they are none: {described}")


def _force_2d(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    geometries = frame.geometry.values
    if not bool(shapely.has_z(geometries).any()):
        return frame
    return frame.set_geometry(gpd.GeoSeries(shapely.force_2d(geometries), index=frame.index, crs=frame.crs))


def _reproject(frame: gpd.GeoDataFrame, path: Path, first: int) -> gpd.GeoDataFrame:
    if frame.crs is not None and frame.crs.equals(LONLAT, ignore_axis_order=True):
        return _cut(frame.set_crs(LONLAT, allow_override=True), path, first)
    moved = to_lonlat(frame)
    lost = np.isinf(shapely.bounds(moved.geometry.values)).any(axis=1)
    if lost.any():
        record = first + int(np.flatnonzero(lost)[0]) + 1
        raise InputError(
            f"{path}: record {record} lies where the CRS of the file is not defined; give the right one with "
            "--source-crs."
        )
    return _cut(moved, path, first)


def _cut(lonlat: gpd.GeoDataFrame, path: Path, first: int) -> gpd.GeoDataFrame:
    geometries = lonlat.geometry.to_numpy()
    try:
        cut = cut_at_antimeridian(geometries, first=first)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return lonlat if cut is geometries else lonlat.set_geometry(gpd.GeoSeries(cut, lonlat.index, crs=LONLAT))


def _crosses_antimeridian(frame: gpd.GeoDataFrame) -> bool:
    if CRS(frame.crs).is_geographic:
        return bool(crosses_antimeridian(frame.geometry.to_numpy()).any())
    if not np.isfinite(frame.total_bounds).all():
        return False
    to_degrees = transformer_between(frame.crs, LONLAT)
    west, _, east, _ = to_degrees.transform_bounds(*frame.total_bounds)
    return bool(west > east)
