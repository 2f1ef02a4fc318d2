"""Exporting a layer of the database into a file of any format, in batches, from one state of the database."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import shapely
from sqlalchemy import Subquery, Text, case, cast, func, select, true
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.db.bulk import decode, is_postgresql
from layers.db.database import Database
from layers.exports.layer_queries import SOURCES, Filters, Rows, Source
from layers.formats import output_format
from layers.formats.write_batches import GEOMETRY, write_stream

__all__ = ["Filters", "export_layer"]

Progress = Callable[[int, int], None]

_PAGE = 20_000


def export_layer(
    database: Database,
    path: Path,
    layer: str,
    *,
    filters: Filters | None = None,
    personal: bool = False,
    progress: Progress | None = None,
) -> tuple[int, list[str]]:
    """Write a layer into a file.

    Parameters
    ----------
    database
        Read in one state, whatever is written meanwhile.
    path
        In one of the writable formats; replaced when complete.
    layer
        areas, cells, entities or gaps. Attributes, and the figures of gaps, become columns.
    filters
        Which rows.
    personal
        Add the personal values of entities as columns.
    progress
        Called with the rows written and their number.

    Returns
    -------
    rows : int
        How many were written.
    notes : list of str
        What the format could not keep.

    Raises
    ------
    InputError
        If there is no such layer, the format cannot hold it, or a scheme is wanting.
    NotFoundError
        If there is no such scheme or area.
    """
    output_format(path)
    if layer not in SOURCES:
        raise InputError(f"There is no layer '{layer}'; export areas, cells, entities or gaps.")
    chosen = filters or Filters()
    with database.read() as session:
        source = SOURCES[layer](session, chosen, personal)
        total, points = _survey(session, source)
        fields = _fields(session, source)
        schema = pa.schema(
            [
                *source.columns.items(),
                *((each.column, each.type) for each in fields),
                (GEOMETRY, pa.binary()),
            ]
        )
        done = 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal done
            for page in _pages(session, source):
                yield _batch(session, source, page, fields, schema)
                done += len(page)
                if progress is not None:
                    progress(done, total)

        notes = write_stream(path, schema, batches(), layer, points=points)
    return done, notes


def _survey(session: Session, source: Source) -> tuple[int, bool]:
    """Count the rows, and tell whether all that have a geometry are points."""
    point = 21 if is_postgresql(session) else 29
    total, others = 0, 0
    for statement in source.statements:
        rows = statement.subquery()
        size = func.length(rows.c[GEOMETRY])
        counted = session.execute(select(func.count(), func.count().filter(size != point)).select_from(rows))
        found, extended = counted.one()
        total, others = total + found, others + extended
    return total, others == 0


def _pages(session: Session, source: Source) -> Iterator[list[Any]]:
    """Walk the rows in pages; memory holds one."""
    for statement in source.statements:
        rows = statement.subquery()
        last = 0
        while True:
            found = session.execute(
                select(rows).where(rows.c.key > last).order_by(rows.c.key).limit(_PAGE)
            ).all()
            if found:
                yield list(found)
            if len(found) < _PAGE:
                break
            last = found[-1].key


class _Field(NamedTuple):
    """A value inside the documents, and the column it goes to."""

    key: str
    column: str
    type: pa.DataType


def _fields(session: Session, source: Source) -> list[_Field]:
    """Name the values in the documents and the type that holds all of each."""
    kinds: dict[str, set[str]] = {}
    for statement in source.statements:
        rows = statement.subquery()
        for document in source.documents:
            for key, kind in session.execute(_kinds(session, rows, document)):
                kinds.setdefault(key, set()).add(kind)
    taken = {name.lower() for name in (*source.columns, GEOMETRY)}
    fields = []
    for key in sorted(kinds):
        if key == "name" and "personal" in source.documents:
            # The name of a household stands where that of an enterprise does.
            continue
        column = key
        while column.lower() in taken:
            column = f"source_{column}"
        taken.add(column.lower())
        fields.append(_Field(key, column, _type(kinds[key] - {"null"})))
    return fields


def _kinds(session: Session, rows: Subquery, document: str) -> Rows:
    if is_postgresql(session):
        each = func.json_each(rows.c[document]).table_valued("key", "value", name="each")
        number = case((cast(each.c.value, Text).regexp_match("[.eE]"), "real"), else_="integer")
        kind = case(
            (func.json_typeof(each.c.value) == "number", number), else_=func.json_typeof(each.c.value)
        )
        return select(each.c.key, kind).select_from(rows).join(each, true()).distinct()
    each = func.json_each(rows.c[document]).table_valued("key", "type", name="each")
    return select(each.c.key, each.c.type).select_from(rows).join(each, true()).distinct()


def _type(kinds: set[str]) -> pa.DataType:
    if kinds and kinds <= {"integer"}:
        return pa.int64()
    if kinds and kinds <= {"integer", "real"}:
        return pa.float64()
    if kinds and kinds <= {"true", "false", "boolean"}:
        return pa.bool_()
    return pa.string()


def _batch(
    session: Session, source: Source, page: list[Any], fields: list[_Field], schema: pa.Schema
) -> pa.RecordBatch:
    rows = [row._mapping for row in page]
    columns: list[Any] = [[row[name] for row in rows] for name in source.columns]
    documents = [
        {key: value for name in source.documents for key, value in row[name].items()} for row in rows
    ]
    if "personal" in source.documents:
        place = list(source.columns).index("name")
        columns[place] = [
            own if own is not None else document.get("name")
            for own, document in zip(columns[place], documents, strict=True)
        ]
    for field in fields:
        values = [document.get(field.key) for document in documents]
        columns.append([_text(value) for value in values] if field.type == pa.string() else values)
    shapes = decode(session, [row[GEOMETRY] for row in rows])
    columns.append(shapely.to_wkb(shapes, byte_order=1).tolist())
    arrays = [pa.array(values, type=each.type) for values, each in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
