"""`/v1/crosswalk`: how much of each cell of one scheme or plan lies in each cell of another."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api.http.dependencies import DatabaseDep
from api.http.parameters import WholeNumber
from api.http.responses import json_response
from api.http.scheme_parameters import DayParam
from api.http.tables import TABLE_RESPONSE, TableFormat, send_table
from api.problems import problem_responses
from api.schemas.crosswalks import Crosswalk, crosswalk_record
from api.security.caller import Caller
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.crosswalk import CrosswalkTable
from layers.db.database import Database
from layers.plans.crosswalk import Division, read_crosswalk

router = APIRouter(prefix="/v1", tags=["plans"])

_SchemeCode = Annotated[str | None, Query(max_length=60, examples=["community"])]
_PlanNumber = Annotated[WholeNumber | None, Query(ge=1, le=2**53, examples=[None])]


@dataclass(frozen=True, slots=True)
class CrosswalkParams:
    """The sides of a crosswalk, as the request has them."""

    first: Division
    second: Division
    day: date


def _crosswalk_params(
    from_scheme: _SchemeCode = None,
    to_scheme: Annotated[str | None, Query(max_length=60, examples=["environment"])] = None,
    from_plan: _PlanNumber = None,
    to_plan: _PlanNumber = None,
    at: DayParam = None,
) -> CrosswalkParams:
    return CrosswalkParams(Division(from_scheme, from_plan), Division(to_scheme, to_plan), at or date.today())


CrosswalkParamsDep = Annotated[CrosswalkParams, Depends(_crosswalk_params)]


@router.get(
    "/crosswalk",
    summary="Translate cells into those of another scheme or plan",
    response_model=Crosswalk,
    responses=problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def crosswalk(params: CrosswalkParamsDep, caller: Caller, database: DatabaseDep) -> Response:
    """Tell how much of each cell lies in each cell of the other side: ground and entities.

    A side is a scheme, whose cells in force on the day are meant, or a plan. The shares of a cell add up to
    1; ground in no cell of a side has rows of its own, with null in place of the code.
    """
    return json_response(crosswalk_record(_measure(params, caller, database), params.day))


@router.get(
    "/crosswalk.{form}",
    summary="Take a crosswalk away",
    response_class=Response,
    responses=TABLE_RESPONSE | problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.filtered)
def download_crosswalk(
    form: Annotated[TableFormat, Path(examples=["csv"])],
    params: CrosswalkParamsDep,
    caller: Caller,
    database: DatabaseDep,
) -> Response:
    """Return all rows of a crosswalk as a file."""
    rows = _measure(params, caller, database).rows
    columns = {str(name): rows[name].tolist() for name in rows.columns}
    return send_table(columns, "crosswalk", f"crosswalk-{params.day.isoformat()}", form)


def _measure(params: CrosswalkParams, caller: Principal, database: Database) -> CrosswalkTable:
    with database.read() as session:
        return read_crosswalk(session, params.first, params.second, params.day, caller.area_code)
