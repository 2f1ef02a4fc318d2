"""The three datums of Chinese map data, WGS 84/CGCS2000, GCJ-02 and BD-09, converted both ways."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.arrays import FloatArray
from gis.china import in_gcj02_outline
from gis.errors import InputError

LonLat = tuple[FloatArray, FloatArray]

# Semi-major axis (m) and squared eccentricity of the SK-42 (Krasovsky) ellipsoid, on which GCJ-02 is defined.
_A = 6378245.0
_E2 = 0.00669342162296594323
_BD_TURN = np.pi * 3000.0 / 180.0

# Only locations in this box, the outline widened by well over the largest shift, can be shifted under any
# datum. All others skip the arithmetic, so the formulas never see a pole.
_WEST, _SOUTH, _EAST, _NORTH = 72.0, 17.0, 137.0, 55.0

# The forward shifts change by at most 0.3 % (GCJ-02) and 2 % (BD-09) of a displacement, so each step of the
# inverse gains at least 2.5 and 1.7 digits; these counts reach the last digits of a double. They are fixed,
# not "until it converges", so that a location has one answer whatever array it comes in.
_GCJ_STEPS, _BD_STEPS = 6, 9

# Decimals kept for the test whether a location is in China (0.01 mm): a location on the outline stays on it
# after the rounding of the inverse.
_OUTLINE_DECIMALS = 10

_CHUNK = 1 << 16


class Datum(StrEnum):
    """The datum in which longitude and latitude are given; CGCS2000 counts as WGS 84."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"

    @property
    def label(self) -> str:
        """The name people write: WGS 84, GCJ-02, BD-09."""
        return {"wgs84": "WGS 84", "gcj02": "GCJ-02", "bd09": "BD-09"}[self.value]


def parse_datum(word: str) -> Datum:
    """Return the datum that a word names, in any case.

    Raises
    ------
    InputError
        If the word is none of wgs84, gcj02, bd09.
    """
    try:
        return Datum(str(word).strip().lower())
    except ValueError:
        raise InputError(f"'{word}' is no datum Wangge knows; give wgs84, gcj02 or bd09.") from None


def convert_coordinates(lon: ArrayLike, lat: ArrayLike, source: str, target: str) -> LonLat:
    """Convert locations from one datum to another.

    Parameters
    ----------
    lon, lat
        Degrees in the source datum; any shapes that broadcast.
    source, target
        `Datum` or its word: wgs84, gcj02 or bd09.

    Returns
    -------
    lon, lat : ndarray of float
        New arrays of the broadcast shape, in the target datum. NaN, infinite and out-of-range coordinates
        are returned as they are.

    Raises
    ------
    InputError
        If a datum is unknown or the shapes do not broadcast.

    Notes
    -----
    A location is shifted when its WGS 84 position lies in the outline of `gis.china.in_gcj02_outline`;
    elsewhere the three datums coincide. The inverse solves the forward formula by fixed-point iteration, so a
    round trip from WGS 84 inside the outline returns within a micrometre. Along the outline the published
    rule is not one-to-one: the strip of some hundred metres that shifted positions reach across it also holds
    unshifted ones. The inverse takes the WGS 84 candidate if that lies inside the outline, else the
    coordinates as they are.

    GCJ-02: the polynomial with sine terms known since 2010 and shared by the open implementations
    (eviltransform, coordtransform, PRCoords), a displacement in metres on the SK-42 ellipsoid. BD-09: a
    slight turn and stretch about the origin of the degree plane, then a constant offset, applied to GCJ-02.
    """
    source_datum, target_datum = parse_datum(source), parse_datum(target)
    try:
        x, y = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    except ValueError as error:
        raise InputError(f"Longitudes and latitudes do not pair up: {error}.") from error
    out_x, out_y = x.ravel().copy(), y.ravel().copy()
    if source_datum is not target_datum:
        for start in range(0, out_x.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            _convert_in_place(out_x[part], out_y[part], source_datum, target_datum)
    return out_x.reshape(x.shape), out_y.reshape(y.shape)


def convert_geometries(geometries: ArrayLike, source: str, target: str) -> NDArray[Any]:
    """Convert geometries from one datum to another, vertex by vertex.

    Parameters
    ----------
    geometries
        Shapely geometries in longitude, latitude of the source datum, any shape; None and empty ones stay.
    source, target
        `Datum` or its word.

    Returns
    -------
    ndarray of geometries
        The same shape; Z values are kept. Equal vertices stay equal, so a coverage stays one, unless it
        straddles the outline of China, where the published shift jumps.

    Raises
    ------
    InputError
        If a datum is unknown.
    """
    source_datum, target_datum = parse_datum(source), parse_datum(target)

    def convert_vertices(vertices: FloatArray) -> FloatArray:
        moved = vertices.copy()
        moved[:, 0], moved[:, 1] = convert_coordinates(
            vertices[:, 0], vertices[:, 1], source_datum, target_datum
        )
        return moved

    result: NDArray[Any] = np.array(geometries, dtype=object)
    if source_datum is target_datum:
        return result
    solid = shapely.has_z(result)
    result[~solid] = shapely.transform(result[~solid], convert_vertices)
    result[solid] = shapely.transform(result[solid], convert_vertices, include_z=True)
    return result


def _convert_in_place(x: FloatArray, y: FloatArray, source: Datum, target: Datum) -> None:
    near = np.flatnonzero((x > _WEST) & (x < _EAST) & (y > _SOUTH) & (y < _NORTH))
    if near.size == 0:
        return
    position = x[near], y[near]
    if source is Datum.WGS84:
        wgs = position
        gcj = _add(wgs, _gcj_shift(*wgs))
    else:
        gcj = position if source is Datum.GCJ02 else _invert_shift(_bd_shift, position, _BD_STEPS)
        wgs = _invert_shift(_gcj_shift, gcj, _GCJ_STEPS)
    shifted = in_gcj02_outline(wgs[0].round(_OUTLINE_DECIMALS), wgs[1].round(_OUTLINE_DECIMALS))
    if target is Datum.WGS84:
        converted = wgs
    elif target is Datum.GCJ02:
        converted = gcj
    else:
        converted = _add(gcj, _bd_shift(*gcj))
    x[near[shifted]] = converted[0][shifted]
    y[near[shifted]] = converted[1][shifted]


def _add(position: LonLat, shift: LonLat) -> LonLat:
    return position[0] + shift[0], position[1] + shift[1]


def _invert_shift(shift: Callable[[FloatArray, FloatArray], LonLat], shifted: LonLat, steps: int) -> LonLat:
    """Find the positions that `shift` moves onto `shifted`."""
    x, y = shifted
    for _ in range(steps):
        dx, dy = shift(x, y)
        x, y = shifted[0] - dx, shifted[1] - dy
    return x, y


def _gcj_shift(lon: FloatArray, lat: FloatArray) -> LonLat:
    """Displacement in degrees from WGS 84 to GCJ-02 at a WGS 84 position."""
    x, y = lon - 105.0, lat - 35.0
    px, py = np.pi * x, np.pi * y
    root, cross = np.sqrt(np.abs(x)), 0.1 * x * y
    ripple = 20.0 * np.sin(6.0 * px) + 20.0 * np.sin(2.0 * px)
    swell_east = (
        20.0 * np.sin(px) + 40.0 * np.sin(px / 3.0) + 150.0 * np.sin(px / 12.0) + 300.0 * np.sin(px / 30.0)
    )
    swell_north = (
        20.0 * np.sin(py) + 40.0 * np.sin(py / 3.0) + 160.0 * np.sin(py / 12.0) + 320.0 * np.sin(py / 30.0)
    )
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + cross + 0.1 * root + (ripple + swell_east) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + cross + 0.2 * root + (ripple + swell_north) * 2.0 / 3.0

    phi = np.radians(lat)
    flattening = 1.0 - _E2 * np.sin(phi) ** 2
    normal_radius = _A / np.sqrt(flattening)
    meridian_radius = normal_radius * (1.0 - _E2) / flattening
    return np.degrees(east / (normal_radius * np.cos(phi))), np.degrees(north / meridian_radius)


def _bd_shift(lon: FloatArray, lat: FloatArray) -> LonLat:
    """Displacement in degrees from GCJ-02 to BD-09 at a GCJ-02 position."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURN)
    return radius * np.cos(angle) + 0.0065 - lon, radius * np.sin(angle) + 0.006 - lat
