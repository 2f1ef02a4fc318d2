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
from api.http.dependencies import Store
from api.http.pagination import Page, Paged
from api.http.responses import listing
from api.problems import answers
from api.security.area_scope import within
from api.security.audit import Action
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from layers.models import AuditEntry

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_COLUMNS = ("id", "at", "actor", "role", "action", "subject", "area_code", "details")


@router.get("", summary="Read the audit", response_model=Page[schemas.AuditEntry], responses=answers())
@access(Right.administer, Ground.filtered)
def entries(
    caller: Caller,
    store: Store,
    asked: Paged,
    action: Annotated[Action | None, Query()] = None,
    actor: Annotated[str | None, Query(max_length=200, examples=["account planner"])] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="With its offset.", examples=["2026-01-01T00:00:00Z"])
    ] = None,
) -> Response:
    """List what was done in the caller's area, the oldest first."""
    chosen = select(AuditEntry).where(within(AuditEntry.area_code, caller))
    if action is not None:
        chosen = chosen.where(AuditEntry.action == action.value)
    if actor is not None:
        chosen = chosen.where(AuditEntry.actor == actor)
    if since is not None:
        moment: datetime = since
        chosen = chosen.where(AuditEntry.at >= moment)
    with store.read() as session:
        rows, follows = asked.rows(session, chosen, AuditEntry.id)
        listed = [{name: getattr(entry, name) for name in _COLUMNS} for (entry,) in rows]
    return listing(listed, follows)
