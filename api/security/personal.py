"""Personal data: masked for those who may not see it, and an audit entry for each time somebody does."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.orm import Session

from api.security.audit import Action, audit
from api.security.principal import Principal, Right
from layers.db.database import Database

Reveal = Annotated[
    bool, Query(description="Show personal values plain; needs the right, and is audited.", examples=[False])
]

_MAX_LISTED_IDS = 100


def mask_personal(personal: Mapping[str, Any]) -> dict[str, Any]:
    """Return personal values of which only the start of a name or the end of a number is left."""
    return {key: _mask_value(value) for key, value in personal.items()}


def mask_text(text: str) -> str:
    """Mask one value: 张伟 to 张*, 13800001234 to *********34."""
    if sum(character.isdigit() for character in text) >= 6:
        return "*" * (len(text) - 2) + text[-2:]
    return text[:1] + "*" * min(max(len(text) - 1, 1), 3)


def visible_personal(personal: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """Return personal values as the caller may see them; whoever shows them plain calls `audit_reveal`."""
    return dict(personal) if principal.can_see_personal else mask_personal(personal)


@contextmanager
def open_read_session(database: Database, principal: Principal, *, reveal: bool) -> Iterator[Session]:
    """Give a session that reads; where personal data is to be shown plain, one that can also audit it.

    Raises
    ------
    ForbiddenError
        If the caller may not see personal data plain.
    """
    if reveal:
        principal.require_right(Right.reveal)
    with database.write() if reveal else database.read() as session:
        yield session


def audit_reveal(session: Session, principal: Principal, kind: str, ids: Collection[int | str]) -> None:
    """Record that the caller has been shown the personal data of records; nothing where there are none.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        Who has seen it.
    kind
        `entity`, `officer`.
    ids
        The keys of the records; the first hundred are listed, all are counted.
    """
    if ids:
        listed = [str(each) for _, each in zip(range(_MAX_LISTED_IDS), ids, strict=False)]
        audit(session, principal, Action.reveal, f"{len(ids)} {kind}", ids=listed, count=len(ids))


def _mask_value(value: Any) -> Any:
    if value is None or value in ("", {}, []):
        return value
    if isinstance(value, Mapping):
        return mask_personal(value)
    if isinstance(value, list | tuple):
        return [_mask_value(each) for each in value]
    return mask_text(str(value))
