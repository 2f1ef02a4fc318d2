"""Coordinate reference systems: longitude/latitude for storage, a metric working CRS for computing.

Frames are projected vertex by vertex, so that neighbours that share vertices share them in every CRS.
"""

from functools import lru_cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis.arrays import FloatArray, ObjectArray
from gis.china import in_china_border
from gis.errors import InputError, ParameterError

LONLAT = CRS.from_epsg(4326)

# EPSG codes of CGCS2000 / 3-degree Gauss-Kruger, zones without prefix: 4509 + n, central meridian 3n.
_FIRST_ZONE, _LAST_ZONE, _ZONE_BASE = 25, 45, 4509

# Projections whose metres are true at the equator only; EPSG's names of the methods.
_SCALE_DISTORTING_METHODS = ("Popular Visualisation", "Mercator", "Equidistant Cylindrical")


def working_crs_for_bounds(bounds: ArrayLike) -> CRS:
    """Choose the metric CRS in which a region is measured and edited.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees; west beyond east means across the 180th meridian.

    Returns
    -------
    CRS
        The CGCS2000 3-degree Gauss-Kruger zone of the centre in China (EPSG 4534 to 4554), the WGS 84 UTM
        zone elsewhere, without the exceptions of Norway and Svalbard; both with east, north axes.

    Raises
    ------
    InputError
        If the bounds are not finite or lie outside -180..180, -80..84.
    """
    west, south, east, north = np.asarray(bounds, dtype=float)
    if not np.all(np.isfinite([west, south, east, north])):
        raise InputError("The layer has no extent: every geometry is empty.")
    lon, lat = (west + east) / 2, (south + north) / 2
    if west > east:
        lon = lon + 180 if lon < 0 else lon - 180
    if not (min(west, east) >= -180 and max(west, east) <= 180 and south >= -80 and north <= 84):
        raise InputError(
            f"The extent {west:g}, {south:g}, {east:g}, {north:g} is not longitude and latitude between "
            "80° S and 84° N; check the CRS and the axis order."
        )
    if in_china_border(lon, lat):
        zone = int(np.clip(np.floor(lon / 3 + 0.5), _FIRST_ZONE, _LAST_ZONE))
        return CRS.from_epsg(_ZONE_BASE + zone)
    zone = int(min(np.floor((lon + 180) / 6) + 1, 60))
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def parse_working_crs(text: str) -> CRS:
    """Read a metric working CRS named by the user.

    Raises
    ------
    InputError
        If the text names no CRS, or one that is not projected in metres, or Web Mercator and its like.
    """
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise ParameterError(
            f"'{text}' names no coordinate reference system; give for example EPSG:4547."
        ) from error
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info):
        raise ParameterError(f"The working CRS must be projected in metres; {text} is not.")
    method = crs.coordinate_operation.method_name if crs.coordinate_operation is not None else ""
    if method.startswith(_SCALE_DISTORTING_METHODS):
        raise ParameterError(
            f"The working CRS must keep lengths; {text} stretches them away from the equator: leave it out, "
            "or give a Gauss-Kruger or UTM zone."
        )
    return crs


# To find the operations between CGCS2000 and WGS 84 takes a twentieth of a second.
@lru_cache(maxsize=32)
def transformer_between(source: CRS, target: CRS) -> Transformer:
    """Return the transformation from a CRS to another, both with east before north.

    Raises
    ------
    ProjError
        If there is none.
    """
    return Transformer.from_crs(source, target, always_xy=True)


def to_lonlat(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame in WGS 84 longitude, latitude; vertices move one by one and none is added.

    Raises
    ------
    InputError
        If the frame has no CRS.
    """
    if frame.crs is None:
        raise InputError("The layer names no coordinate reference system; give it, for example EPSG:4326.")
    return frame.to_crs(LONLAT)


def to_working_crs(frame: gpd.GeoDataFrame, crs: CRS | None = None) -> gpd.GeoDataFrame:
    """Return a longitude, latitude frame in its working CRS (metres).

    Parameters
    ----------
    frame
        In EPSG:4326.
    crs
        The working CRS; chosen by `choose_working_crs` from the extent when not given.
    """
    return frame.to_crs(crs if crs is not None else choose_working_crs(frame))


def choose_working_crs(*frames: gpd.GeoDataFrame) -> CRS:
    """Choose the working CRS from the common extent of frames in any CRS, as `working_crs_for_bounds` does.

    Geometries with coordinates that are not finite do not count.

    Raises
    ------
    InputError
        If a frame names no CRS, or the extent is empty or not on the globe.
    """
    placed = np.concatenate([to_lonlat(frame).geometry.to_numpy() for frame in frames])
    finite = np.isfinite(shapely.bounds(placed)).all(axis=1)
    return working_crs_for_bounds(extent(gpd.GeoDataFrame(geometry=placed[finite], crs=LONLAT)))


def extent(frame: gpd.GeoDataFrame) -> FloatArray:
    """Return west, south, east, north of a longitude, latitude frame, the short way round the earth.

    Returns
    -------
    ndarray
        Degrees as `working_crs_for_bounds` takes them: a layer on both sides of the 180th meridian, such as
        Fiji, has west beyond east. NaN when every geometry is empty.
    """
    bounds = np.asarray(frame.total_bounds, dtype=float)
    if not (bounds[2] - bounds[0] > 180 and bounds[0] >= -180 and bounds[2] <= 180):
        return bounds
    wrapped_lon = shapely.get_coordinates(frame.geometry.to_numpy())[:, 0] % 360
    if wrapped_lon.max() - wrapped_lon.min() >= bounds[2] - bounds[0]:
        return bounds
    bounds[0], bounds[2] = wrapped_lon.min(), wrapped_lon.max() - 360
    return bounds


def geometries_to_lonlat(geometries: ObjectArray, crs: CRS) -> ObjectArray:
    """Return geometries of a working CRS in longitude, latitude, none of them split at the 180th meridian.

    A vertex on the meridian can come back as either 180 or -180; it takes the sign of its geometry.

    Parameters
    ----------
    geometries
        Shape (n,), none of which crosses the meridian.
    crs
        The working CRS.
    """
    result = np.array(gpd.GeoSeries(geometries, crs=crs).to_crs(LONLAT), dtype=object)
    bounds = shapely.bounds(result)
    for row in np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180):
        result[row] = shapely.transform(result[row], _to_one_side_of_antimeridian)
    return result


def _to_one_side_of_antimeridian(lonlat: FloatArray) -> FloatArray:
    """Move vertices beside the 180th meridian to the side of the others."""
    lon, lat = lonlat.T
    on_antimeridian = np.abs(lon) > 180 - 1e-9
    side = np.sign(np.median(lon[~on_antimeridian])) if not on_antimeridian.all() else 1.0
    return np.column_stack([np.where(on_antimeridian, side * 180, lon), lat])
