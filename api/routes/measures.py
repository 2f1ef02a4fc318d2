"""`/v1/schemes/{scheme}/measures`: what the cells of a scheme can be coloured by, and in which classes."""

from datetime import date
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from numpy.typing import NDArray
from starlette.responses import Response

from api.http.conditional import IfNoneMatch, make_etag
from api.http.responses import json_response
from api.http.scheme_parameters import SchemeCode
from api.problems import problem_responses
from api.schemas.measures import MeasureClasses, Measures
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.classes import ClassificationMethod, class_counts, class_ranges, histogram, upper_bounds
from gis.errors import NotFoundError
from layers.snapshot import Snapshot, SnapshotHolder
from layers.tilesets import CellTileSet, TileSetStore

router = APIRouter(prefix="/v1/schemes/{scheme}/measures", tags=["tiles"])

DayParam = Annotated[
    date | None, Query(description="The day; today when not given.", examples=["2026-03-01"])
]


def _cell_tiles(request: Request, scheme: str, day: date | None) -> tuple[CellTileSet, Snapshot]:
    holder: SnapshotHolder = request.app.state.snapshots
    tile_sets: TileSetStore = request.app.state.tile_sets
    snapshot = holder.current
    return tile_sets.get_or_build_cells(scheme, day, snapshot), snapshot


def _visible_values(cells: CellTileSet, caller: Principal) -> tuple[dict[str, NDArray[Any]], int]:
    """Return each measure's values of the cells that the caller may see, and how many these are."""
    seen = cells.visible_mask(caller.covered)
    columns = cells.measures()
    return {key: column[seen] for key, column in columns.items()}, int(seen.sum())


@router.get(
    "",
    summary="List the measures of cells",
    response_model=Measures,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def list_measures(
    request: Request,
    scheme: SchemeCode,
    caller: Caller,
    at: DayParam = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """List what the cells in force on a day are measured by, and its range over the caller's cells."""
    cells, snapshot = _cell_tiles(request, scheme, at)
    values, count = _visible_values(cells, caller)
    items = []
    for key, column in values.items():
        finite = column[np.isfinite(column)]
        figures = (
            {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "sum": finite.sum()}
            if len(finite)
            else dict.fromkeys(("min", "max", "mean", "sum"))
        )
        items.append(
            {"key": key, "unit": _unit(key), **{name: _to_number(each) for name, each in figures.items()}}
        )
    content = {"scheme": scheme, "at": at or snapshot.day, "cells": count, "items": items}
    return json_response(content, etag=make_etag(content), if_none_match=if_none_match)


@router.get(
    "/{measure}",
    summary="Divide a measure into classes",
    response_model=MeasureClasses,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def classify_measure(
    request: Request,
    scheme: SchemeCode,
    measure: Annotated[str, Path(max_length=60, examples=["households"])],
    caller: Caller,
    at: DayParam = None,
    classes: Annotated[int, Query(ge=1, le=9, description="The most classes.", examples=[5])] = 5,
    method: Annotated[ClassificationMethod, Query(examples=["quantiles"])] = ClassificationMethod.quantiles,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Divide the values of the caller's cells into classes: each belongs to the first that it is within."""
    cells, snapshot = _cell_tiles(request, scheme, at)
    values, count = _visible_values(cells, caller)
    if measure not in values:
        raise NotFoundError(f"There is no measure '{measure}'; there are {', '.join(values)}.")
    column = values[measure]
    bounds = upper_bounds(column, classes, method)
    measure_histogram = histogram(column)
    finite = column[np.isfinite(column)]
    content = {
        "scheme": scheme,
        "at": at or snapshot.day,
        "measure": measure,
        "unit": _unit(measure),
        "method": method.value,
        "cells": count,
        "min": _to_number(finite.min()) if len(finite) else None,
        "max": _to_number(finite.max()) if len(finite) else None,
        "breaks": [_to_number(each) for each in bounds],
        "ranges": [[_to_number(low), _to_number(high)] for low, high in class_ranges(column, bounds)],
        "counts": class_counts(column, bounds).tolist(),
        "histogram": {
            "edges": [_to_number(each) for each in measure_histogram.edges],
            "counts": measure_histogram.counts.tolist(),
        },
    }
    return json_response(content, etag=make_etag(content), if_none_match=if_none_match)


def _unit(key: str) -> str | None:
    return {"area_m2": "m²", "perimeter_m": "m"}.get(key)


def _to_number(value: Any) -> int | float | None:
    """Return a whole number as one."""
    if value is None:
        return None
    number = float(value)
    return int(number) if number.is_integer() else number
