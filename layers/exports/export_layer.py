"""Exporting a layer of the database into a file of any format, in batches, from one state of the database."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import shapely
from sqlalchemy import Select, Subquery, Text, case, cast, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from gis.errors import InputError
from gis.progress import Progress
from layers.areas.queries import find_area
from layers.db.bulk import decode_geometries, is_postgresql
from layers.db.database import Database
from layers.exports.layer_queries import LAYER_QUERIES
from layers.exports.layer_query import ExportFilters, LayerQuery, RowSelect
from layers.formats import output_format
from layers.formats.write_batches import GEOMETRY_COLUMN, write_batches

__all__ = ["ExportFilters", "export_layer"]


_PAGE_SIZE = 20_000
_FLOAT_DIGITS = 15
_MAX_SEQUENCES = 1_000
# Of keys, from which the order of columns follows; records that lack values have many.


def export_layer(
    database: Database,
    path: Path,
    layer: str,
    *,
    filters: ExportFilters | None = None,
    personal: bool = False,
    language: str = "en",
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
        areas, cells, entities, gaps or officers. Attributes, and the figures of gaps, become columns.
    filters
        Which rows.
    personal
        Add the personal values of entities, cells or officers as columns.
    language
        Of the sentences of gaps: zh or en, as `gis.gaps.Text` has them.
    progress
        Called with the rows written and their number.

    Returns
    -------
    rows : int
        How many were written.
    notes : list of str
        What the format could not keep, and which kinds of gaps were not looked for.

    Raises
    ------
    InputError
        If there is no such layer, the format cannot hold it, or a scheme is wanting.
    NotFoundError
        If there is no such scheme or area.
    """
    output_format(path)
    if layer not in LAYER_QUERIES:
        raise InputError(f"There is no layer '{layer}'; export areas, cells, entities, gaps or officers.")
    chosen = filters or ExportFilters()
    with database.read() as session:
        if chosen.area_code is not None and chosen.area_code != chosen.scope:
            find_area(session, chosen.area_code, on=chosen.on)
        query = LAYER_QUERIES[layer](session, chosen, personal)
        total, points = _count_rows(session, query)
        fields = _document_fields(session, query)
        schema = pa.schema(
            [
                *query.columns.items(),
                *((each.column, each.type) for each in fields),
                (GEOMETRY_COLUMN, pa.binary()),
            ]
        )
        done = 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal done
            for page in _read_pages(session, query):
                yield _record_batch(session, query, page, fields, schema, language)
                done += len(page)
                if progress is not None:
                    progress(done, total)

        tables = {name: _read_table(session, statement) for name, statement in query.tables.items()}
        notes = write_batches(path, schema, batches(), layer, points=points, tables=tables)
    return done, [*(getattr(each, language) for each in query.notes), *notes]


def _read_table(session: Session, statement: RowSelect) -> pa.Table:
    """Read a table of text."""
    result = session.execute(statement)
    names = list(result.keys())
    columns = list(zip(*result.all(), strict=True)) or [()] * len(names)
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)}
    )


def _count_rows(session: Session, query: LayerQuery) -> tuple[int, bool]:
    """Count the rows; return also whether all that have a geometry are points."""
    point = 21 if is_postgresql(session) else 29
    total, not_points = 0, 0
    for statement in query.statements:
        rows = statement.subquery()
        size = func.length(rows.c[GEOMETRY_COLUMN])
        counted = session.execute(select(func.count(), func.count().filter(size != point)).select_from(rows))
        found, extended = counted.one()
        total, not_points = total + found, not_points + extended
    return total, not_points == 0


def _read_pages(session: Session, query: LayerQuery) -> Iterator[list[Any]]:
    """Walk the rows in pages; memory holds one."""
    for statement in query.statements:
        rows = statement.subquery()
        last = 0
        while True:
            found = session.execute(
                select(rows).where(rows.c.key > last).order_by(rows.c.key).limit(_PAGE_SIZE)
            ).all()
            if found:
                yield list(found)
            if len(found) < _PAGE_SIZE:
                break
            last = found[-1].key


class _DocumentField(NamedTuple):
    """A value inside the documents, and the column it goes to."""

    key: str
    column: str
    type: pa.DataType


def _document_fields(session: Session, query: LayerQuery) -> list[_DocumentField]:
    """Name the values in the documents and the type that holds all of each."""
    json_types: dict[str, set[str]] = {}
    sequences: dict[str, None] = {}
    for statement in query.statements:
        rows = statement.subquery()
        for document in query.documents:
            for key, json_type in session.execute(_select_json_types(session, rows, document)):
                json_types.setdefault(key, set()).add(json_type)
            sequences |= dict.fromkeys(session.scalars(_select_key_sequences(session, rows, document)))
    used = {name.lower() for name in (*query.columns, GEOMETRY_COLUMN)}
    fields = []
    for key in merge_orders([json.loads(each) for each in sequences], json_types):
        # The name of a household stands where that of an enterprise does.
        if key in query.told_keys or (key == "name" and query.personal_names):
            continue
        column = key
        while column.lower() in used:
            column = f"source_{column}"
        used.add(column.lower())
        fields.append(_DocumentField(key, column, _arrow_type(json_types[key] - {"null"})))
    return fields


def merge_orders(sequences: Sequence[Sequence[str]], keys: Iterable[str]) -> list[str]:
    """Return keys in an order that agrees with sequences of some of them, else in that in which they appear.

    Those that no sequence has are the last, by name.
    """
    before: dict[str, set[str]] = {}
    for sequence in sequences:
        for key, former in zip(sequence, [None, *sequence], strict=False):
            before.setdefault(key, set()).update(() if former is None else {former})
    waiting, merged = [*before, *sorted(set(keys) - before.keys())], []
    while waiting:
        # Where the sequences contradict each other, the key that appeared first is next.
        key = next((each for each in waiting if before.get(each, set()).isdisjoint(waiting)), waiting[0])
        waiting.remove(key)
        merged.append(key)
    return merged


def _select_key_sequences(session: Session, rows: Subquery, document: str) -> Select[str]:
    """Select in which orders a document has its keys, as JSON arrays, in the order in which they appear."""
    if is_postgresql(session):
        each = func.json_object_keys(rows.c[document]).table_valued("key", with_ordinality="n")
        each = each.render_derived(name="each")
        keys = select(cast(func.json_agg(aggregate_order_by(each.c.key, each.c.n)), Text))
    else:
        each = func.json_each(rows.c[document]).table_valued("key", name="each")
        keys = select(func.json_group_array(each.c.key))
    listed = keys.select_from(each).correlate(rows).scalar_subquery().label("keys")
    each_row = select(listed, rows.c.key).select_from(rows).subquery()
    orders = select(each_row.c["keys"]).where(each_row.c["keys"].is_not(None)).group_by(each_row.c["keys"])
    return orders.order_by(func.min(each_row.c.key)).limit(_MAX_SEQUENCES)


def _select_json_types(session: Session, rows: Subquery, document: str) -> RowSelect:
    """Select the keys and types of a document; an integer of more digits than a float keeps is "long"."""
    if is_postgresql(session):
        each = func.json_each(rows.c[document]).table_valued("key", "value", name="each")
        text = cast(each.c.value, Text)
        number = case(
            (text.regexp_match("[.eE]"), "real"),
            (func.length(text) > _FLOAT_DIGITS, "long"),
            else_="integer",
        )
        json_type = case(
            (func.json_typeof(each.c.value) == "number", number), else_=func.json_typeof(each.c.value)
        )
        return select(each.c.key, json_type).select_from(rows).join(each, true()).distinct()
    each = func.json_each(rows.c[document]).table_valued("key", "type", "value", name="each")
    is_long = (each.c.type == "integer") & (func.length(each.c.value) > _FLOAT_DIGITS)
    json_type = case((is_long, "long"), else_=each.c.type)
    return select(each.c.key, json_type).select_from(rows).join(each, true()).distinct()


def _arrow_type(json_types: set[str]) -> pa.DataType:
    if json_types and json_types <= {"integer", "long"}:
        return pa.int64()
    if json_types and json_types <= {"integer", "real"}:
        return pa.float64()
    if json_types and json_types <= {"true", "false", "boolean"}:
        return pa.bool_()
    return pa.string()


def _record_batch(
    session: Session,
    query: LayerQuery,
    page: list[Any],
    fields: list[_DocumentField],
    schema: pa.Schema,
    language: str,
) -> pa.RecordBatch:
    rows: list[Mapping[Any, Any]] = [row._mapping for row in page]
    if query.told is not None:
        rows = [{**row, **told} for row, told in zip(rows, query.told(page, language), strict=True)]
    columns: list[Any] = [[row[name] for row in rows] for name in query.columns]
    documents = [{key: value for name in query.documents for key, value in row[name].items()} for row in rows]
    if query.personal_names:
        name_position = list(query.columns).index("name")
        columns[name_position] = [
            own if own is not None else document.get("name")
            for own, document in zip(columns[name_position], documents, strict=True)
        ]
    for field in fields:
        values = [document.get(field.key) for document in documents]
        columns.append([_as_text(value) for value in values] if field.type == pa.string() else values)
    geometries = decode_geometries(session, [row[GEOMETRY_COLUMN] for row in rows])
    columns.append(shapely.to_wkb(geometries, byte_order=1).tolist())
    arrays = [pa.array(values, type=each.type) for values, each in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
