"""Many rows at a time: geometry decoded in one go, sets of keys as one condition, rows inserted in bulk."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVarTuple

import numpy as np
import orjson
import psycopg
import psycopg.sql
import shapely
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    LargeBinary,
    Row,
    Select,
    SQLColumnExpression,
    String,
    Table,
    bindparam,
    func,
    insert,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

from gis.arrays import ObjectArray
from layers.models.geometry_type import SRID, LonLatGeometry, to_blobs

Ts = TypeVarTuple("Ts")

# Where the WKB of a GeoPackage blob begins, by the kind of its envelope.
_WKB_OFFSETS = (8, 40, 56, 56, 72)

_BATCH_SIZE = 8_192


def is_postgresql(session: Session) -> bool:
    """Return whether the session speaks to PostgreSQL; otherwise it is SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def raw_geometry(session: Session, geometry: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """Return a column of geometry to select undecoded, for `decode`."""
    if is_postgresql(session):
        return func.ST_AsBinary(geometry, type_=LargeBinary)
    return type_coerce(geometry, LargeBinary)


def decode_geometries(session: Session, values: Sequence[Any]) -> ObjectArray:
    """Decode what was selected `raw`: shapely geometries, None where there is none."""
    if not is_postgresql(session):
        values = [
            None if value is None else value[_WKB_OFFSETS[(value[3] >> 1) & 0b111] :] for value in values
        ]
    result: ObjectArray = np.empty(len(values), dtype=object)
    result[:] = shapely.from_wkb(np.array([*values, None], dtype=object))[:-1]
    return result


def read_rows(session: Session, chosen: Select[*Ts]) -> Sequence[Row[*Ts]]:
    """Read many rows of columns past the ORM, which takes longer over a row than the database does."""
    session.flush()
    return session.connection().execute(chosen).all()


def read_in_batches(session: Session, chosen: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    """Read as `read_rows` does, some thousand rows at a time.

    What is read and thrown away would otherwise lie between what stays, and keep its memory.
    """
    session.flush()
    return session.connection().execute(chosen).partitions(_BATCH_SIZE)


def id_in(session: Session, column: SQLColumnExpression[int], ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a key is one of many, passed as one parameter however many there are."""
    numbers = [int(number) for number in ids]
    if is_postgresql(session):
        return column == func.any(bindparam(None, numbers, type_=ARRAY(BigInteger), unique=True))
    listed = func.json_each(orjson.dumps(numbers).decode()).table_valued("value", name="listed")
    return column.in_(select(type_coerce(listed.c.value, Integer)))


def text_in(
    session: Session, column: SQLColumnExpression[Any], texts: Collection[str]
) -> ColumnElement[bool]:
    """Return the condition that a text is one of many, passed as one parameter however many there are."""
    values = sorted(texts)
    if is_postgresql(session):
        return column == func.any(bindparam(None, values, type_=ARRAY(String), unique=True))
    listed = func.json_each(orjson.dumps(values).decode()).table_valued("value", name="listed")
    return column.in_(select(type_coerce(listed.c.value, String)))


def in_force(
    start: InstrumentedAttribute[Any], end: InstrumentedAttribute[Any], on: date
) -> ColumnElement[bool]:
    """Return the condition that a half open interval holds a date."""
    return (start <= on) & or_(end.is_(None), end > on)


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows without reading their keys back.

    Parameters
    ----------
    table
        Where to.
    rows
        Each with the same columns.
    """
    if rows:
        insert_columns(session, table, {column: [row[column] for row in rows] for column in rows[0]})


def insert_columns(session: Session, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows, given by columns of one length, without reading their keys back.

    Row by row SQLAlchemy would take longer than the database does.
    """
    dialect = session.get_bind().dialect
    encoded = {name: _encode_values(table.c[name].type, dialect, values) for name, values in columns.items()}
    if not is_postgresql(session):
        compiled = insert(table).compile(session.get_bind(), column_keys=list(encoded))
        values = [encoded[name] for name in compiled.positiontup or encoded]
        session.connection().exec_driver_sql(str(compiled), list(zip(*values, strict=True)))
        return
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, encoded))
    statement = psycopg.sql.SQL("COPY {} ({}) FROM STDIN").format(psycopg.sql.Identifier(table.name), names)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in zip(*encoded.values(), strict=True):
            copy.write_row(row)


def _encode_values(column_type: TypeEngine[Any], dialect: Dialect, values: Sequence[Any]) -> Sequence[Any]:
    """Encode values as SQLAlchemy does for the driver, geometries all together."""
    if isinstance(column_type, LonLatGeometry):
        geometries = np.asarray(values, dtype=object)
        if dialect.name == "postgresql":
            with_srid = shapely.set_srid(geometries, SRID)
            return list(shapely.to_wkb(with_srid, byte_order=1, include_srid=True, hex=True))
        return to_blobs(geometries, np.asarray(shapely.to_wkb(geometries, byte_order=1), dtype=object))
    encode = column_type.dialect_impl(dialect).bind_processor(dialect)
    return values if encode is None else [encode(value) for value in values]
