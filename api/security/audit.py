"""The audit: who did what when."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.http.idempotency import WriteResult
from api.security.principal import Principal
from layers.areas.scope import within
from layers.db.keyset import PageRequest
from layers.models import AuditEntry


class Action(StrEnum):
    """What is audited."""

    sign_in = "sign-in"
    sign_out = "sign-out"
    sign_in_failed = "sign-in failed"
    account_create = "account created"
    account_disable = "account disabled"
    account_officer = "account linked to an officer"
    account_password = "account password changed"  # noqa: S105  the name of an action
    link_create = "sign-in link created"
    token_create = "token created"  # noqa: S105  the name of an action
    token_revoke = "token revoked"  # noqa: S105  the name of an action
    restore = "database restored"
    reveal = "personal data revealed"
    publish = "plan published"
    approve = "plan approved"
    reject = "plan rejected"
    import_ = "imported"
    export = "exported"
    record = "record changed"


def audit(
    session: Session,
    principal: Principal | None,
    action: Action,
    subject: str | None = None,
    *,
    area_code: str | None = None,
    **details: Any,
) -> AuditEntry:
    """Add an entry to the session's transaction.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        The caller; None when there is none.
    action, subject
        What was done, and to what: `plan 12`, `token 4`, `entity 17`.
    area_code
        The area it concerns, by which administrators bound to an area see it; the caller's own if not given.
    details
        Plain values; nothing personal.
    """
    return audit_as(
        session,
        principal.label if principal else "nobody",
        principal.role.value if principal else None,
        action,
        subject,
        area_code=area_code if area_code is not None or principal is None else principal.area_code,
        details=details,
    )


def audit_as(
    session: Session,
    actor: str,
    role: str | None,
    action: Action,
    subject: str | None,
    *,
    area_code: str | None,
    details: dict[str, Any],
) -> AuditEntry:
    """Add an entry for a caller of whom only label and role are known, such as one who asked for a job.

    The other parameters are those of `audit`.
    """
    entry = AuditEntry(
        at=datetime.now(UTC),
        actor=actor,
        role=role,
        action=action.value,
        subject=subject,
        area_code=area_code,
        details=details,
    )
    session.add(entry)
    return entry


def audited_result(
    session: Session,
    principal: Principal,
    subject: str,
    area_code: str | None,
    record: Mapping[str, Any],
    *,
    location: str | None = None,
    **details: Any,
) -> WriteResult:
    """Audit a write to a record, and return the answer to it.

    Parameters
    ----------
    session
        The session that wrote it.
    principal
        The caller.
    subject
        What was written: `entity 17`.
    area_code
        The area that it is of now.
    record
        As it is answered, with its `version`.
    location
        Its address, where it was created.
    details
        Plain values for the audit; nothing personal.

    Raises
    ------
    ForbiddenError
        If it is now of an area that the caller's does not cover.
    """
    principal.require_area(area_code)
    audit(session, principal, Action.record, subject, area_code=area_code, **details)
    return WriteResult(record, 200 if location is None else 201, record["version"], location)


def list_entries(
    session: Session,
    page: PageRequest,
    scope: str | None,
    *,
    action: Action | None = None,
    actor: str | None = None,
    since: datetime | None = None,
) -> tuple[Sequence[AuditEntry], str | None]:
    """Return a page of the audit, the oldest entry first, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only entries that concern this area and those beneath it; None for all.
    action, actor, since
        Only entries of one action, of one caller, or from a time on.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = select(AuditEntry).where(within(AuditEntry.area_code, scope))
    if action is not None:
        statement = statement.where(AuditEntry.action == action.value)
    if actor is not None:
        statement = statement.where(AuditEntry.actor == actor)
    if since is not None:
        statement = statement.where(AuditEntry.at >= since)
    rows, next_cursor = page.fetch(session, statement, AuditEntry.id)
    return [entry for (entry,) in rows], next_cursor
