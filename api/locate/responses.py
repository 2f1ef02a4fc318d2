"""Bulk answers in the form of the question: columns, records, GeoJSON, CSV or Arrow."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import orjson

from api.locate import arrow
from api.locate.ownership import Ownership, cell_answer
from api.locate.points import Form, Points
from layers.snapshot import AreaTree

_FIELDS = ("cell_code", "cell_name", "area_code", "reason")

# A spreadsheet takes text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

MEDIA_TYPES = {
    Form.columns: "application/json",
    Form.records: "application/json",
    Form.geojson: "application/geo+json",
    Form.csv: "text/csv; charset=utf-8",
    Form.arrow: arrow.MEDIA_TYPE,
}


def write_answer(
    points: Points, found: Sequence[Ownership], areas: AreaTree, *, day: date, revision: int, bare: bool
) -> bytes:
    """Write the answer in the form of the points.

    Parameters
    ----------
    points
        The question.
    found
        The owners under each scheme.
    areas
        The names of the areas.
    day, revision
        What was asked: the day, and the number of the state.
    bare
        One scheme was asked for by name: properties and columns go without the scheme before them.
    """
    head = {"at": day, "revision": revision}
    if points.form is Form.columns:
        schemes = {
            each.scheme: {"code": each.codes(), "reason": each.reason_words(), "cells": _cells(each)}
            for each in found
        }
        return orjson.dumps({**head, "schemes": schemes, "areas": _chains(found, areas)})
    if points.form is Form.records:
        tables = {"cells": {each.scheme: _cells(each) for each in found}, "areas": _chains(found, areas)}
        return _joined({**head, **tables}, "points", _records(points, found))
    names = [[field if bare else f"{each.scheme}_{field}" for field in _FIELDS] for each in found]
    flat = [name for fields in names for name in fields]
    if points.form is Form.arrow:
        named = dict(zip(flat, (column for each in found for column in each.columns()), strict=True))
        return arrow.write_columns(named, len(points), {"at": f"{day}", "revision": f"{revision}"})
    rows = zip(*(column for each in found for column in _fields(each)), strict=True)
    padded = _padded(rows, len(points))
    if points.form is Form.geojson:
        return _joined({"type": "FeatureCollection", **head}, "features", _features(points, flat, padded))
    return _csv(points, flat, padded)


def _joined(head: dict[str, Any], name: str, members: Iterator[dict[str, Any]]) -> bytes:
    """Write an object whose last member is a list, each member of which lives no longer than its writing.

    Python's collector walks whatever outlives its youth, which takes longer than the writing itself.
    """
    listed = b",".join(map(orjson.dumps, members))
    return b"%b,%b:[%b]}" % (orjson.dumps(head)[:-1], orjson.dumps(name), listed)


def _cells(found: Ownership) -> dict[str, Any]:
    told = (cell_answer(found.cells, position) for position in found.distinct())
    return {cell["code"]: cell for cell in told}


def _chains(found: Sequence[Ownership], areas: AreaTree) -> dict[str, Any]:
    """Return the chains of the areas in which the owners lie, each once."""
    codes = {code for each in found for code in each.distinct_areas()}
    return {code: areas.chain(code) for code in sorted(codes)}


def _records(points: Points, found: Sequence[Ownership]) -> Iterator[dict[str, Any]]:
    columns = [(each.scheme, each.codes(), each.reason_words()) for each in found]
    for row, record in enumerate(points.source):
        owners = {scheme: {"code": codes[row], "reason": reasons[row]} for scheme, codes, reasons in columns}
        yield {**record, "owners": owners}


def _features(
    points: Points, ours: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    for feature, row in zip(points.source, rows, strict=True):
        kept = {_free(name, ours): value for name, value in (feature.get("properties") or {}).items()}
        yield {**feature, "properties": {**kept, **dict(zip(ours, row, strict=True))}}


def _fields(found: Ownership) -> tuple[list[str | None], ...]:
    return found.codes(), found.names(), found.area_codes(), found.reason_words()


def _padded(rows: Iterator[tuple[Any, ...]], count: int) -> Iterator[tuple[Any, ...]]:
    """Give as many rows as there are points, also where there is no scheme."""
    for _ in range(count):
        yield next(rows, ())


def _free(name: str, ours: Sequence[str]) -> str:
    return f"source_{name}" if name in ours else name


def _csv(points: Points, ours: list[str], rows: Iterator[tuple[Any, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_free(name, ours) for name in points.header] + ours)
    for given, row in zip(points.source, rows, strict=True):
        writer.writerow([*given, *map(_no_formula, row)])
    return text.getvalue().encode()


def _no_formula(value: str | None) -> str | None:
    return f"'{value}" if value is not None and value.startswith(_FORMULA) else value
