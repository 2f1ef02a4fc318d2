"""Officers, and who is to answer for the cells of a plan, as they are answered."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.base import build_record
from api.schemas.masking import mask_personal
from layers import models
from layers.plans.post_proposals import Proposal
from layers.staff import officers
from layers.staff.published import officer_name, officer_phone


class Officer(BaseModel):
    """A person responsible for cells."""

    id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    area_code: str | None = Field(examples=["440305"])
    personal: dict[str, Any] = Field(
        examples=[{"name": "李*", "phone": "*********34"}],
        description="Masked, unless revealed to one who may see it.",
    )
    attributes: dict[str, Any] = Field(examples=[{}])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])


class EndedWithOfficer(BaseModel):
    """What ended with an officer."""

    posts: int = Field(examples=[3])
    accounts: list[str] = Field(examples=[["lilei"]], description="Names of the accounts that were disabled.")
    tokens: int = Field(examples=[0], description="Tokens that were revoked.")
    sessions: int = Field(examples=[1], description="Browser sessions that were ended.")


class EndedOfficer(Officer):
    """An officer who has left, and what ended with that."""

    ended: EndedWithOfficer


class ResponsibleOfficer(BaseModel):
    """Who answers for a cell; name and phone are masked unless they are published, or revealed."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"], description="B is the backup of A.")
    name: str | None = Field(examples=["李*"])
    phone: str | None = Field(examples=["*********34"])


class CellPredecessor(BaseModel):
    """A cell from which a cell's ground came, the one whose officers it takes over first."""

    code: str = Field(examples=["440305001001001"])
    share: float = Field(examples=[0.75], description="Of the cell's ground that came from any.")
    area_m2: float = Field(examples=[7500.0])
    households: int = Field(examples=[120])
    enterprises: int = Field(examples=[4])


class ProposedOfficers(BaseModel):
    """Who is to answer for a cell of a draft."""

    code: str = Field(examples=["440305001001007"])
    name: str = Field(examples=["第七网格"])
    begins: bool = Field(examples=[True], description="False of one that goes on unchanged.")
    chosen: bool = Field(examples=[False], description="Chosen in place of what its ground proposes.")
    predecessors: list[CellPredecessor]
    posts: list[ResponsibleOfficer]


class PlanOfficers(BaseModel):
    """Who is to answer for the cells of a draft if it is published for a day, by the codes of the cells."""

    plan: int = Field(examples=[12])
    on: date = Field(examples=["2026-03-01"])
    total: int = Field(examples=[40], description="Cells of the plan.")
    vacant: int = Field(examples=[1], description="How many have nobody.")
    items: list[ProposedOfficers]


class OfficerHandover(BaseModel):
    """What an officer gives away and takes over when a plan comes into force."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    name: str | None = Field(examples=["李*"], description="Masked, unless published or revealed.")
    phone: str | None = Field(examples=["*********34"])
    cells_lost: list[str] = Field(examples=[["440305001001001"]])
    cells_gained: list[str] = Field(examples=[["440305001001007"]])
    households_lost: int = Field(examples=[20])
    households_gained: int = Field(examples=[35])
    enterprises_lost: int = Field(examples=[1])
    enterprises_gained: int = Field(examples=[0])
    given_to: list[str] = Field(examples=[["G-0006"]], description="Numbers of those who take over from it.")
    taken_from: list[str] = Field(examples=[[]], description="Numbers of those who give to it.")


class PlanHandover(BaseModel):
    """The officers for whom a plan changes something, by their numbers."""

    plan: int = Field(examples=[12])
    total: int = Field(examples=[1])
    items: list[OfficerHandover]


def responsible_record(post: Mapping[str, Any], officer: models.Officer, personal: Mapping[str, Any]) -> Any:
    """Return who answers for a cell as it is answered, with personal values as they are to be shown."""
    return build_record(
        ResponsibleOfficer,
        officer,
        officer_id=officer.id,
        duty=post["duty"],
        rank=post["rank"],
        name=officer_name(officer, personal),
        phone=officer_phone(officer, personal),
    )


def proposal_record(proposal: Proposal, posts: Sequence[Any]) -> dict[str, Any]:
    """Return the proposal for a cell as it is answered."""
    ground = sum(each.area_m2 for each in proposal.predecessors)
    predecessors = [
        build_record(
            CellPredecessor, each, share=round(each.area_m2 / ground, 4), area_m2=round(each.area_m2, 2)
        )
        for each in proposal.predecessors
    ]
    return build_record(ProposedOfficers, proposal, predecessors=predecessors, posts=posts)


def officer_record(officer: models.Officer, *, plain: bool = False) -> dict[str, Any]:
    """Return an officer as answered, with personal values masked unless they are to be plain."""
    personal = officer.personal if plain else mask_personal(officer.personal)
    return build_record(Officer, officer, personal=personal)


def ended_officer_record(
    ended: officers.EndedOfficer, accounts: Sequence[str], *, tokens: int, sessions: int
) -> dict[str, Any]:
    """Return an officer who has left, with what ended."""
    told = {"posts": ended.posts, "accounts": list(accounts), "tokens": tokens, "sessions": sessions}
    return {**officer_record(ended.officer), "ended": told}
