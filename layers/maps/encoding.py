"""Geometry as compact text: micro-degree integers, delta-coded, six bits a character."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

# Six decimals are 0.11 m on the ground: finer than a screen, coarse enough to stay small. All vertices are
# rounded alike, so neighbours keep sharing them.
SCALE = 1_000_000

_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
_DATA_BITS, _CONTINUATION_BIT = 5, 32
_POINT, _LINE, _POLYGON = 0, 1, 2


def encode_numbers(values: NDArray[np.integer[Any]], *, signed: bool = False) -> str:
    """Encode integers as text: five bits a character, and a sixth bit if more follow.

    Parameters
    ----------
    values
        Integers below 2**34 in magnitude, shape (n,); not negative unless `signed`.
    signed
        Fold the sign into the lowest bit first (zigzag).

    Returns
    -------
    str
        Characters of the URL-safe base64 alphabet, least significant group first.

    Notes
    -----
    The code is the variable-length quantity of Google's "Encoded Polyline Algorithm Format" with an
    alphabet that needs no escaping in JSON or HTML.
    """
    numbers = np.asarray(values, dtype=np.int64)
    if signed:
        numbers = (numbers << 1) ^ (numbers >> 63)
    groups = np.ones(len(numbers), dtype=np.int64)
    for shift in range(_DATA_BITS, 40, _DATA_BITS):
        groups += numbers >> shift > 0
    starts = np.cumsum(groups) - groups
    out = np.empty(int(groups.sum()), dtype=np.uint8)
    for group in range(int(groups.max(initial=0))):
        has = groups > group
        digit = (numbers[has] >> (_DATA_BITS * group)) & (_CONTINUATION_BIT - 1)
        more = np.where(groups[has] > group + 1, _CONTINUATION_BIT, 0)
        out[starts[has] + group] = _ALPHABET[digit | more]
    return out.tobytes().decode("ascii")


def encode_points(points: NDArray[np.floating[Any]]) -> str:
    """Encode longitude, latitude pairs of shape (n, 2) as delta-coded micro-degrees."""
    whole = np.rint(np.asarray(points, dtype=float) * SCALE).astype(np.int64)
    return encode_numbers(
        np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel(), signed=True
    )


def encode_geometry(geometry: NDArray[Any]) -> dict[str, Any]:
    """Encode an array of geometries as one compact record.

    Parameters
    ----------
    geometry
        Shapely geometries of any type in longitude, latitude, shape (n,); None and empty ones stay as
        features without rings. Of a collection only the parts of its highest dimension are kept.

    Returns
    -------
    dict
        `n`; `dims`, one digit a feature (0 point, 1 line, 2 polygon); `rings`, rings per feature; `sizes`,
        vertices per ring, a polygon's without the closing one; `xy`, the vertices.
    """
    geometries = np.asarray(geometry, dtype=object)
    dims = shapely.get_dimensions(geometries)
    paths, owner = _explode_parts(geometries, dims)
    coordinates, path_of = shapely.get_coordinates(paths, return_index=True)
    sizes = np.bincount(path_of, minlength=len(paths))
    closing = np.zeros(len(coordinates), dtype=bool)
    if len(paths):
        ends = np.cumsum(sizes) - 1
        closing[ends[dims[owner] == _POLYGON]] = True
        sizes = sizes - (dims[owner] == _POLYGON)
    return {
        "n": len(geometries),
        "dims": "".join(np.clip(dims, _POINT, _POLYGON).astype(int).astype(str)),
        "rings": encode_numbers(np.bincount(owner, minlength=len(geometries))),
        "sizes": encode_numbers(sizes),
        "xy": encode_points(coordinates[~closing]),
    }


def _explode_parts(geometries: NDArray[Any], dims: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return every ring, line and point of the features in order, and the feature each belongs to."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    nested = shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT
    while nested.any():
        inner, position = shapely.get_parts(parts[nested], return_index=True)
        order = np.argsort(
            np.concatenate([np.flatnonzero(~nested), np.flatnonzero(nested)[position]]), kind="stable"
        )
        owner = np.concatenate([owner[~nested], owner[nested][position]])[order]
        parts = np.concatenate([parts[~nested], inner])[order]
        nested = shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT
    kept = (shapely.get_dimensions(parts) == dims[owner]) & ~shapely.is_empty(parts)
    parts, owner = parts[kept], owner[kept]
    polygon = dims[owner] == _POLYGON
    rings, position = shapely.get_rings(parts[polygon], return_index=True)
    order = np.argsort(
        np.concatenate([np.flatnonzero(~polygon), np.flatnonzero(polygon)[position]]), kind="stable"
    )
    paths = np.concatenate([parts[~polygon], rings])[order]
    return paths, np.concatenate([owner[~polygon], owner[polygon][position]])[order]
