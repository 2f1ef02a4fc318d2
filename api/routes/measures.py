"""`/v1/schemes/{scheme}/measures`: what the cells of a scheme can be coloured by, and in which classes."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.http.conditional import IfNoneMatch, make_etag
from api.http.parameters import WholeNumber
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam, SchemeCode
from api.problems import problem_responses
from api.schemas.measures import Measure, MeasureClasses, Measures
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.classes import ClassificationMethod
from layers.snapshot import SnapshotHolder
from layers.tilesets import TileSetStore, VisibleMeasures

router = APIRouter(prefix="/v1/schemes/{scheme}/measures", tags=["tiles"])


def _visible_measures(
    request: Request, scheme: str, at: date | None, caller: Principal
) -> tuple[VisibleMeasures, date]:
    """Return the measures of the cells that the caller may see, and the day that they are in force on."""
    holder: SnapshotHolder = request.app.state.snapshots
    tile_sets: TileSetStore = request.app.state.tile_sets
    snapshot = holder.current
    tiles = tile_sets.get_or_build_cells(scheme, at, snapshot)
    return VisibleMeasures(tiles, caller.covered), at or snapshot.day


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
    visible, day = _visible_measures(request, scheme, at, caller)
    items = [Measure.of(each) for each in visible.summaries()]
    answer = Measures(scheme=scheme, at=day, cells=visible.cells, area_m2=visible.area_m2, items=items)
    content = answer.model_dump()
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
    classes: Annotated[WholeNumber, Query(ge=1, le=9, description="The most classes.", examples=[5])] = 5,
    method: Annotated[ClassificationMethod, Query(examples=["quantiles"])] = ClassificationMethod.quantiles,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Divide the values of the caller's cells into classes: each belongs to the first that it is within."""
    visible, day = _visible_measures(request, scheme, at, caller)
    found = visible.classify(measure, classes, method)
    content = MeasureClasses.of(scheme, day, visible.cells, found).model_dump()
    return json_response(content, etag=make_etag(content), if_none_match=if_none_match)
