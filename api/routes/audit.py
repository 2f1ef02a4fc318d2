"""`/v1/audit`: who did what when, for administrators.

It reads; entries are written by `api.security.audit` in the transaction of each deed.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select
from starlette.responses import Response

from api import schemas
from api.http.dependencies import DatabaseDep
from api.http.pagination import Page, PageDep
from api.http.responses import list_response
from api.problems import problem_responses
from api.security.area_scope import in_area_scope
from api.security.audit import Action
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.models import AuditEntry

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_ENTRY_FIELDS = ("id", "at", "actor", "role", "action", "subject", "area_code", "details")


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
    """List what was done in the caller's area, the oldest first."""
    statement = select(AuditEntry).where(in_area_scope(AuditEntry.area_code, caller))
    if action is not None:
        statement = statement.where(AuditEntry.action == action.value)
    if actor is not None:
        statement = statement.where(AuditEntry.actor == actor)
    if since is not None:
        moment: datetime = since
        statement = statement.where(AuditEntry.at >= moment)
    with database.read() as session:
        rows, next_cursor = page.fetch(session, statement, AuditEntry.id)
        items = [{name: getattr(entry, name) for name in _ENTRY_FIELDS} for (entry,) in rows]
    return list_response(items, next_cursor)
