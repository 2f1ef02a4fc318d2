"""Signing in and out with a browser, and the slowing of those who fail.

An attempt counts as failed before the password is looked at, so that many at once gain nothing.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.security.accounts import normalize_name
from api.security.audit import Action, audit
from api.security.credentials import digest, new_session_id
from api.security.passwords import needs_rehash, rehash_password, verify_password
from api.security.principal import RIGHTS, Principal, Role
from gis.errors import BusyError, UnauthorizedError
from layers.db.database import Database
from layers.models import Account, BrowserSession, SignInFailure

FAILURE_RETENTION = timedelta(days=1)
"""Failures count until there has been none for so long."""

KNOWN_RETENTION = timedelta(days=90)
"""An address from which an account has signed in is known for so long."""

_MAX_WAIT_S = 300.0
_FREE_PAIR_FAILURES, _FREE_ADDRESS_FAILURES, _FREE_NAME_FAILURES = 3, 20, 30


class TooManyAttemptsError(BusyError):
    """Signing in has failed too often; it may be tried again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            f"Signing in has failed too often; try again in {max(1, round(retry_after_s))} s.", retry_after_s
        )


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
    TooManyAttemptsError
        If there were too many failures under the name or from the address.
    """
    attempt = Attempt.of(name, address)
    with database.write() as session:
        count_attempt(session, attempt)
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
        clear_attempt(session, attempt)
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt to sign in is counted under, all of it hashed.

    Attributes
    ----------
    pair
        The name together with the address, None for an attempt without a name: whoever guesses from elsewhere
        does not delay the owner.
    wide
        The address and the name by themselves, with their free failures: guessing many names from one
        address, or one name from many. An account that has signed in from the address before is not delayed
        by these.
    known
        Where it is noted that it has.
    """

    pair: str | None
    wide: Mapping[str, int]
    known: str | None

    @classmethod
    def of(cls, name: str | None, address: str) -> "Attempt":
        """Return what an attempt is counted under.

        Parameters
        ----------
        name
            As typed; None for an attempt without a name.
        address
            Where the request came from.
        """
        network = _network(address)
        by_address = {_hash("address", network): _FREE_ADDRESS_FAILURES}
        if name is None:
            return cls(None, by_address, None)
        folded = normalize_name(name).casefold()
        by_name = {_hash("account", folded): _FREE_NAME_FAILURES}
        return cls(_hash("pair", folded, network), by_address | by_name, _hash("known", folded, network))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


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


def count_attempt(session: Session, attempt: Attempt) -> None:
    """Count an attempt as failed under all that it is counted under, unless it comes too early.

    Raises
    ------
    TooManyAttemptsError
        If it does.
    """
    now = datetime.now(UTC)
    # What has no failures tells that signing in has been right.
    session.execute(
        delete(SignInFailure).where(
            (SignInFailure.last_at < now - KNOWN_RETENTION)
            | ((SignInFailure.failures > 0) & (SignInFailure.last_at < now - FAILURE_RETENTION))
        )
    )
    rows = []
    # In one order, in which no two wait for each other.
    for source, free_failures in sorted(_sources(session, attempt).items()):
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


def _sources(session: Session, attempt: Attempt) -> dict[str, int]:
    """Return what an attempt is counted under, with the failures that cost nothing."""
    pair = {attempt.pair: _FREE_PAIR_FAILURES} if attempt.pair is not None else {}
    if attempt.known is not None and _find_row(session, attempt.known) is not None:
        return pair
    return {**pair, **attempt.wide}


def _find_row(session: Session, source: str) -> SignInFailure | None:
    return session.scalar(select(SignInFailure).where(SignInFailure.source == source).with_for_update())


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


def clear_attempt(session: Session, attempt: Attempt) -> None:
    """Take back the attempt that was right: the pair starts again, what is wide keeps its other failures."""
    for source in sorted(_sources(session, attempt)):
        row = _find_row(session, source)
        if row is not None:
            row.failures = 0 if source == attempt.pair else max(row.failures - 1, 0)
    if attempt.known is not None:
        note_known_address(session, attempt.known)


def note_known_address(session: Session, known: str) -> None:
    """Note that an account has signed in from an address: strangers do not delay it there."""
    now = datetime.now(UTC)
    _ensure_row(session, known, now)
    session.execute(update(SignInFailure).where(SignInFailure.source == known).values(last_at=now))


def _principal(account: Account) -> Principal:
    role = Role(account.role)
    covered = frozenset([account.area_code]) if account.area_code is not None else None
    return Principal("account", account.id, account.name, role, RIGHTS[role], account.area_code, covered)
