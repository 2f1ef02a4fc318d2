"""Answers kept for requests that may come twice: what was said to an Idempotency-Key."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class IdempotencyKey(Base):
    """The answer to one request of one caller, written in the transaction of its deed."""

    __tablename__ = "kept_answers"
    __table_args__ = (UniqueConstraint("caller", "key"), Index("ix_kept_answers_at", "at"))

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    caller: Mapped[str]
    key: Mapped[str]
    request_sha256: Mapped[str]
    status: Mapped[int]
    etag: Mapped[str | None]
    location: Mapped[str | None]
    body: Mapped[str]
    at: Mapped[datetime]
