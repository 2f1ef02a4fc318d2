"""`/v1/plans/{plan_id}/notice`: the filing notice of a plan (上报备案)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.http.caller_slots import CallerSlots
from api.http.dependencies import DatabaseDep
from api.http.parameters import PlanId
from api.http.responses import json_response
from api.http.tables import XLSX, file_response, send_file
from api.problems import problem_responses
from api.schemas.notices import PlanNotice, notice_record
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.lists.notice import read_notice

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

FirstDay = Annotated[
    date | None,
    Query(description="The first day of a plan that is not published; today if not given.", examples=[None]),
]
LanguageParam = Annotated[Literal["zh", "en"], Query(description="Language of the words.")]


class NoticeFormat(StrEnum):
    """What a notice comes as."""

    pdf = "pdf"
    xlsx = "xlsx"


_MEDIA_TYPES = {NoticeFormat.pdf: "application/pdf", NoticeFormat.xlsx: XLSX}


@router.get(
    "/notice",
    summary="Read the filing notice of a plan",
    response_model=PlanNotice,
    responses=problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_plan_notice(
    plan_id: PlanId, caller: Caller, database: DatabaseDep, on: FirstDay = None, lang: LanguageParam = "zh"
) -> Response:
    """Tell what a plan changes of what is in force, which people move, and from when.

    People are named by their numbers. `/notice.pdf` and `/notice.xlsx` have the maps before and after too.
    """
    with database.read() as session:
        notice = read_notice(session, plan_id, on=on, scope=caller.area_code, language=lang)
        return json_response(notice_record(notice))


@router.get(
    "/notice.{form}",
    summary="Take the filing notice of a plan away",
    response_class=Response,
    responses=file_response(
        *_MEDIA_TYPES.values(), description="A PDF of A3 sheets, or an Excel workbook: both maps and tables."
    )
    | problem_responses(404, 413, 422),
)
@requires(Right.read, AreaPolicy.checked)
def download_plan_notice(
    request: Request,
    plan_id: PlanId,
    form: Annotated[NoticeFormat, Path(examples=["pdf"])],
    caller: Caller,
    database: DatabaseDep,
    on: FirstDay = None,
    lang: LanguageParam = "zh",
) -> Response:
    """Return the filing notice of a plan, with the maps before and after, to file or to print."""
    # As for maps, which load a quarter of the service.
    from layers.maps import notice_workbook, render_notice
    from layers.maps.map_data import read_map_ground

    slots: CallerSlots = request.app.state.map_slots
    with slots.take(caller.label):
        with database.read() as session:
            notice = read_notice(session, plan_id, on=on, scope=caller.area_code, language=lang)
            areas, base = read_map_ground(session, notice.begins, notice.before, notice.after)
        build = render_notice if form is NoticeFormat.pdf else notice_workbook
        content = build(notice, lang, areas=areas, base=base)
    return send_file(
        content, f"notice-{plan_id}-{notice.begins.isoformat()}.{form.value}", _MEDIA_TYPES[form]
    )
