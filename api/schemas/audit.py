"""Entries of the audit as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from layers import models


class AuditEntry(BaseModel):
    """Who did what when."""

    id: int = Field(examples=[1])
    at: datetime
    actor: str = Field(examples=["account publisher"])
    role: str | None = Field(examples=["publisher"])
    action: str = Field(examples=["plan published"])
    subject: str | None = Field(examples=["plan 12"])
    area_code: str | None = Field(examples=["440305"])
    details: dict[str, Any] = Field(examples=[{"on": "2026-01-01"}])


def audit_record(entry: models.AuditEntry) -> dict[str, Any]:
    """Return an entry of the audit as it is answered."""
    return build_record(AuditEntry, entry)
