"""The moment at which tokens, sessions, links and failures are over, with the clock held still."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from types import ModuleType, SimpleNamespace

import pytest
from sqlalchemy import select, update

from api.security import credential_cache, sign_in, sign_in_links
from api.security.accounts import find_account, revoke_token
from api.security.credential_cache import CACHE_TTL_S, CredentialCache
from api.security.principal import SYSTEM, Principal, Role
from api.security.sign_in import (
    FAILURE_RETENTION,
    Attempt,
    TooManyAttemptsError,
    begin_session,
    count_attempt,
)
from api.security.sign_in_links import create_link, sign_in_by_link
from gis.errors import UnauthorizedError
from layers.db.database import Database
from layers.models import Account, BrowserSession, SignInFailure, SignInLink
from layers.models import Token as TokenRow
from tests.api.security.conftest import Token

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
IDLE, LASTING = timedelta(hours=2), timedelta(hours=12)
SetClock = Callable[[ModuleType, datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Hold the clock of a module still at a moment."""

    def hold(module: ModuleType, moment: datetime) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Clock":
                return cls.fromtimestamp(moment.timestamp(), tz)

        monkeypatch.setattr(module, "datetime", Clock)

    return hold


def authenticate(database: Database, *, token: str = "", session_id: str = "") -> Principal | None:
    """Ask the database, and let what was begun beside the answer end."""

    async def ask() -> Principal | None:
        cache = CredentialCache(database, IDLE)
        found = await (cache.authenticate_token(token) if token else cache.authenticate_session(session_id))
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return found

    return asyncio.run(ask())


@pytest.fixture
def browser_session(ground: Database, monitor: str) -> str:
    """The id of a browser session of the account `monitor`, begun and seen at MOMENT."""
    with ground.write() as session:
        started = begin_session(session, find_account(session, SYSTEM, monitor), "192.0.2.1", LASTING)
        session.execute(
            update(BrowserSession).values(created_at=MOMENT, seen_at=MOMENT, expires_at=MOMENT + LASTING)
        )
        session.execute(update(Account).values(password_changed_at=MOMENT))
    return started.session_id


def test_a_token_is_over_at_the_moment_it_expires(
    ground: Database, token: Token, set_clock: SetClock
) -> None:
    secret = token(Role.viewer)
    with ground.write() as session:
        session.execute(update(TokenRow).values(expires_at=MOMENT))
    set_clock(credential_cache, MOMENT - TICK)
    assert authenticate(ground, token=secret) is not None
    set_clock(credential_cache, MOMENT)
    assert authenticate(ground, token=secret) is None


@pytest.mark.parametrize(
    ("columns", "over_at"),
    [({"expires_at": MOMENT + IDLE / 2}, MOMENT + IDLE / 2), ({}, MOMENT + IDLE)],
    ids=["at the latest", "idle"],
)
def test_a_session_is_over_at_the_moment_it_ends(
    ground: Database,
    browser_session: str,
    set_clock: SetClock,
    columns: dict[str, datetime],
    over_at: datetime,
) -> None:
    if columns:
        with ground.write() as session:
            session.execute(update(BrowserSession).values(**columns))
    set_clock(credential_cache, over_at)
    assert authenticate(ground, session_id=browser_session) is None
    set_clock(credential_cache, over_at - TICK)
    assert authenticate(ground, session_id=browser_session) is not None


def test_a_session_of_the_moment_of_the_password_holds_and_an_older_one_does_not(
    ground: Database, browser_session: str, set_clock: SetClock
) -> None:
    set_clock(credential_cache, MOMENT)
    assert authenticate(ground, session_id=browser_session) is not None
    with ground.write() as session:
        session.execute(update(Account).values(password_changed_at=MOMENT + TICK))
    assert authenticate(ground, session_id=browser_session) is None


@pytest.mark.parametrize(
    ("later", "is_noted"), [(timedelta(minutes=1), False), (timedelta(minutes=1) + TICK, True)]
)
def test_use_is_noted_when_the_last_is_more_than_a_minute_ago(
    ground: Database, browser_session: str, set_clock: SetClock, later: timedelta, is_noted: bool
) -> None:
    set_clock(credential_cache, MOMENT + later)
    assert authenticate(ground, session_id=browser_session) is not None
    with ground.read() as session:
        seen_at = session.scalars(select(BrowserSession.seen_at)).one()
    assert seen_at == (MOMENT + later if is_noted else MOMENT)


@pytest.mark.parametrize("expires_in_s", [3600.0, 0.25])
def test_an_answer_is_believed_for_a_second_and_no_longer_than_the_token_lasts(
    ground: Database,
    token: Token,
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    expires_in_s: float,
) -> None:
    secret = token(Role.viewer)
    with ground.write() as session:
        session.execute(update(TokenRow).values(expires_at=MOMENT + timedelta(seconds=expires_in_s)))
    set_clock(credential_cache, MOMENT)
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(credential_cache, "time", clock)
    believed_s = min(CACHE_TTL_S, expires_in_s)

    async def ask() -> list[bool]:
        cache = CredentialCache(ground, IDLE)
        found = [await cache.authenticate_token(secret)]
        with ground.write() as session:
            revoke_token(session, SYSTEM, "1")
        for seconds in (believed_s - 0.125, believed_s):
            clock.monotonic = lambda now=100.0 + seconds: now
            found.append(await cache.authenticate_token(secret))
        return [each is not None for each in found]

    assert asyncio.run(ask()) == [True, True, False]


def test_a_session_is_believed_for_a_second(
    ground: Database, browser_session: str, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(credential_cache, MOMENT)
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(credential_cache, "time", clock)

    async def ask() -> list[bool]:
        cache = CredentialCache(ground, IDLE)
        found = [await cache.authenticate_session(browser_session)]
        with ground.write() as session:
            session.execute(update(Account).values(disabled_at=MOMENT))
        for seconds in (CACHE_TTL_S - 0.125, CACHE_TTL_S):
            clock.monotonic = lambda now=100.0 + seconds: now
            found.append(await cache.authenticate_session(browser_session))
        return [each is not None for each in found]

    assert asyncio.run(ask()) == [True, True, False]


def test_a_full_cache_begins_again(ground: Database, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_cache, "_MAX_ENTRIES", 2)
    monkeypatch.setattr(credential_cache, "time", SimpleNamespace(monotonic=lambda: 100.0))
    secrets = [token(Role.viewer) for _ in range(3)]

    async def ask() -> list[bool]:
        cache = CredentialCache(ground, IDLE)
        found = [await cache.authenticate_token(secret) for secret in secrets[:2]]
        with ground.write() as session:
            revoke_token(session, SYSTEM, "1")
        found.append(await cache.authenticate_token(secrets[0]))
        found.append(await cache.authenticate_token(secrets[2]))
        found.append(await cache.authenticate_token(secrets[0]))
        return [each is not None for each in found]

    # The revoked one is believed while there is room for it.
    assert asyncio.run(ask()) == [True, True, True, True, False]


def test_a_link_is_over_at_the_moment_it_expires(ground: Database, monitor: str, set_clock: SetClock) -> None:
    with ground.write() as session:
        secret = create_link(session, SYSTEM, monitor, LASTING)[1]
        session.execute(update(SignInLink).values(expires_at=MOMENT))
    set_clock(sign_in_links, MOMENT)
    with pytest.raises(UnauthorizedError):
        sign_in_by_link(ground, secret, "192.0.2.1", LASTING)
    set_clock(sign_in_links, MOMENT - TICK)
    assert sign_in_by_link(ground, secret, "192.0.2.1", LASTING).account.name == monitor


def failed(database: Database, failures: int) -> None:
    with database.write() as session:
        session.add(SignInFailure(source="a", failures=failures, last_at=MOMENT))


def test_an_attempt_may_come_at_the_moment_it_is_due(ground: Database, set_clock: SetClock) -> None:
    failed(ground, 5)
    due = MOMENT + timedelta(seconds=4)
    set_clock(sign_in, due - TICK)
    with ground.write() as session, pytest.raises(TooManyAttemptsError) as refused:
        count_attempt(session, Attempt("a", {}, None))
    assert refused.value.retry_after_s == pytest.approx(TICK.total_seconds())
    set_clock(sign_in, due)
    with ground.write() as session:
        count_attempt(session, Attempt("a", {}, None))
    with ground.read() as session:
        row = session.scalars(select(SignInFailure)).one()
        assert (row.failures, row.last_at) == (6, due)


@pytest.mark.parametrize(("later", "failures"), [(timedelta(0), 6), (TICK, 1)])
def test_a_failure_counts_for_a_day(
    ground: Database, set_clock: SetClock, later: timedelta, failures: int
) -> None:
    failed(ground, 5)
    set_clock(sign_in, MOMENT + FAILURE_RETENTION + later)
    with ground.write() as session:
        count_attempt(session, Attempt("a", {}, None))
    with ground.read() as session:
        assert session.scalars(select(SignInFailure.failures)).all() == [failures]
