"""The tables of identity: accounts, tokens, browser sessions, sign-ins that failed, and the audit.

What they permit is decided in `api.security`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


def caller_label(kind: str, number: int, name: str) -> str:
    """Return how records name an account or a token as a caller: no two have the same."""
    return f"{kind} {number} {name}"


class Account(Base):
    """A person who signs in; bound to the area of `area_code`, to none when NULL.

    That of an officer ends with the officer.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("name"), Index("ix_accounts_officer_id", "officer_id"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    area_code: Mapped[str | None]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    disabled_at: Mapped[datetime | None]
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officers.id"))

    @property
    def label(self) -> str:
        """How records name it as a caller."""
        return caller_label("account", self.id, self.name)


class Token(Base):
    """A program's key; `prefix` names it to people, `sha256` recognises it.

    `account_id` is the account of the person who works through it; None for a program of nobody's own.
    One that a program uses for an officer ends with the officer.
    """

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("sha256"), Index("ix_tokens_officer_id", "officer_id"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    sha256: Mapped[str]
    role: Mapped[str]
    area_code: Mapped[str | None]
    personal: Mapped[bool]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officers.id"))

    @property
    def label(self) -> str:
        """How records name it as a caller."""
        return caller_label("token", self.id, self.name)


class BrowserSession(Base):
    """Somebody signed in with a browser; the cookie's value is kept as its hash."""

    __tablename__ = "browser_sessions"
    __table_args__ = (UniqueConstraint("sha256"), Index("ix_browser_sessions_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    sha256: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A link that signs one account in, once, without its password; its secret is kept as a hash."""

    __tablename__ = "sign_in_links"
    __table_args__ = (UniqueConstraint("sha256"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    sha256: Mapped[str]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """How often signing in has failed under one account name or from one address.

    `source` is a hash: what is typed into the field of the name may be a password.
    """

    __tablename__ = "sign_in_failures"
    __table_args__ = (UniqueConstraint("source"), Index("ix_sign_in_failures_last_at", "last_at"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    source: Mapped[str]
    failures: Mapped[int]
    last_at: Mapped[datetime]


class AuditEntry(Base):
    """Who did what when: written with the deed in one transaction, never changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_at", "at"), Index("ix_audit_entries_action_at", "action", "at"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    role: Mapped[str | None]
    action: Mapped[str]
    subject: Mapped[str | None]
    area_code: Mapped[str | None]
    details: Mapped[dict[str, Any]]
