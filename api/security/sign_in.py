"""Signing in and out with a browser, and the slowing of those who fail.

An attempt counts as failed before the password is looked at, so that many at once gain nothing.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.security.accounts import normalize_name
from api.security.audit import Action, audit
from api.security.credentials import digest, new_session_id
from api.security.passwords import needs_rehash, rehash_password, verify_password
from api.security.principal import RIGHTS, Principal, Role
from gis.errors import LimitError, UnauthorizedError
from layers.db.database import Database
from layers.models import Account, BrowserSession, SignInFailure

FAILURE_RETENTION = timedelta(days=1)
"""Failures count until there has been none for so long."""

_MAX_WAIT_S = 300.0
_FREE_ACCOUNT_FAILURES, _FREE_ADDRESS_FAILURES = 3, 20


class TooManyAttemptsError(LimitError):
    """Signing in has failed too often; it may be tried again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"Signing in has failed too often; try again in {max(1, round(retry_after_s))} s.")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A browser session that has begun: the cookie's value, whose it is, and when it ends at the latest."""

    session_id: str
    account: Account
    expires_at: datetime


def sign_in(
    database: Database, name: str, password: str, address: str, lifetime: timedelta
) -> StartedSession:
    """Begin a browser session.

    An unknown name, a disabled account and a wrong password answer alike, after the same time.

    Parameters
    ----------
    database
        Where accounts are.
    name, password
        What was typed in.
    address
        Where the request came from.
    lifetime
        When the session ends at the latest, from now.

    Raises
    ------
    UnauthorizedError
        If the name or the password is wrong.
    SlowDownError
        If there were too many failures under the name or from the address.
    """
    keys = throttle_keys(name, address)
    with database.write() as session:
        count_attempt(session, keys)
        account = session.scalar(select(Account).where(Account.name == normalize_name(name)))
        usable = account is not None and account.disabled_at is None
        stored = account.password_hash if account is not None else None
    matches = verify_password(stored, password)
    renewed = rehash_password(password) if matches and stored is not None and needs_rehash(stored) else None
    if account is None or not (matches and usable):
        with database.write() as session:
            area_code = account.area_code if account is not None else None
            # The name as typed may be a password; only a name that exists is written down.
            subject = f"account {account.id}" if account is not None else None
            audit(session, None, Action.sign_in_failed, subject, area_code=area_code, address=address)
        raise UnauthorizedError("The name or the password is wrong.")
    with database.write() as session:
        clear_attempt(session, keys)
        if renewed is not None:
            session.get_one(Account, account.id).password_hash = renewed
        return begin_session(session, account, address, lifetime)


def begin_session(
    session: Session, account: Account, address: str, lifetime: timedelta, **details: str
) -> StartedSession:
    """Begin the browser session of an account that has proved itself, in the session's transaction.

    Parameters
    ----------
    session
        Of `Database.write`.
    account
        Whose session it is.
    address
        Where the request came from.
    lifetime
        When it ends at the latest, from now.
    details
        What else the audit says of it.
    """
    now = datetime.now(UTC)
    session_id = new_session_id()
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at < now))
    session.add(
        BrowserSession(
            sha256=digest(session_id),
            account_id=account.id,
            created_at=now,
            seen_at=now,
            expires_at=now + lifetime,
        )
    )
    audit(session, _principal(account), Action.sign_in, f"account {account.id}", address=address, **details)
    return StartedSession(session_id, account, now + lifetime)


def sign_out(database: Database, session_id: str, principal: Principal) -> None:
    """End a browser session; one that is over already stays so."""
    with database.write() as session:
        ended = session.execute(
            delete(BrowserSession)
            .where(BrowserSession.sha256 == digest(session_id))
            .returning(BrowserSession.id)
        ).first()
        if ended is not None:
            audit(session, principal, Action.sign_out, f"account {principal.id}")


def backoff_s(failures: int, free_failures: int) -> float:
    """Return how many seconds after the last of so many failures the next attempt may come."""
    return 0.0 if failures < free_failures else min(2.0 ** min(failures - free_failures, 30), _MAX_WAIT_S)


def throttle_keys(name: str | None, address: str) -> dict[str, int]:
    """Return the hashed name and address with their free failures, in the order in which rows are locked.

    Parameters
    ----------
    name
        As typed; None for an attempt without a name.
    address
        Where the request came from.
    """
    hashed = {hashlib.sha256(f"address\0{_network(address)}".encode()).hexdigest(): _FREE_ADDRESS_FAILURES}
    if name is not None:
        folded = normalize_name(name).casefold()
        hashed[hashlib.sha256(f"account\0{folded}".encode()).hexdigest()] = _FREE_ACCOUNT_FAILURES
    return dict(sorted(hashed.items()))


def _network(address: str) -> str:
    """Return what one subscriber has: an IPv4 address, or the first half of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def count_attempt(session: Session, keys: dict[str, int]) -> None:
    """Count an attempt as failed for each of its `sources`, unless it comes too early.

    Raises
    ------
    SlowDownError
        If it does.
    """
    now = datetime.now(UTC)
    session.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FAILURE_RETENTION))
    rows = []
    for source, free_failures in keys.items():
        _ensure_row(session, source, now)
        row = session.scalars(
            select(SignInFailure).where(SignInFailure.source == source).with_for_update()
        ).one()
        due = row.last_at + timedelta(seconds=backoff_s(row.failures, free_failures))
        if now < due:
            raise TooManyAttemptsError((due - now).total_seconds())
        rows.append(row)
    for row in rows:
        row.failures += 1
        row.last_at = now


def _ensure_row(session: Session, source: str, now: datetime) -> None:
    """Make the row of a source where there is none, also when another does so at the same moment."""
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    session.execute(
        insert(SignInFailure)
        .values(source=source, failures=0, last_at=now)
        .on_conflict_do_nothing(index_elements=[SignInFailure.source])
    )


def clear_attempt(session: Session, keys: dict[str, int]) -> None:
    """Take back the attempt that was right; the name starts again, the address keeps its other failures."""
    for source, free_failures in keys.items():
        row = session.scalar(select(SignInFailure).where(SignInFailure.source == source).with_for_update())
        if row is not None:
            row.failures = 0 if free_failures == _FREE_ACCOUNT_FAILURES else max(row.failures - 1, 0)


def _principal(account: Account) -> Principal:
    role = Role(account.role)
    covered = frozenset([account.area_code]) if account.area_code is not None else None
    return Principal("account", account.id, account.name, role, RIGHTS[role], account.area_code, covered)
