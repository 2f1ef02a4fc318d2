"""Cutting of polygons at the 180th meridian, so that each part is what its longitudes and latitudes say."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.errors import InputError

_WORLD = shapely.box(-180, -90, 180, 90)


def cut_at_antimeridian(geometries: ObjectArray, name: str | None = None, *, first: int = 0) -> ObjectArray:
    """Cut the polygons whose rings run across the 180th meridian, as RFC 7946 asks.

    A ring runs across where its longitude jumps by more than 180°, or goes on beyond 180°. Polygons that
    share an edge across the meridian get the same vertex on it.

    Parameters
    ----------
    geometries
        In EPSG:4326, shape (n,), of any type; only polygons are cut.
    name
        What the message calls a geometry; by its record when not given.
    first
        Number of the first record, from 0, for the message.

    Returns
    -------
    ndarray of object
        The array itself if nothing is to be cut, else a copy. A ring that winds around no ground when it is
        unrolled, such as the frame of the whole world, stays as it is.

    Raises
    ------
    InputError
        If a ring encloses a pole.
    """
    rows = np.flatnonzero(crosses_antimeridian(geometries))
    if not len(rows):
        return geometries
    result: ObjectArray = np.array(geometries, dtype=object)
    for row in rows.tolist():
        try:
            result[row] = _cut(geometries[row])
        except InputError as error:
            raise InputError(f"{name or f'record {first + row + 1}'} {error}.") from error
    return result


def crosses_antimeridian(geometries: ObjectArray) -> BoolArray:
    """Return which polygons have a ring that runs across the 180th meridian, shape (n,)."""
    west, _, east, _ = shapely.bounds(geometries).T
    polygonal = np.isin(shapely.get_type_id(geometries), (3, 6))
    result: BoolArray = polygonal & (east > 180) & (east <= 360) & (west >= -180)
    wide = np.flatnonzero(polygonal & (east - west > 180) & (west >= -180) & (east <= 180))
    parts, owner = shapely.get_parts(geometries[wide], return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    jumps = np.flatnonzero((ring[1:] == ring[:-1]) & (np.abs(np.diff(xy[:, 0])) > 180))
    result[wide[owner[part[ring[jumps]]]]] = True
    return result


def project_joined(geometries: ObjectArray, source: CRS, target: CRS) -> ObjectArray:
    """Project geometries vertex by vertex; polygons that are cut at the 180th meridian become whole again.

    In a projected CRS the parts of such a polygon share the edge at which they were cut, which no valid
    polygon does.

    Parameters
    ----------
    geometries
        In `source`, shape (n,).
    source, target
        The CRS of the geometries, and one in metres.
    """
    projected: ObjectArray = np.array(gpd.GeoSeries(geometries, crs=source).to_crs(target), dtype=object)
    if not source.is_geographic:
        return projected
    west, _, east, _ = shapely.bounds(geometries).T
    cut = np.flatnonzero((shapely.get_type_id(geometries) == 6) & (west == -180) & (east == 180))
    for row in cut.tolist():
        sides = shapely.transform(geometries[row], _to_eastern_antimeridian)
        joined = gpd.GeoSeries([sides], crs=source).to_crs(target).iloc[0]
        projected[row] = shapely.union_all(shapely.get_parts(joined))
    return projected


def _to_eastern_antimeridian(lonlat: FloatArray) -> FloatArray:
    """Give both sides of the meridian the same vertices on it."""
    return np.column_stack([np.where(lonlat[:, 0] == -180, 180.0, lonlat[:, 0]), lonlat[:, 1]])


class _Ring(NamedTuple):
    """A ring unrolled: longitudes in (-180, 180], latitudes, and how often each vertex is beyond 180°."""

    lon: FloatArray
    lat: FloatArray
    turn: IntArray

    @classmethod
    def unroll(cls, ring: shapely.LinearRing) -> "_Ring":
        """Unroll a ring, with a vertex wherever it crosses the meridian."""
        lon, lat = shapely.get_coordinates(ring).T
        beyond = np.ceil((lon - 180) / 360).astype(np.int64)
        steps = np.diff(lon)
        turn = beyond + np.append(0, np.cumsum(np.where(np.abs(steps) > 180, -np.sign(steps), 0))).astype(
            np.int64
        )
        lon = lon - 360 * beyond
        # From the western end, so that both polygons beside an edge get the same latitude.
        first = np.arange(len(lon) - 1)
        west = np.where(turn[:-1] <= turn[1:], first, first + 1)
        east = 2 * first + 1 - west
        across = np.flatnonzero((turn[:-1] != turn[1:]) & (lon[west] < 180))
        west, east = west[across], east[across]
        share = (180 - lon[west]) / (lon[east] + 360 - lon[west])
        met = lat[west] + share * (lat[east] - lat[west])
        return cls(
            np.insert(lon, across + 1, 180.0),
            np.insert(lat, across + 1, met),
            np.insert(turn, across + 1, turn[west]),
        )

    def seen_from(self, turn: int) -> FloatArray:
        """Return the vertices as degrees from one turn, shape (n, 2); nothing is rounded on that turn."""
        return np.column_stack([self.lon + 360.0 * (self.turn - turn), self.lat])


def _cut(geometry: shapely.Geometry) -> shapely.Geometry:
    """Return one polygon in parts on either side."""
    pieces = []
    for part in shapely.get_parts(shapely.force_2d(geometry)):
        shell, *holes = (_Ring.unroll(ring) for ring in shapely.get_rings(part))
        if shell.turn[0] != shell.turn[-1]:
            raise InputError("encloses a pole, so that it cannot be drawn in longitude and latitude")
        # A hole may have been drawn a turn away from its shell.
        middle = shell.seen_from(0)[:, 0].mean()
        holes = [
            hole._replace(turn=hole.turn + round((middle - hole.seen_from(0)[:, 0].mean()) / 360))
            for hole in holes
        ]
        for turn in range(shell.turn.min(), shell.turn.max() + 1):
            whole = shapely.Polygon(shell.seen_from(turn), [hole.seen_from(turn) for hole in holes])
            if not whole.is_valid:
                return geometry
            pieces.append(shapely.intersection(whole, _WORLD))
    parts = shapely.get_parts(np.array(pieces, dtype=object))
    sides: list[shapely.Polygon] = parts[
        (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    ].tolist()
    return sides[0] if len(sides) == 1 else shapely.MultiPolygon(sides)
