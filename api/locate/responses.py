"""Bulk answers in the format of the request: columns, records, GeoJSON, CSV or Arrow."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
import pyarrow as pa

from api.locate import arrow
from api.locate.officers import OfficerColumns, SchemeOfficers
from api.locate.ownership import Ownership, serialize_cell
from api.locate.points import Points, PointsFormat
from layers.formats.formulas import guard_formula
from layers.snapshot import AreaTree

_RESULT_FIELDS = ("cell_code", "cell_name", "area_code", "reason")

ENCODING_HEADER = "Wangge-Text-Encoding"
"""The header of an answer that tells in which encoding a CSV was read, where its bytes left a choice."""

MEDIA_TYPES = {
    PointsFormat.columns: "application/json",
    PointsFormat.records: "application/json",
    PointsFormat.geojson: "application/geo+json",
    PointsFormat.csv: "text/csv; charset=utf-8",
    PointsFormat.arrow: arrow.MEDIA_TYPE,
}


def write_response(
    points: Points,
    found: Sequence[Ownership],
    areas: AreaTree,
    *,
    day: date,
    revision: int,
    unprefixed: bool,
    officers: Mapping[str, SchemeOfficers] | None = None,
) -> bytes:
    """Write the answer in the format of the points.

    Parameters
    ----------
    points
        The points of the request.
    found
        The owners under each scheme.
    areas
        The names of the areas on the day.
    day
        The day.
    revision
        That of the state.
    unprefixed
        Whether one scheme was named: properties and columns then have no prefix.
    officers
        Who is responsible in the cells of each scheme and above, None where that was not asked: in tables the
        first of each level.
    """
    head = {"at": day, "revision": revision}
    if points.format is PointsFormat.columns:
        schemes = {
            each.scheme: {
                "code": each.codes(),
                "reason": each.reason_names(),
                "cells": _distinct_cells(each),
                **({} if officers is None else officers[each.scheme].members()),
            }
            for each in found
        }
        return orjson.dumps({**head, "schemes": schemes, "areas": _area_chains(found, areas)})
    if points.format is PointsFormat.records:
        members = {
            "cells": {each.scheme: _distinct_cells(each) for each in found},
            "areas": _area_chains(found, areas),
            **_members_by_scheme(officers or {}),
        }
        return _join_members({**head, **members}, "points", _records(points, found))
    tables = [
        None if officers is None else OfficerColumns(each, officers[each.scheme], areas) for each in found
    ]
    flat = [
        field if unprefixed else f"{each.scheme}_{field}"
        for each, table in zip(found, tables, strict=True)
        for field in (*_RESULT_FIELDS, *(() if table is None else table.names))
    ]
    columns_of = list(zip(found, tables, strict=True))
    if points.format is PointsFormat.arrow:
        columns = (column for each, table in columns_of for column in _arrow_columns(each, table))
        named = dict(zip(flat, columns, strict=True))
        return arrow.write_columns(named, len(points), {key: f"{value}" for key, value in head.items()})
    rows = zip(
        *(column for each, table in columns_of for column in _result_columns(each, table)), strict=True
    )
    padded = _pad_rows(rows, len(points))
    if points.format is PointsFormat.geojson:
        return _join_members(
            {"type": "FeatureCollection", **head}, "features", _features(points, flat, padded)
        )
    return _write_csv(points, flat, padded)


def _join_members(head: dict[str, Any], name: str, members: Iterator[dict[str, Any]]) -> bytes:
    """Write an object whose last member is a list, freeing each element once it is written.

    Python's garbage collector walks objects that survive, which takes longer than writing them.
    """
    joined = b",".join(map(orjson.dumps, members))
    return b"%b,%b:[%b]}" % (orjson.dumps(head)[:-1], orjson.dumps(name), joined)


def _distinct_cells(found: Ownership) -> dict[str, Any]:
    cells = (serialize_cell(found.cells, position) for position in found.distinct_cells())
    return {cell["code"]: cell for cell in cells}


def _area_chains(found: Sequence[Ownership], areas: AreaTree) -> dict[str, Any]:
    """Return the chains of areas of the owners, each once."""
    codes = {code for each in found for code in each.distinct_areas()}
    return {code: areas.chain(code) for code in sorted(codes)}


def _records(points: Points, found: Sequence[Ownership]) -> Iterator[dict[str, Any]]:
    columns = [(each.scheme, each.codes(), each.reason_names()) for each in found]
    for row, record in enumerate(points.source):
        owners = {scheme: {"code": codes[row], "reason": reasons[row]} for scheme, codes, reasons in columns}
        yield {**record, "owners": owners}


def _features(
    points: Points, result_names: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    for feature, row in zip(points.source, rows, strict=True):
        source_properties = {
            _source_name(name, result_names): value
            for name, value in (feature.get("properties") or {}).items()
        }
        yield {**feature, "properties": {**source_properties, **dict(zip(result_names, row, strict=True))}}


def _result_columns(found: Ownership, table: OfficerColumns | None) -> tuple[list[str | None], ...]:
    columns = found.codes(), found.names(), found.area_codes(), found.reason_names()
    if table is None:
        return columns
    owners = found.owners.tolist()
    return *columns, *([values[owner] for owner in owners] for values in table.values())


def _arrow_columns(found: Ownership, table: OfficerColumns | None) -> tuple[pa.DictionaryArray, ...]:
    if table is None:
        return found.arrow_columns()
    return *found.arrow_columns(), *(arrow.dictionary_column(each, found.owners) for each in table.values())


def _members_by_scheme(officers: Mapping[str, SchemeOfficers]) -> dict[str, dict[str, Any]]:
    """Return what is told of each scheme, by the members of an answer."""
    found: dict[str, dict[str, Any]] = {}
    for scheme, each in officers.items():
        for name, value in each.members().items():
            found.setdefault(name, {})[scheme] = value
    return found


def _pad_rows(rows: Iterator[tuple[Any, ...]], count: int) -> Iterator[tuple[Any, ...]]:
    """Yield as many rows as there are points, even without any scheme."""
    for _ in range(count):
        yield next(rows, ())


def _source_name(name: str, result_names: Sequence[str]) -> str:
    return f"source_{name}" if name in result_names else name


def _write_csv(points: Points, result_names: list[str], rows: Iterator[tuple[Any, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    header = [_source_name(name, result_names) for name in points.header] + result_names
    writer.writerow(map(guard_formula, header))
    for source_row, row in zip(points.source, rows, strict=True):
        writer.writerow(map(guard_formula, [*source_row, *row]))
    return text.getvalue().encode()
