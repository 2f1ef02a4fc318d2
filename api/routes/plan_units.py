"""`/v1/plans/{plan_id}/units`: which unit belongs to which cell of a plan over units."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.pagination import Page, PageDep
from api.http.parameters import PlanId
from api.http.responses import list_response
from api.http.tables import TABLE_RESPONSE, TableFormat, send_table
from api.problems import problem_responses
from api.schemas.plans import unit_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import LimitError
from layers.lists import MAX_ROWS
from layers.plans.queries import find_plan
from layers.plans.units import count_plan_units, list_plan_units, read_plan_units

router = APIRouter(prefix="/v1/plans", tags=["plans"])


@router.get(
    "/{plan_id}/units.{form}",
    summary="Take the units of a plan away",
    response_class=Response,
    responses=TABLE_RESPONSE | problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def download_units(
    plan_id: PlanId,
    form: Annotated[TableFormat, Path(examples=["csv"])],
    caller: Caller,
    database: DatabaseDep,
) -> Response:
    """Return all units of a plan as a file, which makes a draft again as it is.

    It has unit and cell, and the name and kind of the cell.
    """
    with database.read() as session:
        plan = find_plan(session, plan_id, caller.area_code)
        total = count_plan_units(session, plan)
        if form is TableFormat.xlsx and total > MAX_ROWS:
            raise LimitError(
                f"This plan has {total:,} units, and a workbook of them holds at most {MAX_ROWS:,}; take CSV."
            )
        rows = [unit_record(each) for each in read_plan_units(session, plan)]
    columns = {key: [row[key] for row in rows] for key in schemas.UnitOfPlan.model_fields}
    return send_table(columns, "units", f"units-{plan_id}", form)


@router.get(
    "/{plan_id}/units",
    summary="List the units of a plan",
    response_model=Page[schemas.UnitOfPlan],
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def list_units(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    cell: Annotated[
        str | None, Query(max_length=100, description="Only units of this cell.", examples=["M12"])
    ] = None,
) -> Response:
    """List which unit belongs to which cell of a plan, as it was drawn or published, by the codes of units.

    A plan that is not over units has none.
    """
    with database.read() as session:
        plan = find_plan(session, plan_id, caller.area_code)
        units, next_cursor = list_plan_units(session, page, plan, cell=cell)
    return list_response([unit_record(each) for each in units], next_cursor)
