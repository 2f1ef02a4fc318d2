"""`/v1/schemes/{scheme}/measures`: what the cells of a scheme can be coloured by, and in which classes."""

from datetime import date
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from numpy.typing import NDArray
from starlette.responses import Response

from api.http.conditional import IfNoneMatch, tag
from api.http.responses import reply
from api.problems import answers
from api.routes.cells import SchemeCode
from api.schemas.measures import Classes, Measures
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.classes import Method, class_counts, class_ranges, histogram, upper_bounds
from gis.errors import NotFoundError
from layers.snapshot import Snapshot, SnapshotHolder
from layers.tilesets import CellTiles, Shelf

router = APIRouter(prefix="/v1/schemes/{scheme}/measures", tags=["tiles"])

At = Annotated[date | None, Query(description="The day; today when not given.", examples=["2026-03-01"])]


def _table(request: Request, scheme: str, day: date | None) -> tuple[CellTiles, Snapshot]:
    holder: SnapshotHolder = request.app.state.snapshots
    shelf: Shelf = request.app.state.shelf
    snapshot = holder.current
    return shelf.cells(scheme, day, snapshot), snapshot


def _values(cells: CellTiles, caller: Principal) -> tuple[dict[str, NDArray[Any]], int]:
    """Return each measure's values of the cells that the caller may see, and how many these are."""
    seen = cells.visible(caller.covered)
    columns = cells.measures()
    return {key: column[seen] for key, column in columns.items()}, int(seen.sum())


@router.get(
    "",
    summary="List the measures of cells",
    response_model=Measures,
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def measures(
    request: Request, scheme: SchemeCode, caller: Caller, at: At = None, if_none_match: IfNoneMatch = None
) -> Response:
    """List what the cells in force on a day are measured by, and its range over the caller's cells."""
    cells, snapshot = _table(request, scheme, at)
    values, count = _values(cells, caller)
    items = []
    for key, column in values.items():
        known = column[np.isfinite(column)]
        figures = (
            {"min": known.min(), "max": known.max(), "mean": known.mean(), "sum": known.sum()}
            if len(known)
            else dict.fromkeys(("min", "max", "mean", "sum"))
        )
        items.append(
            {"key": key, "unit": _unit(key), **{name: _plain(each) for name, each in figures.items()}}
        )
    answer = {"scheme": scheme, "at": at or snapshot.day, "cells": count, "items": items}
    return reply(answer, etag=tag(answer), unless=if_none_match)


@router.get(
    "/{measure}",
    summary="Divide a measure into classes",
    response_model=Classes,
    responses=answers(404, 422),
)
@access(Right.read, Ground.filtered)
def classes(
    request: Request,
    scheme: SchemeCode,
    measure: Annotated[str, Path(max_length=60, examples=["households"])],
    caller: Caller,
    at: At = None,
    classes: Annotated[int, Query(ge=1, le=9, description="The most classes.", examples=[5])] = 5,
    method: Annotated[Method, Query(examples=["quantiles"])] = Method.quantiles,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Divide the values of the caller's cells into classes: each belongs to the first that it is within."""
    cells, snapshot = _table(request, scheme, at)
    values, count = _values(cells, caller)
    if measure not in values:
        raise NotFoundError(f"There is no measure '{measure}'; there are {', '.join(values)}.")
    column = values[measure]
    bounds = upper_bounds(column, classes, method)
    bars = histogram(column)
    known = column[np.isfinite(column)]
    answer = {
        "scheme": scheme,
        "at": at or snapshot.day,
        "measure": measure,
        "unit": _unit(measure),
        "method": method.value,
        "cells": count,
        "min": _plain(known.min()) if len(known) else None,
        "max": _plain(known.max()) if len(known) else None,
        "breaks": [_plain(each) for each in bounds],
        "ranges": [[_plain(low), _plain(high)] for low, high in class_ranges(column, bounds)],
        "counts": class_counts(column, bounds).tolist(),
        "histogram": {"edges": [_plain(each) for each in bars.edges], "counts": bars.counts.tolist()},
    }
    return reply(answer, etag=tag(answer), unless=if_none_match)


def _unit(key: str) -> str | None:
    return {"area_m2": "m²", "perimeter_m": "m"}.get(key)


def _plain(value: Any) -> int | float | None:
    """Return a whole number as one."""
    if value is None:
        return None
    number = float(value)
    return int(number) if number.is_integer() else number
