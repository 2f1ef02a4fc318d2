"""The column type of geometry: shapely in Python, blobs of GeoPackage or PostGIS in the database."""

import struct
from typing import Any

import numpy as np
import shapely
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine

from gis.arrays import ObjectArray

SRID = 4326
_HEADER = struct.Struct("<2sBBi")
_ENVELOPE = struct.Struct("<4d")
_LITTLE_ENDIAN, _WITH_ENVELOPE, _EMPTY = 0b1, 0b10, 0b10000
_ENVELOPE_DOUBLES = (0, 4, 6, 6, 8)
_POINT_HEADER = _HEADER.pack(b"GP", 0, _LITTLE_ENDIAN, SRID)
_ENVELOPE_HEADER = _HEADER.pack(b"GP", 0, _LITTLE_ENDIAN | _WITH_ENVELOPE, SRID)


def to_blob(geometry: shapely.Geometry) -> bytes:
    """Encode a geometry as a GeoPackage blob: header, envelope unless empty or a point, WKB.

    The layout is clause 2.1.3 of the OGC GeoPackage encoding standard.
    """
    flags = _LITTLE_ENDIAN
    envelope = b""
    if shapely.is_empty(geometry):
        flags |= _EMPTY
    elif shapely.get_type_id(geometry) != shapely.GeometryType.POINT:
        west, south, east, north = shapely.bounds(geometry)
        flags |= _WITH_ENVELOPE
        envelope = _ENVELOPE.pack(west, east, south, north)
    wkb: bytes = shapely.to_wkb(geometry, byte_order=1)
    return _HEADER.pack(b"GP", 0, flags, SRID) + envelope + wkb


def to_blobs(geometries: ObjectArray, wkb: ObjectArray) -> list[bytes | None]:
    """Encode geometries that are not empty, as `to_blob` does one.

    Parameters
    ----------
    geometries, wkb
        Geometries and their little-endian WKB, None where missing.
    """
    points = shapely.get_type_id(geometries) == shapely.GeometryType.POINT
    result: list[bytes | None] = [None if body is None else _POINT_HEADER + body for body in wkb.tolist()]
    extended = np.flatnonzero(~points & ~shapely.is_missing(geometries))
    envelopes = shapely.bounds(geometries[extended])[:, [0, 2, 1, 3]].tolist()
    for row, envelope in zip(extended.tolist(), envelopes, strict=True):
        result[row] = _ENVELOPE_HEADER + _ENVELOPE.pack(*envelope) + wkb[row]
    return result


def from_blob(blob: bytes) -> shapely.Geometry:
    """Decode a GeoPackage blob of any byte order and envelope.

    Raises
    ------
    ValueError
        If it is none.
    """
    if blob[:2] != b"GP":
        raise ValueError("no GeoPackage geometry")
    envelope = (blob[3] >> 1) & 0b111
    if envelope >= len(_ENVELOPE_DOUBLES):
        raise ValueError("no GeoPackage geometry: unknown envelope")
    return shapely.from_wkb(blob[_HEADER.size + 8 * _ENVELOPE_DOUBLES[envelope] :])


class _GeometryBlob(LargeBinary):
    """A blob in a column that GeoPackage calls GEOMETRY."""


@compiles(_GeometryBlob)
def _compile_geometry_blob(_type: _GeometryBlob, _compiler: Any, **_options: Any) -> str:
    return "GEOMETRY"


class LonLatGeometry(TypeDecorator[shapely.Geometry]):
    """Geometry in EPSG:4326, two-dimensional; None where there is none."""

    impl = LargeBinary
    cache_ok = True
    # GeoAlchemy reads it; indexes are named in the model, so that migrations see them.
    spatial_index = False

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Choose the database's own type."""
        geometry = Geometry(srid=SRID, spatial_index=self.spatial_index)
        if dialect is None:  # GeoAlchemy asks so when it creates a table
            return geometry
        return dialect.type_descriptor(geometry if dialect.name == "postgresql" else _GeometryBlob())

    def process_bind_param(self, value: shapely.Geometry | None, dialect: Dialect) -> Any:
        """Encode for the database."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return WKBElement(shapely.to_wkb(value, byte_order=1), srid=SRID)
        return to_blob(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> shapely.Geometry | None:
        """Decode from the database."""
        del dialect
        if value is None:
            return None
        if isinstance(value, WKBElement):
            return shapely.from_wkb(bytes(value.data) if not isinstance(value.data, str) else value.data)
        return from_blob(bytes(value))
