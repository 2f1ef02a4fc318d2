"""The table of jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.models.base import Base, KeyType


class JobState(StrEnum):
    """The states of a job."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


class Job(Base):
    """One piece of work: what is asked, how far it is, what came of it."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state", "state"),)

    id: Mapped[int] = mapped_column(KeyType, primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    area_code: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    cancel_asked: Mapped[bool]
    done: Mapped[int]
    total: Mapped[int | None]
    parameters: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    version: Mapped[int]
