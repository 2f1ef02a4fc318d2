"""Who stands behind a token or a browser session, as the database knows it, remembered for a second."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import anyio
import anyio.to_thread
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from api.security.area_scope import AreaScopeCache
from api.security.credentials import digest, is_session_id, is_token
from api.security.principal import RIGHTS, Principal, Right, Role
from layers.db.database import Database
from layers.models import Account, BrowserSession, Token

CACHE_TTL_S = 1.0
"""How long an answer of the database is believed: a revoked token is refused after this long at most, and the
time of one query, in every process."""

_MAX_ENTRIES = 10_000
_THREADS = 4
_TOUCH_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _CacheEntry:
    principal: Principal
    fresh_until: float


@dataclass(frozen=True, slots=True)
class _Lookup:
    principal: Principal
    expires_in_s: float
    needs_touch: bool


_Loader = Callable[[str], _Lookup | None]


class CredentialCache:
    """Knows the principals of tokens and sessions.

    Parameters
    ----------
    database
        Where they are kept.
    idle
        How long a browser session lasts without a request.
    """

    def __init__(self, database: Database, idle: timedelta) -> None:
        self._database = database
        self._idle_timeout = idle
        self._area_scopes = AreaScopeCache()
        # Its own threads: a flood of invented tokens does not take those of the routes.
        self._limiter = anyio.CapacityLimiter(_THREADS)
        self._entries: dict[str, _CacheEntry] = {}
        self._pending: dict[str, asyncio.Future[Principal | None]] = {}
        self._touching: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def authenticate_token(self, token: str) -> Principal | None:
        """Return who a token stands for; None if it is unknown, expired or revoked."""
        if not is_token(token):
            return None
        key = digest(token)
        entry = self._entries.get(key)
        if entry is not None and entry.fresh_until > time.monotonic():
            return entry.principal
        return await self._load_shared(key, self._load_token)

    async def authenticate_session(self, session_id: str) -> Principal | None:
        """Return whose browser session an id is; None if it is unknown or over."""
        if not is_session_id(session_id):
            return None
        key = digest(session_id)
        entry = self._entries.get(key)
        if entry is not None and entry.fresh_until > time.monotonic():
            return entry.principal
        return await self._load_shared(key, self._load_session)

    def invalidate(self, secret: str) -> None:
        """Ask the database again at the next request with a token or session id."""
        self._entries.pop(digest(secret), None)

    async def _load_shared(self, key: str, load: _Loader) -> Principal | None:
        future = self._pending.get(key)
        if future is None:
            future = asyncio.ensure_future(self._load(key, load))
            self._pending[key] = future
            future.add_done_callback(lambda _: self._pending.pop(key, None))
        # Others wait for the same answer: one caller who goes away does not take it from them.
        return await asyncio.shield(future)

    async def _load(self, key: str, load: _Loader) -> Principal | None:
        started = time.monotonic()
        found = await anyio.to_thread.run_sync(load, key, limiter=self._limiter)
        if found is None:
            self._entries.pop(key, None)
            return None
        if len(self._entries) >= _MAX_ENTRIES:
            self._entries.clear()
        self._entries[key] = _CacheEntry(found.principal, started + min(CACHE_TTL_S, found.expires_in_s))
        if found.needs_touch and key not in self._touching:
            self._touching.add(key)
            task = asyncio.ensure_future(self._touch(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return found.principal

    def _load_token(self, key: str) -> _Lookup | None:
        now = datetime.now(UTC)
        with self._database.read() as session:
            token = session.scalar(
                select(Token).where(Token.sha256 == key, Token.revoked_at.is_(None), Token.expires_at > now)
            )
            if token is None:
                return None
            role = Role(token.role)
            rights = RIGHTS[role] | {Right.reveal} if token.personal else RIGHTS[role]
            covered = self._area_scopes.covered_codes(session, token.area_code)
            principal = Principal("token", token.id, token.name, role, rights, token.area_code, covered)
            return _Lookup(principal, (token.expires_at - now).total_seconds(), needs_touch=False)

    def _load_session(self, key: str) -> _Lookup | None:
        now = datetime.now(UTC)
        with self._database.read() as session:
            row = session.execute(
                select(BrowserSession, Account)
                .join(Account, Account.id == BrowserSession.account_id)
                .where(
                    BrowserSession.sha256 == key,
                    BrowserSession.expires_at > now,
                    BrowserSession.seen_at > now - self._idle_timeout,
                    Account.disabled_at.is_(None),
                    BrowserSession.created_at >= Account.password_changed_at,
                )
            ).first()
            if row is None:
                return None
            browser, account = row
            role = Role(account.role)
            covered = self._area_scopes.covered_codes(session, account.area_code)
            principal = Principal(
                "account", account.id, account.name, role, RIGHTS[role], account.area_code, covered
            )
            ends = min(browser.expires_at, browser.seen_at + self._idle_timeout)
            return _Lookup(principal, (ends - now).total_seconds(), now - browser.seen_at > _TOUCH_INTERVAL)

    async def _touch(self, key: str) -> None:
        """Note that a browser session was used, without keeping its request waiting."""
        try:
            await anyio.to_thread.run_sync(self._write_seen_at, key)
        finally:
            self._touching.discard(key)

    def _write_seen_at(self, key: str) -> None:
        # While a long import writes to SQLite this can fail; the next look-up marks the session again.
        with suppress(OperationalError), self._database.write() as session:
            session.execute(
                update(BrowserSession).where(BrowserSession.sha256 == key).values(seen_at=datetime.now(UTC))
            )
