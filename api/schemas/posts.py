"""Posts, absences, groups of cells and who answers at each level, as they are sent and answered."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.http.parameters import ConfirmField, WholeNumber
from api.schemas.base import RequestModel, build_record
from layers import models
from layers.staff.groups import GroupCells
from layers.staff.places import Level
from layers.staff.posts import Duty, Rank, SchemePost
from layers.staff.published import PublishedPost
from layers.staff.responsible import HeldPost, Holder, ResponsibleLevel

_Code = Annotated[str, Field(max_length=100)]
PublishedText = Annotated[str, Field(max_length=100)]


class NewOfficerPost(RequestModel):
    """A post to give to an officer: at a cell, a group of cells, an area, or an entity."""

    scheme: Annotated[str, Field(max_length=60)] | None = Field(
        default=None,
        examples=["community"],
        description="A cell or group needs one; a post at an area or entity without one is of all schemes.",
    )
    cell_code: _Code | None = Field(default=None, examples=["440305001001001"])
    group: _Code | None = Field(default=None, examples=[None], description="The code of a group of cells.")
    area_code: _Code | None = Field(default=None, examples=[None], description="An area itself.")
    entity_id: Annotated[WholeNumber, Field(ge=1, le=2**53)] | None = Field(
        default=None, examples=[None], description="The number of an enterprise or another entity."
    )
    duty: Duty = Field(examples=["leader"])
    rank: Rank = Field(default="A", examples=["A"], description="B is the backup of A.")
    part_time: bool = Field(default=False, examples=[False])
    published_name: PublishedText | None = Field(
        default=None,
        examples=["李队长"],
        description="What the notice board shows here, if it is not what the officer publishes.",
    )
    published_phone: PublishedText | None = Field(default=None, examples=["0755-12345678"])
    on: date | None = Field(
        default=None, examples=["2026-01-01"], description="From when; today when not given."
    )
    until: date | None = Field(
        default=None, examples=[None], description="The day on which it ends; it lasts when not given."
    )
    confirm: ConfirmField = False

    def details(self) -> dict[str, Any]:
        """Return the keywords of `layers.staff.officers.appoint_officer`."""
        return {**self.model_dump(exclude={"confirm", "officer_id"}), "confirmed": self.confirm}


class NewPost(NewOfficerPost):
    """A post to give to an officer who is named."""

    officer_id: WholeNumber = Field(ge=1, le=2**53, examples=[5])


class PostChanges(RequestModel):
    """What can be changed of a post; what is not given stays. Another duty, rank or place is another post."""

    part_time: bool = Field(default=False, examples=[True])
    published_name: PublishedText | None = Field(default=None, examples=["李队长"])
    published_phone: PublishedText | None = Field(default=None, examples=["0755-12345678"])
    valid_to: date | None = Field(
        default=None, examples=[None], description="A day to come on which it ends; null lets it last."
    )


class NewAbsence(RequestModel):
    """Days on which an officer is away."""

    since: date = Field(examples=["2026-03-01"], description="The first day.")
    until: date = Field(examples=["2026-03-15"], description="The day of return.")
    reason: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, examples=["探亲"], description="Kept with personal data."
    )
    confirm: ConfirmField = False


_Cells = Annotated[list[_Code], Field(min_length=1, max_length=10_000)]


class NewGroup(RequestModel):
    """A group of cells to make."""

    code: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]*$")] = Field(
        examples=["P01"]
    )
    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["东片"])
    cells: _Cells = Field(examples=[["440305001001001", "440305001001002"]])
    on: date | None = Field(
        default=None, examples=["2026-01-01"], description="From when; today when not given."
    )
    confirm: ConfirmField = False


class GroupChanges(RequestModel):
    """What can be changed of a group of cells; what is not given stays."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(default=None, examples=["东片"])
    cells: _Cells | None = Field(
        default=None, examples=[["440305001001001"]], description="All its cells from today on."
    )


class Post(BaseModel):
    """What an officer is at a place: at a cell, a group of cells, an area, or an entity."""

    id: int = Field(examples=[9])
    officer_id: int = Field(examples=[5])
    level: Level = Field(examples=["cell"])
    scheme: str | None = Field(examples=["community"], description="Null of a post in all schemes.")
    cell_code: str | None = Field(
        examples=["440305001001001"], description="Null where it lies outside the caller's area."
    )
    group: str | None = Field(examples=[None], description="The code of a group of cells, likewise.")
    area_code: str | None = Field(examples=[None], description="An area itself, likewise.")
    entity_id: int | None = Field(examples=[None], description="An entity, likewise.")
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"])
    part_time: bool = Field(examples=[False])
    published_name: str | None = Field(
        examples=["李队长"], description="On the notice board; what the officer publishes when null."
    )
    published_phone: str | None = Field(examples=["0755-12345678"], description="Likewise.")
    held_since: date = Field(
        examples=["2026-01-01"], description="Also in the cells whose ground this one has taken over."
    )
    rotation_due: date | None = Field(
        examples=["2029-01-01"], description="By the rule rotation_months of the scheme, if it has one."
    )
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])


class Absence(BaseModel):
    """Days on which an officer is away."""

    id: int = Field(examples=[4])
    officer_id: int = Field(examples=[5])
    valid_from: date = Field(examples=["2026-03-01"])
    valid_to: date = Field(examples=["2026-03-15"], description="The day of return.")
    reason: str | None = Field(examples=[None], description="Null, unless revealed to one who may see it.")
    version: int = Field(examples=[1])


class CellGroup(BaseModel):
    """A named group of cells (片) of a scheme, with its cells on a day."""

    scheme: str = Field(examples=["community"])
    code: str = Field(examples=["P01"])
    name: str = Field(examples=["东片"])
    area_code: str | None = Field(examples=["440305001"], description="The lowest area that holds them all.")
    cells: list[str] = Field(examples=[["440305001001001", "440305001001002"]])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(examples=[None])
    version: int = Field(examples=[1])


class LevelOfficer(BaseModel):
    """Who answers at a level; name and phone are masked unless they are published, or revealed."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"], description="B is the backup of A.")
    part_time: bool = Field(examples=[False])
    absent: bool = Field(examples=[False], description="Away on the day.")
    acting: bool = Field(examples=[False], description="A backup who stands in for one who is away.")
    name: str | None = Field(examples=["李*"])
    phone: str | None = Field(examples=["*********34"])


class LevelOfficers(BaseModel):
    """Who answers at one level of a place."""

    level: str = Field(examples=["town"], description="cell, group, entity, or the level of an area.")
    code: str = Field(examples=["440305001"])
    name: str = Field(examples=["示例街道"])
    vacant: bool = Field(examples=[False], description="Nobody has a post there who is not away.")
    officers: list[LevelOfficer] = Field(description="Leaders first, A before B; who is away comes last.")


class EntityOfficers(BaseModel):
    """Who answers for an entity on a day."""

    entity: int = Field(examples=[17])
    scheme: str = Field(examples=["community"])
    at: date = Field(examples=["2026-03-01"])
    responsible: list[LevelOfficers] = Field(
        description="At the entity itself, then from its cell in the scheme upwards."
    )


def post_record(held: SchemePost) -> dict[str, Any]:
    """Return a post as it is answered."""
    places = {name: getattr(held.post, name) for name in ("cell_code", "area_code", "entity_id")}
    places["group"] = held.group
    if not held.visible:
        places = dict.fromkeys(places)
    return build_record(
        Post, held.post, level=held.level, scheme=held.scheme, rotation_due=held.rotation_due, **places
    )


def absence_record(absence: models.Absence, *, plain: bool = False) -> dict[str, Any]:
    """Return an absence as answered, without the reason unless it is to be plain."""
    return build_record(Absence, absence, reason=absence.personal.get("reason") if plain else None)


def group_record(found: GroupCells, scheme: str) -> dict[str, Any]:
    """Return a group of cells as it is answered."""
    return build_record(CellGroup, found.group, scheme=scheme, cells=found.cells)


def level_officer_record(post: HeldPost, personal: Mapping[str, Any]) -> dict[str, Any]:
    """Return who answers at a level, with personal values as they are to be shown."""
    published = PublishedPost(post.officer, post)
    return build_record(
        LevelOfficer,
        post,
        officer_id=post.officer.id,
        external_id=post.officer.external_id,
        name=published.name(personal),
        phone=published.phone(personal),
    )


def level_records(
    levels: Iterable[ResponsibleLevel], personal_of: Callable[[Holder], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return who answers at each level, with personal values as they are to be shown."""
    return [
        {
            "level": each.level,
            "code": each.code,
            "name": each.name,
            "vacant": all(post.absent for post in each.posts),
            "officers": [level_officer_record(post, personal_of(post.officer)) for post in each.posts],
        }
        for each in levels
    ]
