"""Certificates as they are answered."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from gis.conform import Certificate as CertificateFound


class CertifiedStandard(BaseModel):
    """A standard that a profile follows."""

    subject: Literal["unit_grid", "classes"]
    number: str = Field(examples=["GB/T 47678.5-2026"])
    state: Literal["older", "newer", "separate"]
    in_force_since: date | None = Field(examples=["2026-07-01"])
    replaces: list[str] = Field(examples=[["GB/T 30428.2"]])


class CertificateOffence(BaseModel):
    """Something that breaks a clause."""

    codes: list[str] = Field(examples=[["440305001001004"]], description="Cells; none: the plan as a whole.")
    detail: str = Field(examples=["has the sequence 000, which is not in 001–999"])


class CertifiedClause(BaseModel):
    """What was found of a clause."""

    clause: str = Field(examples=["sequence_limits"])
    title: str = Field(examples=["Limits of the sequence"])
    severity: Literal["fault", "warning"] = Field(description="Of what breaks it.")
    state: Literal["passed", "warning", "fault", "not_looked_at"]
    source: str | None = Field(examples=["GB/T 47678 (as implemented in software)"])
    note: str | None = Field(
        examples=["no buildings are given"], description="What was not looked at, and why."
    )
    offences: list[CertificateOffence]


class Certificate(BaseModel):
    """Whether the cells of a plan conform to a profile, clause by clause."""

    profile: str = Field(examples=["gbt47678"])
    title: str = Field(examples=["GB/T 47678 unit grid"])
    standards: list[CertifiedStandard]
    conforms: bool
    cells: int = Field(examples=[941])
    clauses: list[CertifiedClause]


def certificate_record(certificate: CertificateFound, language: str) -> dict[str, Any]:
    """Return a certificate as it is answered."""
    return Certificate.model_validate(certificate.to_json(language)).model_dump(mode="json")
