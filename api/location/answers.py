"""Bulk answers in the form of the question: columns, records, GeoJSON or CSV.

It owns their layout; nothing here decides who owns what.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import orjson

from api.location.ownership import Ownership, cell_answer
from api.location.points import Form, Points
from layers.snapshot import AreaTree

_FIELDS = ("cell_code", "cell_name", "area_code", "reason")

# A spreadsheet takes text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

MEDIA_TYPES = {
    Form.columns: "application/json",
    Form.records: "application/json",
    Form.geojson: "application/geo+json",
    Form.csv: "text/csv; charset=utf-8",
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
        schemes = {each.scheme: _columns(each, areas) for each in found}
        return orjson.dumps({**head, "schemes": schemes})
    if points.form is Form.records:
        return orjson.dumps({**head, "points": list(_records(points, found)), "cells": _tables(found, areas)})
    names = [[field if bare else f"{each.scheme}_{field}" for field in _FIELDS] for each in found]
    flat = [name for fields in names for name in fields]
    rows = zip(*(column for each in found for column in _fields(each)), strict=True)
    if points.form is Form.geojson:
        features = []
        for feature, row in zip(points.source, _padded(rows, len(points)), strict=True):
            kept = {_free(name, flat): value for name, value in (feature.get("properties") or {}).items()}
            features.append({**feature, "properties": {**kept, **dict(zip(flat, row, strict=True))}})
        return orjson.dumps({"type": "FeatureCollection", **head, "features": features})
    return _csv(points, flat, _padded(rows, len(points)))


def _columns(found: Ownership, areas: AreaTree) -> dict[str, Any]:
    return {"code": found.codes(), "reason": found.reason_words(), "cells": _table(found, areas)}


def _tables(found: Sequence[Ownership], areas: AreaTree) -> dict[str, Any]:
    return {each.scheme: _table(each, areas) for each in found}


def _table(found: Ownership, areas: AreaTree) -> dict[str, Any]:
    told = (cell_answer(found.cells, areas, position) for position in found.distinct())
    return {cell["code"]: cell for cell in told}


def _records(points: Points, found: Sequence[Ownership]) -> Iterator[dict[str, Any]]:
    columns = [(each.scheme, each.codes(), each.reason_words()) for each in found]
    for row, record in enumerate(points.source):
        owners = {scheme: {"code": codes[row], "reason": reasons[row]} for scheme, codes, reasons in columns}
        yield {**record, "owners": owners}


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
