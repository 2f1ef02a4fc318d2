"""Exporting a layer of the database into a file of any format, in batches, from one state of the database.

It owns which rows and columns a layer has in a file; the formats are `layers.formats`', and who may have
personal values is decided in `api`.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import shapely
from sqlalchemy import ColumnElement, Select, Subquery, Text, case, cast, func, select, true
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.formats import output_format
from layers.formats.streams import GEOMETRY, write_stream
from layers.storage.boxes import Box, in_box
from layers.storage.database import Database
from layers.storage.ground import read_ground
from layers.storage.models import Area, Assignment, Cell, Entity, EntityVersion
from layers.storage.rows import decode, in_force, is_postgresql, raw
from layers.storage.schemes import find_scheme

Progress = Callable[[int, int], None]
Rows = Select[*tuple[Any, ...]]

_PAGE = 20_000


@dataclass(frozen=True)
class Filters:
    """Which rows of a layer to export; what is not given does not restrict.

    Attributes
    ----------
    area_code
        An area: itself or what lies in it or in an area beneath it.
    box
        What meets a box.
    on
        The state of a date; the present one when not given.
    kind
        Entities of a kind.
    scheme
        Code of the scheme of cells. For entities it adds their cell in it.
    cell_code
        Entities of a cell of the scheme.
    """

    area_code: str | None = None
    box: Box | None = None
    on: date | None = None
    kind: str | None = None
    scheme: str | None = None
    cell_code: str | None = None


class _Source(NamedTuple):
    """A layer: its standard columns, the columns that hold documents, and the statements that select both.

    Each statement selects a growing `key`, the columns, the documents and the undecoded geometry.
    """

    columns: dict[str, pa.DataType]
    documents: tuple[str, ...]
    statements: list[Rows]


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
        areas, cells or entities. Attributes become columns.
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
    if layer not in _SOURCES:
        raise InputError(f"There is no layer '{layer}'; export areas, cells or entities.")
    chosen = filters or Filters()
    with database.read() as session:
        source = _SOURCES[layer](session, chosen, personal)
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


def _areas(session: Session, filters: Filters, _personal: bool) -> _Source:
    chosen: Rows = select(Area.id.label("key"), Area.code, Area.name, Area.level, Area.parent)
    chosen = chosen.add_columns(raw(session, Area.geometry).label(GEOMETRY))
    if filters.area_code is not None:
        chosen = chosen.where(_among(Area.code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, Area, filters.box))
    return _Source(dict.fromkeys(("code", "name", "level", "parent"), pa.string()), (), [chosen])


def _cells(session: Session, filters: Filters, _personal: bool) -> _Source:
    if filters.scheme is None:
        raise InputError("Cells belong to a scheme; name one.")
    scheme = find_scheme(session, filters.scheme)
    types = {
        **dict.fromkeys(("code", "name", "kind", "parent", "area_code"), pa.string()),
        **dict.fromkeys(("area_m2", "perimeter_m"), pa.float64()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    chosen: Rows = select(Cell.id.label("key"), *(getattr(Cell, name) for name in types), Cell.attributes)
    chosen = chosen.add_columns(raw(session, Cell.geometry).label(GEOMETRY)).where(
        Cell.scheme_id == scheme.id, in_force(Cell.valid_from, Cell.valid_to, filters.on or date.today())
    )
    if filters.area_code is not None:
        chosen = chosen.where(_among(Cell.area_code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, Cell, filters.box))
    return _Source(types, ("attributes",), [chosen])


def _entities(session: Session, filters: Filters, personal: bool) -> _Source:
    types = {
        **dict.fromkeys(("id", "kind", "name", "class_name", "area_code"), pa.string()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    documents = ("attributes", "personal") if personal else ("attributes",)
    if filters.scheme is not None:
        types |= {"cell_code": pa.string(), "cell_share": pa.float64(), "assign_method": pa.string()}
    statements = [_states(session, Entity, filters, documents)]
    if filters.on is not None:
        statements.append(_states(session, EntityVersion, filters, documents))
    return _Source(types, documents, statements)


def _states(
    session: Session, model: type[Entity | EntityVersion], filters: Filters, documents: tuple[str, ...]
) -> Rows:
    """Select present states of entities, or former ones."""
    chosen: Rows = select(
        model.id.label("key"),
        Entity.external_id.label("id"),
        Entity.kind,
        model.name,
        model.class_name,
        model.area_code,
        model.valid_from,
        model.valid_to,
    )
    if model is EntityVersion:
        chosen = chosen.join(Entity, Entity.id == EntityVersion.entity_id)
    day = filters.on or date.today()
    if filters.scheme is not None:
        belongs = (
            (Assignment.entity_id == Entity.id)
            & (Assignment.scheme_id == find_scheme(session, filters.scheme).id)
            & in_force(Assignment.valid_from, Assignment.valid_to, day)
        )
        chosen = chosen.add_columns(
            Assignment.cell_code,
            Assignment.share.label("cell_share"),
            Assignment.method.label("assign_method"),
        ).outerjoin(Assignment, belongs)
    chosen = chosen.add_columns(
        *(getattr(model, name) for name in documents), raw(session, model.geometry).label(GEOMETRY)
    )
    if filters.on is None:
        chosen = chosen.where(model.valid_to.is_(None))
    else:
        chosen = chosen.where(in_force(model.valid_from, model.valid_to, filters.on))
    if filters.kind is not None:
        chosen = chosen.where(Entity.kind == filters.kind)
    if filters.cell_code is not None:
        if filters.scheme is None:
            raise InputError("A cell is known by its scheme and its code; name the scheme too.")
        chosen = chosen.where(Assignment.cell_code == filters.cell_code)
    if filters.area_code is not None:
        chosen = chosen.where(_among(model.area_code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, model, filters.box))
    return chosen


_SOURCES: dict[str, Callable[[Session, Filters, bool], _Source]] = {
    "areas": _areas,
    "cells": _cells,
    "entities": _entities,
}


def _among(column: Any, session: Session, area_code: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(sorted(read_ground(session).below(area_code)))
    return found


def _survey(session: Session, source: _Source) -> tuple[int, bool]:
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


def _pages(session: Session, source: _Source) -> Iterator[list[Any]]:
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


def _fields(session: Session, source: _Source) -> list[_Field]:
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
    session: Session, source: _Source, page: list[Any], fields: list[_Field], schema: pa.Schema
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
