# ruff: noqa: S608  the names in the statements are those of our own layers
"""What makes the SQLite file a GeoPackage 1.4: its own tables, spatial indexes, triggers and functions."""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from math import isnan
from typing import Any

import shapely
from pyproj import CRS
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite.base import SQLiteTypeCompiler

from layers.models.geometry_type import SRID, from_blob

# The tables that GDAL and QGIS shall show; what is not listed (accounts, tokens, audit) they leave alone.
LAYERS = {
    "areas": "行政区划 areas",
    "cells": "网格 cells",
    "entities": "对象 entities",
    "gaps": "盲区 gaps",
    "base_features": "底图要素 base_features",
}
ATTRIBUTE_TABLES = {
    "schemes": "网格体系 schemes",
    "plans": "网格方案 plans",
    "assignments": "归属 assignments",
}
_GEOMETRY_COLUMN = "geometry"
_APPLICATION_ID, _VERSION = 0x47504B47, 10400
_ENVELOPE = struct.Struct("<4d")
_POINT = struct.Struct("<2d")
_HEADER_BYTES, _WKB_HEAD_BYTES = 8, 5
_FLAG_EMPTY, _FLAG_LITTLE, _FLAG_XY, _FLAGS_ENVELOPE = 0b10000, 0b1, 0b10, 0b1110
_WKB_POINT = b"\x01\x01\x00\x00\x00"

_CREATE_TABLES = (
    """CREATE TABLE gpkg_spatial_ref_sys (
    srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    """CREATE TABLE gpkg_contents (
    table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
    description TEXT DEFAULT '',
    last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
    CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_geometry_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
    srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
    CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
    CONSTRAINT uk_gc_table_name UNIQUE (table_name),
    CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
    CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    """CREATE TABLE gpkg_extensions (
    table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
    scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)

# Annex F.3 of the standard (extension gpkg_rtree_index), in the form of version 1.4.
_NEW_BOUNDS = "ST_MinX(NEW.geometry), ST_MaxX(NEW.geometry), ST_MinY(NEW.geometry), ST_MaxY(NEW.geometry)"
_NEW_HAS_GEOMETRY = "(NEW.geometry NOTNULL AND NOT ST_IsEmpty(NEW.geometry))"
_NEW_LACKS_GEOMETRY = "(NEW.geometry ISNULL OR ST_IsEmpty(NEW.geometry))"
_TRIGGERS = {
    "insert": f"""AFTER INSERT ON {{table}} WHEN {_NEW_HAS_GEOMETRY}
    BEGIN INSERT OR REPLACE INTO {{index}} VALUES (NEW.id, {_NEW_BOUNDS}); END""",
    "update2": f"""AFTER UPDATE OF geometry ON {{table}} WHEN OLD.id = NEW.id AND {_NEW_LACKS_GEOMETRY}
    BEGIN DELETE FROM {{index}} WHERE id = OLD.id; END""",
    "update4": f"""AFTER UPDATE ON {{table}} WHEN OLD.id != NEW.id AND {_NEW_LACKS_GEOMETRY}
    BEGIN DELETE FROM {{index}} WHERE id IN (OLD.id, NEW.id); END""",
    "update5": f"""AFTER UPDATE ON {{table}} WHEN OLD.id != NEW.id AND {_NEW_HAS_GEOMETRY}
    BEGIN DELETE FROM {{index}} WHERE id = OLD.id;
    INSERT OR REPLACE INTO {{index}} VALUES (NEW.id, {_NEW_BOUNDS}); END""",
    "update6": f"""AFTER UPDATE OF geometry ON {{table}} WHEN OLD.id = NEW.id AND {_NEW_HAS_GEOMETRY}
    AND (OLD.geometry NOTNULL AND NOT ST_IsEmpty(OLD.geometry))
    BEGIN UPDATE {{index}} SET minx = ST_MinX(NEW.geometry), maxx = ST_MaxX(NEW.geometry),
    miny = ST_MinY(NEW.geometry), maxy = ST_MaxY(NEW.geometry) WHERE id = NEW.id; END""",
    "update7": f"""AFTER UPDATE OF geometry ON {{table}} WHEN OLD.id = NEW.id AND {_NEW_HAS_GEOMETRY}
    AND (OLD.geometry ISNULL OR ST_IsEmpty(OLD.geometry))
    BEGIN INSERT INTO {{index}} VALUES (NEW.id, {_NEW_BOUNDS}); END""",
    "delete": """AFTER DELETE ON {table} WHEN OLD.geometry NOTNULL
    BEGIN DELETE FROM {index} WHERE id = OLD.id; END""",
}


class GeoPackageTypeCompiler(SQLiteTypeCompiler):
    """Column types under the names that GeoPackage knows."""

    def visit_string(self, type_: Any, **kw: Any) -> str:
        """Text of any length."""
        del type_, kw
        return "TEXT"

    visit_unicode = visit_text = visit_VARCHAR = visit_JSON = visit_string  # noqa: N815  SQLAlchemy's names

    def visit_float(self, type_: Any, **kw: Any) -> str:
        """Eight bytes."""
        del type_, kw
        return "DOUBLE"


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the triggers of the spatial indexes call."""
    connection.create_function("ST_IsEmpty", 1, _is_empty, deterministic=True)
    for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, _bound_function(position), deterministic=True)


def create(connection: Connection) -> None:
    """Make the file a GeoPackage without layers."""
    run = connection.exec_driver_sql
    run(f"PRAGMA application_id = {_APPLICATION_ID}")
    run(f"PRAGMA user_version = {_VERSION}")
    for statement in _CREATE_TABLES:
        run(statement)
    run(
        "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)",
        [
            ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian"),
            ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic"),
            ("WGS 84 geodetic", SRID, "EPSG", SRID, CRS(SRID).to_wkt("WKT1_GDAL"), "longitude, latitude"),
        ],
    )


def drop(connection: Connection) -> None:
    """Take back what `create` made; the layers have been dropped."""
    for name in ("extensions", "geometry_columns", "contents", "spatial_ref_sys"):
        connection.exec_driver_sql(f"DROP TABLE gpkg_{name}")


def add_attributes_table(connection: Connection, table: str) -> None:
    """List a table without geometry, which exists already."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
        (table, ATTRIBUTE_TABLES[table]),
    )


def add_layer(connection: Connection, table: str) -> None:
    """Make a layer of a table with the column geometry, which exists already: list it, and index it."""
    run = connection.exec_driver_sql
    run(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)",
        (table, LAYERS[table], SRID),
    )
    run(
        "INSERT INTO gpkg_geometry_columns VALUES (?, ?, 'GEOMETRY', ?, 0, 0)",
        (table, _GEOMETRY_COLUMN, SRID),
    )
    run(
        "INSERT INTO gpkg_extensions VALUES (?, ?, 'gpkg_rtree_index',"
        " 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        (table, _GEOMETRY_COLUMN),
    )
    _create_rtree(connection, table)
    _create_triggers(connection, table)


def drop_layer(connection: Connection, table: str) -> None:
    """Take back what `add_layer` made; the table stays."""
    _drop_triggers(connection, table)
    _drop_rtree(connection, table)
    for name in ("extensions", "geometry_columns", "contents"):
        connection.exec_driver_sql(f"DELETE FROM gpkg_{name} WHERE table_name = ?", (table,))


def rtree_name(table: str) -> str:
    """Name the R*Tree of a layer: columns id, minx, maxx, miny, maxy, rounded outwards to 32 bits."""
    return f"rtree_{table}_{_GEOMETRY_COLUMN}"


@contextmanager
def rebuilding_rtree(connection: Connection, table: str) -> Iterator[None]:
    """Fill the spatial index of a layer once after a large load, instead of row by row.

    All of it happens in the connection's transaction, so that no reader sees the layer without its index.
    """
    _drop_triggers(connection, table)
    _drop_rtree(connection, table)
    yield
    _create_rtree(connection, table)
    _create_triggers(connection, table)


@contextmanager
def extending_rtree(connection: Connection, table: str) -> Iterator[None]:
    """Fill the spatial index of a layer with many rows that are added, once they are there.

    Row by row it takes twice as long. In the block rows are added and none is changed or deleted.
    """
    last: int = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {table}").scalar_one()
    _drop_triggers(connection, table)
    yield
    _fill_rtree(connection, table, last)
    _create_triggers(connection, table)


def mark_changed(connection: Connection) -> None:
    """Tell other programs that the layers have changed, and forget the extents that they noted."""
    connection.exec_driver_sql(
        "UPDATE gpkg_contents SET min_x = NULL, min_y = NULL, max_x = NULL, max_y = NULL,"
        " last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now')"
    )


def _create_rtree(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {rtree_name(table)} USING rtree(id, minx, maxx, miny, maxy)"
    )
    _fill_rtree(connection, table, 0)


def _fill_rtree(connection: Connection, table: str, after_id: int) -> None:
    """Put the rows behind a key into the index."""
    connection.exec_driver_sql(
        f"INSERT INTO {rtree_name(table)} SELECT id, ST_MinX(geometry), ST_MaxX(geometry), ST_MinY(geometry),"
        f" ST_MaxY(geometry) FROM {table} WHERE id > ? AND geometry NOTNULL AND NOT ST_IsEmpty(geometry)",
        (after_id,),
    )


def _create_triggers(connection: Connection, table: str) -> None:
    for name, body in _TRIGGERS.items():
        text = body.format(table=table, index=rtree_name(table))
        connection.exec_driver_sql(f"CREATE TRIGGER {rtree_name(table)}_{name} {text}")


def _drop_rtree(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"DROP TABLE {rtree_name(table)}")


def _drop_triggers(connection: Connection, table: str) -> None:
    for name in _TRIGGERS:
        connection.exec_driver_sql(f"DROP TRIGGER {rtree_name(table)}_{name}")


def _is_empty(blob: bytes | None) -> int | None:
    if blob is None:
        return None
    if blob[3] & _FLAG_EMPTY:
        return 1
    if blob[3] & _FLAGS_ENVELOPE:
        return 0
    if blob[_HEADER_BYTES : _HEADER_BYTES + _WKB_HEAD_BYTES] == _WKB_POINT:
        return int(isnan(_POINT.unpack_from(blob, _HEADER_BYTES + _WKB_HEAD_BYTES)[0]))
    return int(shapely.is_empty(from_blob(blob)))


def _bound_function(position: int) -> Any:
    axis = position // 2

    def bound(blob: bytes | None) -> float | None:
        if blob is None:
            return None
        flags = blob[3] & (_FLAG_LITTLE | _FLAGS_ENVELOPE)
        if flags == _FLAG_LITTLE | _FLAG_XY:
            return float(_ENVELOPE.unpack_from(blob, _HEADER_BYTES)[position])
        if flags == _FLAG_LITTLE and blob[_HEADER_BYTES : _HEADER_BYTES + _WKB_HEAD_BYTES] == _WKB_POINT:
            return float(_POINT.unpack_from(blob, _HEADER_BYTES + _WKB_HEAD_BYTES)[axis])
        west, south, east, north = shapely.bounds(from_blob(blob))
        return float((west, east, south, north)[position])

    return bound
