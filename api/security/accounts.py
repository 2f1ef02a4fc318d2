"""Accounts and tokens: created, listed, disabled and revoked, each time with an audit entry."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from api.security.audit import Action, audit
from api.security.credentials import digest, new_token, token_prefix
from api.security.passwords import hash_password
from api.security.principal import Principal, Role
from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import within
from layers.jobs.queue import cancel_all_of
from layers.models import Account, BrowserSession, Officer, SignInLink, Token

MAX_LIFETIME = timedelta(days=3650)
_MAX_NAME_LENGTH = 100


def create_token(
    session: Session,
    principal: Principal,
    name: str,
    role: Role,
    area_code: str | None,
    lifetime: timedelta,
    *,
    personal: bool = False,
    account: str | None = None,
    officer_id: int | None = None,
) -> tuple[Token, str]:
    """Make a token; return its record and, for this once, the token itself.

    Parameters
    ----------
    session
        A session of `Database.write`.
    principal
        Who makes it; must cover the area.
    name
        What the token is for.
    role
        What it may do.
    area_code
        The area it is bound to; None binds it to none.
    lifetime
        When it expires, from now; at most ten years.
    personal
        Personal data is shown to an integrator; publishers and administrators see it anyway.
    account
        The name of the account of the person whose own it is: what is done with it is theirs, and it ends
        with the account. None for a program.
    officer_id
        The officer with whom it ends.

    Raises
    ------
    InputError
        If the name is empty, the life not positive, or `personal` granted to a role that may not have it.
    ForbiddenError
        If the caller does not cover the area.
    NotFoundError
        If there is no such account.
    ConflictError
        If the account is disabled, or the officer has left.
    """
    principal.require_area(area_code)
    _require_present(session, officer_id)
    if personal and role is not Role.integrator:
        raise InputError(f"Personal data is granted to integrators only, not to the role {role}.")
    if not timedelta(0) < lifetime <= MAX_LIFETIME:
        raise InputError(f"A token lasts at least a moment and at most {MAX_LIFETIME.days} days.")
    owner = None if account is None else find_account(session, principal, account)
    if owner is not None and owner.disabled_at is not None:
        raise ConflictError(f"The account '{owner.name}' is disabled; give the token to another.")
    now = datetime.now(UTC)
    secret = new_token()
    token = Token(
        name=_require_name(name),
        prefix=token_prefix(secret),
        sha256=digest(secret),
        role=role.value,
        area_code=area_code,
        personal=personal,
        account_id=None if owner is None else owner.id,
        created_at=now,
        created_by=principal.label,
        expires_at=now + lifetime,
        officer_id=officer_id,
    )
    session.add(token)
    session.flush()
    audit(
        session,
        principal,
        Action.token_create,
        f"token {token.id}",
        area_code=area_code,
        name=token.name,
        role=role.value,
        personal=personal,
        account=None if owner is None else owner.name,
        expires_at=token.expires_at.isoformat(),
    )
    return token, secret


def list_tokens(session: Session, principal: Principal) -> Sequence[Token]:
    """Return the tokens bound to the caller's area or to one beneath it."""
    return session.scalars(
        select(Token).where(within(Token.area_code, principal.area_code)).order_by(Token.id)
    ).all()


def revoke_token(session: Session, principal: Principal, id_or_prefix: str) -> Token:
    """Revoke a token, named by its number or its prefix, and cancel its jobs; a revoked one stays as it is.

    Every process refuses it within two seconds: see `api.security.credential_cache.CACHE_TTL_S`.

    Raises
    ------
    NotFoundError
        If there is none such in the caller's area.
    ConflictError
        If a prefix fits several.
    """
    named = (
        Token.id == int(id_or_prefix)
        if id_or_prefix.isascii() and id_or_prefix.isdigit()
        else Token.prefix == id_or_prefix
    )
    found = session.scalars(select(Token).where(named, within(Token.area_code, principal.area_code))).all()
    if not found:
        raise NotFoundError(f"There is no token '{id_or_prefix}'; `wangge token list` tells their numbers.")
    if len(found) > 1:
        raise ConflictError(f"Several tokens begin with '{id_or_prefix}'; give the number of one.")
    _revoke(session, principal, found[0])
    return found[0]


def _revoke(session: Session, principal: Principal, token: Token) -> None:
    if token.revoked_at is None:
        token.revoked_at = datetime.now(UTC)
        cancelled = cancel_all_of(session, token.label)
        audit(
            session,
            principal,
            Action.token_revoke,
            f"token {token.id}",
            area_code=token.area_code,
            name=token.name,
            cancelled_jobs=cancelled,
        )


def create_account(
    session: Session,
    principal: Principal,
    name: str,
    role: Role,
    area_code: str | None,
    password: str,
    *,
    officer_id: int | None = None,
) -> Account:
    """Make an account, which may be an officer's: it ends with the officer.

    Raises
    ------
    InputError
        If the name is empty or the password too weak.
    ConflictError
        If the name is taken, or the officer has left.
    ForbiddenError
        If the caller does not cover the area.
    """
    principal.require_area(area_code)
    _require_present(session, officer_id)
    account_name = normalize_name(_require_name(name))
    if session.scalar(select(Account.id).where(Account.name == account_name)) is not None:
        raise ConflictError(f"There is an account '{account_name}' already; choose another name.")
    now = datetime.now(UTC)
    account = Account(
        name=account_name,
        role=role.value,
        area_code=area_code,
        password_hash=hash_password(password, account_name),
        password_changed_at=now,
        created_at=now,
        created_by=principal.label,
        officer_id=officer_id,
    )
    session.add(account)
    session.flush()
    audit(
        session,
        principal,
        Action.account_create,
        f"account {account.id}",
        area_code=area_code,
        name=account_name,
        role=role.value,
    )
    return account


def list_accounts(session: Session, principal: Principal) -> Sequence[Account]:
    """Return the accounts bound to the caller's area or to one beneath it."""
    return session.scalars(
        select(Account).where(within(Account.area_code, principal.area_code)).order_by(Account.id)
    ).all()


def link_officer(session: Session, principal: Principal, name: str, officer_id: int | None) -> Account:
    """Say whose account it is, an officer's or nobody's.

    Raises
    ------
    NotFoundError
        If there is no such account in the caller's area.
    ConflictError
        If the officer has left.
    """
    account = find_account(session, principal, name)
    _require_present(session, officer_id)
    account.officer_id = officer_id
    audit(
        session,
        principal,
        Action.account_officer,
        f"account {account.id}",
        area_code=account.area_code,
        name=account.name,
        officer=officer_id,
    )
    return account


def disable_account(session: Session, principal: Principal, name: str) -> Account:
    """Disable an account, end its browser sessions and sign-in links, revoke its tokens and cancel its jobs.

    Raises
    ------
    NotFoundError
        If there is none such in the caller's area.
    """
    account = find_account(session, principal, name)
    if account.disabled_at is None:
        _disable(session, principal, account)
    return account


def _disable(session: Session, principal: Principal, account: Account) -> None:
    account.disabled_at = datetime.now(UTC)
    _end_sessions(session, account)
    for token in session.scalars(select(Token).where(Token.account_id == account.id)).all():
        _revoke(session, principal, token)
    cancelled = cancel_all_of(session, account.label)
    audit(
        session,
        principal,
        Action.account_disable,
        f"account {account.id}",
        area_code=account.area_code,
        name=account.name,
        cancelled_jobs=cancelled,
    )


def change_password(session: Session, principal: Principal, name: str, password: str) -> Account:
    """Give an account another password, end its sessions and sign-in links, and enable it if it was disabled.

    Raises
    ------
    NotFoundError
        If there is none such in the caller's area.
    InputError
        If the password is too weak.
    ConflictError
        If it is the account of an officer who has left.
    """
    account = find_account(session, principal, name)
    _require_present(session, account.officer_id)
    account.password_hash = hash_password(password, account.name)
    account.password_changed_at = datetime.now(UTC)
    account.disabled_at = None
    _end_sessions(session, account)
    audit(
        session,
        principal,
        Action.account_password,
        f"account {account.id}",
        area_code=account.area_code,
        name=account.name,
    )
    return account


class EndedAccess(NamedTuple):
    """What of an officer's access has ended: names of accounts, and how many tokens and sessions."""

    accounts: list[str]
    tokens: int
    sessions: int


def end_access_of(session: Session, principal: Principal, officer_id: int) -> EndedAccess:
    """Disable the accounts of an officer and revoke the tokens, wherever they are bound to.

    Parameters
    ----------
    session
        The session of `Database.write` in which the officer is ended.
    principal
        Who ends the officer.
    """
    accounts = session.scalars(
        select(Account).where(Account.officer_id == officer_id, Account.disabled_at.is_(None))
    ).all()
    sessions = 0
    for account in accounts:
        held = select(func.count()).where(BrowserSession.account_id == account.id)
        sessions += session.scalars(held).one()
        _disable(session, principal, account)
    tokens = session.scalars(
        select(Token).where(Token.officer_id == officer_id, Token.revoked_at.is_(None))
    ).all()
    for token in tokens:
        _revoke(session, principal, token)
    return EndedAccess([account.name for account in accounts], len(tokens), sessions)


def _require_present(session: Session, officer_id: int | None) -> None:
    """Refuse access for an officer who has left."""
    officer = None if officer_id is None else session.get(Officer, officer_id, with_for_update=True)
    if officer is not None and officer.valid_to is not None:
        raise ConflictError(f"Officer '{officer.external_id}' has left on {officer.valid_to}.")


def normalize_name(text: str) -> str:
    """Return the one form of a name that different keyboards compose differently."""
    return unicodedata.normalize("NFKC", text).strip()


def find_account(session: Session, principal: Principal, name: str) -> Account:
    """Return the account of a name.

    Raises
    ------
    NotFoundError
        If there is none such in the caller's area.
    """
    account = session.scalar(
        select(Account).where(
            Account.name == normalize_name(name), within(Account.area_code, principal.area_code)
        )
    )
    if account is None:
        raise NotFoundError(f"There is no account '{name}'; `wangge account list` tells the names.")
    return account


def _end_sessions(session: Session, account: Account) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account.id))
    session.execute(delete(SignInLink).where(SignInLink.account_id == account.id))


def _require_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > _MAX_NAME_LENGTH or not name.isprintable():
        raise InputError(f"A name has 1 to {_MAX_NAME_LENGTH} printable characters.")
    return name
