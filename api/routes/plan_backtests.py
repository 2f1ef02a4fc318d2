"""`/v1/plans/{plan_id}/backtest`: a plan judged on what there was, day by day."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.http.dependencies import DatabaseDep
from api.http.parameters import DecimalNumber, PlanId
from api.http.responses import json_response
from api.http.tables import XLSX, file_response, send_workbook
from api.problems import problem_responses
from api.schemas.backtests import PlanBacktest, backtest_record
from api.security.caller import Caller
from api.security.personal import Reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from layers.lists.backtest import backtest_sheets
from layers.plans.backtest import read_backtest
from layers.plans.queries import MAX_REQUEST_ENTITIES
from layers.staff.officers import read_officers

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])


@dataclass(frozen=True, slots=True)
class BacktestParams:
    """The period and the tolerance of a backtest, as the request has them."""

    since: date | None
    until: date | None
    tolerance: float


def _backtest_params(
    since: Annotated[
        date | None, Query(description="The first day; a year before the last if not given.", examples=[None])
    ] = None,
    until: Annotated[
        date | None, Query(description="The last day; today if not given.", examples=["2026-03-01"])
    ] = None,
    tolerance: Annotated[
        DecimalNumber,
        Query(ge=0, le=1000, description="Share of the mean by which a load may differ.", examples=[0.05]),
    ] = 0.05,
) -> BacktestParams:
    return BacktestParams(since, until, tolerance)


BacktestParamsDep = Annotated[BacktestParams, Depends(_backtest_params)]


@router.get(
    "/backtest",
    summary="Judge a plan on a period",
    response_model=PlanBacktest,
    responses=problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_plan_backtest(
    plan_id: PlanId,
    params: BacktestParamsDep,
    caller: Caller,
    database: DatabaseDep,
    reveal: Reveal = False,
) -> Response:
    """Tell the loads of cells and officers over a period, as they were and as the plan would have made them.

    Entities count on each day where they were then. Officers are judged by their posts of these days, and by
    those that the plan proposes.
    """
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        found = read_backtest(
            session,
            plan_id,
            since=params.since,
            until=params.until,
            scope=caller.area_code,
            most_entities=MAX_REQUEST_ENTITIES,
        )
        officers = read_officers(session, found.officer_ids())
        record = backtest_record(found, officers, shown.personal_of, params.tolerance)
        if reveal:
            shown.audit(session)
        return json_response(record)


@router.get(
    "/backtest.xlsx",
    summary="Take the backtest of a plan away",
    response_class=Response,
    responses=file_response(XLSX, description="An Excel workbook: figures, cells and officers of both sides.")
    | problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def download_plan_backtest(
    plan_id: PlanId,
    params: BacktestParamsDep,
    caller: Caller,
    database: DatabaseDep,
    lang: Annotated[Literal["zh", "en"], Query(description="Language of headings and words.")] = "zh",
    reveal: Reveal = False,
) -> Response:
    """Return the backtest of a plan as a workbook."""
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        found = read_backtest(
            session,
            plan_id,
            since=params.since,
            until=params.until,
            scope=caller.area_code,
            most_entities=MAX_REQUEST_ENTITIES,
        )
        officers = read_officers(session, found.officer_ids())
        sheets = backtest_sheets(
            found, officers, shown.personal_of, tolerance=params.tolerance, language=lang
        )
        if reveal:
            shown.audit(session)
        return send_workbook(sheets, f"backtest-{plan_id}-{found.until.isoformat()}")
