"""The audit: who did what when."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from api.security.principal import Principal
from layers.models import AuditEntry


class Action(StrEnum):
    """What is audited."""

    sign_in = "sign-in"
    sign_out = "sign-out"
    sign_in_failed = "sign-in failed"
    account_create = "account created"
    account_disable = "account disabled"
    account_password = "account password changed"  # noqa: S105  the name of a deed
    link_create = "sign-in link created"
    token_create = "token created"  # noqa: S105  the name of a deed
    token_revoke = "token revoked"  # noqa: S105  the name of a deed
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
        Who did it; None when nobody is signed in.
    action, subject
        What was done, and to what: `plan 12`, `token 4`, `entity 17`.
    area_code
        The area it concerns, by which administrators bound to an area see it; the caller's own if not given.
    details
        Plain values; nothing personal.
    """
    entry = AuditEntry(
        at=datetime.now(UTC),
        actor=principal.label if principal else "nobody",
        role=principal.role.value if principal else None,
        action=action.value,
        subject=subject,
        area_code=area_code if area_code is not None or principal is None else principal.area_code,
        details=details,
    )
    session.add(entry)
    return entry
