"""Links that sign one account in, once, without its password."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from api.security.accounts import find_account
from api.security.audit import Action, audit
from api.security.credentials import digest, is_session_id, new_session_id
from api.security.principal import Principal
from api.security.sign_in import (
    Attempt,
    StartedSession,
    begin_session,
    clear_attempt,
    count_attempt,
    note_known_address,
)
from gis.errors import ConflictError, InputError, UnauthorizedError
from layers.db.database import Database
from layers.models import Account, SignInLink

MAX_LIFETIME = timedelta(days=7)


def create_link(
    session: Session, principal: Principal, name: str, lifetime: timedelta
) -> tuple[SignInLink, str]:
    """Make a sign-in link of an account; return its record and, for this once, its secret.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        Who makes it.
    name
        Of the account.
    lifetime
        When it expires, from now; at most seven days.

    Raises
    ------
    InputError
        If the life is not positive or too long.
    NotFoundError
        If there is no such account in the caller's area.
    ConflictError
        If the account is disabled.
    """
    if not timedelta(0) < lifetime <= MAX_LIFETIME:
        raise InputError(f"A sign-in link lasts at least a moment and at most {MAX_LIFETIME.days} days.")
    account = find_account(session, principal, name)
    if account.disabled_at is not None:
        raise ConflictError(f"The account {account.name} is disabled; give it another password first.")
    now = datetime.now(UTC)
    # What is over is of no use to anybody; that it was made and used stands in the audit.
    session.execute(
        delete(SignInLink).where(or_(SignInLink.expires_at < now, SignInLink.used_at.is_not(None)))
    )
    secret = new_session_id()
    link = SignInLink(sha256=digest(secret), account_id=account.id, created_at=now, expires_at=now + lifetime)
    session.add(link)
    session.flush()
    audit(
        session,
        principal,
        Action.link_create,
        f"account {account.id}",
        area_code=account.area_code,
        link=link.id,
        expires_at=link.expires_at.isoformat(),
    )
    return link, secret


def sign_in_by_link(database: Database, secret: str, address: str, lifetime: timedelta) -> StartedSession:
    """Begin a browser session by a link, which is used up.

    A secret that is unknown, used or expired, and one of a disabled account, answer alike.

    Parameters
    ----------
    database
        Where accounts are.
    secret
        Of the link.
    address
        Where the request came from.
    lifetime
        When the session ends at the latest, from now.

    Raises
    ------
    UnauthorizedError
        If the link is unknown, used or expired.
    TooManyAttemptsError
        If there were too many failures from the address.
    """
    attempt = Attempt.of(None, address)
    with database.write() as session:
        count_attempt(session, attempt)
    with database.write() as session:
        account = _consume_link(session, secret)
        if account is not None:
            clear_attempt(session, attempt)
            known = Attempt.of(account.name, address).known
            assert known is not None
            note_known_address(session, known)
            return begin_session(session, account, address, lifetime, by="link")
        audit(session, None, Action.sign_in_failed, address=address, by="link")
    raise UnauthorizedError("The link has been used, is too old or unknown; ask for another.")


def _consume_link(session: Session, secret: str) -> Account | None:
    """Mark a link as used and return its account; None if it is not valid."""
    if not is_session_id(secret):
        return None
    now = datetime.now(UTC)
    # One statement finds and marks, so that of two at once one alone comes in.
    number = session.scalar(
        update(SignInLink)
        .where(
            SignInLink.sha256 == digest(secret),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
            SignInLink.account_id.in_(select(Account.id).where(Account.disabled_at.is_(None))),
        )
        .values(used_at=now)
        .returning(SignInLink.account_id)
        .execution_options(synchronize_session=False)
    )
    return None if number is None else session.get_one(Account, number)
