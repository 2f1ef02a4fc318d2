"""`/v1/audit`: who did what when, for administrators.

It reads; entries are written by `api.security.audit` in the transaction of each deed.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from sqlalchemy import select
from starlette.responses import Response

from api import records
from api.exchange import Store, reply
from api.paging import Cursor, Limit, Page, after, cursor_of
from api.problems import answers
from api.security.access import Ground, access
from api.security.audit import Action
from api.security.caller import Caller
from api.security.jurisdiction import within
from api.security.principal import Right
from layers.storage.identity import AuditEntry

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="Read the audit", response_model=Page[records.AuditEntry], responses=answers())
@access(Right.administer, Ground.filtered)
def entries(
    caller: Caller,
    store: Store,
    action: Annotated[Action | None, Query()] = None,
    actor: Annotated[str | None, Query(max_length=200, examples=["account planner"])] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="With its offset.", examples=["2026-01-01T00:00:00Z"])
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List what was done in the caller's area, the oldest first."""
    asked = (
        select(AuditEntry)
        .where(within(AuditEntry.area_code, caller))
        .order_by(AuditEntry.id)
        .limit(limit + 1)
    )
    if action is not None:
        asked = asked.where(AuditEntry.action == action.value)
    if actor is not None:
        asked = asked.where(AuditEntry.actor == actor)
    if since is not None:
        moment: datetime = since
        asked = asked.where(AuditEntry.at >= moment)
    if cursor is not None:
        asked = asked.where(after(cursor, (AuditEntry.id,)))
    with store.read() as session:
        listed = [
            {
                "id": entry.id,
                "at": entry.at,
                "actor": entry.actor,
                "role": entry.role,
                "action": entry.action,
                "subject": entry.subject,
                "area_code": entry.area_code,
                "details": entry.details,
            }
            for entry in session.scalars(asked)
        ]
    follows = cursor_of(int(str(listed[limit - 1]["id"]))) if len(listed) > limit else None
    return reply({"items": listed[:limit], "next": follows})
