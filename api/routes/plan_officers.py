"""`/v1/plans/{plan_id}/officers` and `handover`: who is to answer for the cells of a plan, what changes."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from api import schemas
from api.http.caller_slots import CallerSlots
from api.http.conditional import IfMatchVersion, version_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.parameters import PlanId, WholeNumber
from api.http.responses import content_disposition, json_response
from api.problems import problem_responses
from api.schemas.base import build_record
from api.schemas.plans import plan_record
from api.schemas.staff import proposal_record, responsible_record
from api.security.audit import Action, audit
from api.security.caller import Caller
from api.security.personal import Reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from api.security.shown_officers import ShownOfficers
from gis.errors import LimitError
from layers.db.database import Session
from layers.db.versions import require_version
from layers.lists import MAX_ROWS, ListRequest
from layers.lists.handover import read_handovers
from layers.plans.post_proposals import choose_posts, propose_posts
from layers.plans.queries import find_plan, scheme_code, scheme_name
from layers.staff.officers import read_officers, require_appointable
from layers.staff.posts import Duty, Rank

router = APIRouter(prefix="/v1/plans/{plan_id}", tags=["plans"])

DayOfPlan = Annotated[
    date | None,
    Query(description="The day it is to be published for; today when not given.", examples=["2026-03-01"]),
]


class ChosenPost(schemas.RequestModel):
    """A post that is to begin with the plan."""

    officer_id: WholeNumber = Field(ge=1, le=2**53, examples=[5])
    duty: Duty = Field(examples=["leader"])
    rank: Rank = Field(default="A", examples=["A"], description="B is the backup of A.")


class ChosenPosts(schemas.RequestModel):
    """Who is to answer for a cell."""

    posts: Annotated[list[ChosenPost], Field(max_length=50)] | None = Field(
        examples=[[{"officer_id": 5, "duty": "leader", "rank": "A"}]],
        description="All posts of the cell; none leave it vacant, null takes what its ground proposes again.",
    )


@router.get(
    "/officers",
    summary="Who is to answer for the cells of a draft",
    response_model=schemas.PlanOfficers,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def propose(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    on: DayOfPlan = None,
    reveal: Reveal = False,
    limit: Annotated[WholeNumber, Query(ge=1, le=1000, description="Cells of a part.", examples=[100])] = 100,
    offset: Annotated[WholeNumber, Query(ge=0, le=2**31, description="Cells before it.", examples=[0])] = 0,
) -> Response:
    """Propose for each cell the officers of the cell that most of its households, or ground, came from.

    What was chosen for a cell stands in place of that. Publishing appoints them; of a published plan these
    are the officers of its first day.
    """
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        plan = find_plan(session, plan_id, caller.area_code)
        day = plan.valid_from or on or date.today()
        proposals = propose_posts(session, plan, day)
        part = proposals[offset : offset + limit]
        officers = read_officers(session, {post["officer_id"] for each in part for post in each.posts})

        def record(post: Mapping[str, Any]) -> Any:
            officer = officers[post["officer_id"]]
            return responsible_record(post, officer, shown.personal_of(officer))

        content = build_record(
            schemas.PlanOfficers,
            plan,
            plan=plan.id,
            on=day,
            total=len(proposals),
            vacant=sum(not each.posts for each in proposals),
            items=[proposal_record(each, [record(post) for post in each.posts]) for each in part],
        )
        if reveal:
            shown.audit(session)
        return json_response(content, etag=version_etag(database, plan.version))


@router.put(
    "/officers/{cell_code}",
    summary="Choose who is to answer for a cell of a draft",
    response_model=schemas.Plan,
    responses=problem_responses(400, 404, 409, 412, 422, 428),
)
@requires(Right.draft, AreaPolicy.checked)
def choose(
    plan_id: PlanId,
    cell_code: Annotated[str, Path(max_length=100, examples=["440305001001007"])],
    body: ChosenPosts,
    version: IfMatchVersion,
    caller: Caller,
    write: IdempotentWriteDep,
) -> Response:
    """Confirm or change who is to answer for a cell; publishing the plan appoints them."""

    def handler(session: Session) -> WriteResult:
        plan = find_plan(session, plan_id, caller.area_code, for_update=True)
        require_version(plan.version, version)
        posts = None if body.posts is None else [each.model_dump() for each in body.posts]
        require_appointable(session, {each["officer_id"] for each in posts or ()}, caller.area_code)
        choose_posts(session, plan, cell_code, posts, caller.label)
        audit(
            session,
            caller,
            Action.record,
            f"plan {plan.id}",
            area_code=plan.area_code,
            cell=cell_code,
            posts=posts,
        )
        return WriteResult(plan_record(plan, scheme_code(session, plan)), version=plan.version)

    return write(body, handler)


@router.get(
    "/handover",
    summary="What each officer gives away and takes over",
    response_model=schemas.PlanHandover,
    responses=problem_responses(404, 422),
)
@requires(Right.read, AreaPolicy.checked)
def read_plan_handover(
    plan_id: PlanId,
    caller: Caller,
    database: DatabaseDep,
    on: DayOfPlan = None,
    reveal: Reveal = False,
) -> Response:
    """List the officers for whom the plan changes something, at most 10,000.

    Of a plan in force its first day is compared with the day before, of a draft what is proposed for the day.
    `/v1/lists/handover.xlsx` and `.csv` are the same list to print and sign.
    """
    shown = ShownOfficers(caller, reveal=reveal)
    with open_read_session(database, caller, reveal=reveal) as session:
        asked = ListRequest(
            scope=caller.area_code,
            language="en",
            personal_of=shown.personal_of,
            personal=reveal,
            on=on or date.today(),
            plan=plan_id,
        )
        page = read_handovers(session, asked, MAX_ROWS, 0)
        if reveal:
            shown.audit(session)
    items = [
        {
            **row,
            "officer_id": row["id"],
            "external_id": row["person_number"],
            "name": row["person"],
            "phone": row["person_phone"],
            **{key: row[key].split() for key in ("cells_lost", "cells_gained", "given_to", "taken_from")},
        }
        for row in page.rows
    ]
    records = [build_record(schemas.OfficerHandover, each, **each) for each in items]
    return json_response({"plan": plan_id, "total": page.total, "items": records})


class SheetFormat(StrEnum):
    """What handover sheets come as."""

    html = "html"
    pdf = "pdf"


MAX_SHEETS = 200
"""Pages of PDF that a request draws; the command draws more."""

# The file loads nothing and runs nothing.
_CONTENT_SECURITY_POLICY = "sandbox allow-modals; default-src 'none'; style-src 'unsafe-inline'"


@router.get(
    "/handover.{form}",
    summary="Print the handover sheets",
    response_class=Response,
    responses={
        200: {
            "description": "A page for each officer to sign, as one HTML file that loads nothing or as PDF.",
            "content": {
                "text/html": {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **problem_responses(404, 413, 422),
    },
)
@requires(Right.read, AreaPolicy.checked)
def print_handover(
    request: Request,
    plan_id: PlanId,
    form: Annotated[SheetFormat, Path(examples=["html"])],
    caller: Caller,
    database: DatabaseDep,
    on: DayOfPlan = None,
    officer: Annotated[
        WholeNumber | None, Query(ge=1, le=2**53, description="Only the sheet of an officer.", examples=[5])
    ] = None,
    lang: Annotated[Literal["zh", "en"], Query(description="Language of the words.")] = "zh",
    reveal: Reveal = False,
) -> Response:
    """Print what each officer gives away and takes over: cells, doors, enterprises, and lines to sign on."""
    # A quarter of what a service would load before it answers at all.
    from layers.maps.handover_sheet import HandoverSheets, render_handover_html, render_handover_pdf

    shown = ShownOfficers(caller, reveal=reveal)
    slots: CallerSlots = request.app.state.map_slots
    with slots.take(caller.label):
        with open_read_session(database, caller, reveal=reveal) as session:
            plan = find_plan(session, plan_id, caller.area_code)
            day = plan.valid_from or on or date.today()
            asked = ListRequest(
                scope=caller.area_code,
                language=lang,
                personal_of=shown.personal_of,
                personal=reveal,
                on=day,
                plan=plan_id,
            )
            rows = read_handovers(session, asked, MAX_ROWS, 0, officer=officer).rows
            if form is SheetFormat.pdf and len(rows) > MAX_SHEETS:
                raise LimitError(
                    f"{len(rows):,} officers have something to hand over, and a request draws at most "
                    f"{MAX_SHEETS} sheets as PDF: take them as HTML, or name an officer."
                )
            if reveal:
                shown.audit(session)
            sheets = HandoverSheets(plan.name, scheme_name(session, plan), day, rows, lang)
        content = (
            render_handover_pdf(sheets) if form is SheetFormat.pdf else render_handover_html(sheets).encode()
        )
    name = f"handover-{plan_id}-{day}.{form.value}"
    headers = {"Content-Disposition": content_disposition("inline", name)}
    if form is SheetFormat.html:
        headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    media_type = "application/pdf" if form is SheetFormat.pdf else "text/html; charset=utf-8"
    return Response(content, headers=headers, media_type=media_type)
