"""`/v1/audit`: who did what when, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.pagination import Page, PageDep
from api.http.responses import list_response
from api.problems import problem_responses
from api.schemas.audit import audit_record
from api.security import audit
from api.security.audit import Action
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get(
    "", summary="Read the audit", response_model=Page[schemas.AuditEntry], responses=problem_responses()
)
@requires(Right.administer, AreaPolicy.filtered)
def list_entries(
    caller: Caller,
    database: DatabaseDep,
    page: PageDep,
    action: Annotated[Action | None, Query()] = None,
    actor: Annotated[str | None, Query(max_length=200, examples=["account planner"])] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="With its offset.", examples=["2026-01-01T00:00:00Z"])
    ] = None,
) -> Response:
    """List what was done in the caller's area, oldest first."""
    with database.read() as session:
        entries, next_cursor = audit.list_entries(
            session, page, caller.area_code, action=action, actor=actor, since=since
        )
        return list_response([audit_record(entry) for entry in entries], next_cursor)
