"""Jobs as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.messages import in_caller_language
from api.schemas.base import build_record
from layers import models


class Job(BaseModel):
    """Work that takes longer than a request."""

    id: int = Field(examples=[3])
    kind: str = Field(examples=["import-entities"])
    state: str = Field(examples=["running"], description="queued, running, done, failed or cancelled.")
    area_code: str | None = Field(examples=[None])
    created_by: str = Field(examples=["token importer"])
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_asked: bool = Field(examples=[False])
    done: int = Field(examples=[2000])
    total: int | None = Field(examples=[10000])
    result: dict[str, Any] | None = Field(examples=[None])
    error: str | None = Field(examples=[None])


def job_record(job: models.Job) -> dict[str, Any]:
    """Return a job as it is answered, what went wrong in the language of the caller."""
    record = build_record(Job, job)
    if job.error is not None:
        record["error"] = in_caller_language(job.error)
    if job.result is not None and "notes" in job.result:
        record["result"] = {**job.result, "notes": list(map(in_caller_language, job.result["notes"]))}
    return record
