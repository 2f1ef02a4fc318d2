"""Edits of drafts as they are asked for and answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field

from api.http.parameters import DecimalNumber, WholeNumber, parse_geometry
from api.http.responses import geojson_fragment
from api.messages import in_caller_language
from api.schemas.base import POLYGON, RequestModel, build_record
from gis.redraw import (
    Cell,
    CellSize,
    Command,
    Merge,
    MoveBorder,
    MoveVertices,
    SmoothBorder,
    Split,
    SplitEvenly,
    Transfer,
    Update,
)
from layers import models
from layers.plans.border_proposals import BorderProposal
from layers.plans.edit_effects import EntityEffects
from layers.plans.edits import DrawnEdit, RenumberRequest, UnitsRequest
from layers.plans.shared_borders import SharedBorder

_Code = Annotated[str, Field(min_length=1, max_length=100)]
_Codes = Annotated[list[_Code], Field(min_length=1, max_length=1_000)]
_LINE = {"type": "LineString", "coordinates": [[114.0, 22.55], [114.1, 22.55]]}
_Lon = Annotated[DecimalNumber, Field(ge=-180, le=180)]
_Lat = Annotated[DecimalNumber, Field(ge=-90, le=90)]


class MergeCells(RequestModel):
    """Unite cells of one area that hang together."""

    command: Literal["merge"]
    cells: _Codes = Field(examples=[["440305001001001", "440305001001002"]])
    into: _Code | None = Field(
        default=None, examples=[None], description="Whose code and attributes go on; the first if not given."
    )

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        del max_vertices
        return Merge(tuple(self.cells), self.into)


class SplitCell(RequestModel):
    """Split a cell along a line; the largest part keeps the code."""

    command: Literal["split"]
    cell: _Code = Field(examples=["440305001001001"])
    line: dict[str, Any] = Field(examples=[_LINE], description="GeoJSON, from border to border.")

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        return Split(self.cell, parse_geometry(self.line, max_vertices))


class SplitCellEvenly(RequestModel):
    """Split a cell by straight cuts into parts of about equal ground."""

    command: Literal["split-evenly"]
    cell: _Code = Field(examples=["440305001001001"])
    count: Annotated[WholeNumber, Field(ge=2, le=100)] = Field(examples=[3])

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        del max_vertices
        return SplitEvenly(self.cell, self.count)


class TransferGround(RequestModel):
    """Give a cell the ground of its area that lies in a region."""

    command: Literal["transfer"]
    to: _Code = Field(examples=["440305001001001"])
    region: dict[str, Any] = Field(
        examples=[POLYGON], description="GeoJSON; what lies in other areas stays there."
    )
    allow_parts: bool = Field(default=False, description="Cells may fall into parts.")

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        return Transfer(parse_geometry(self.region, max_vertices), self.to, self.allow_parts)


class AssignCellUnits(RequestModel):
    """Give a cell whole units, in a plan whose cells are made of them."""

    command: Literal["assign-units"]
    to: _Code = Field(examples=["M12"])
    units: Annotated[list[_Code], Field(min_length=1, max_length=10_000)] = Field(examples=[["U7", "U8"]])
    allow_parts: bool = Field(default=False, description="Cells may fall into parts.")

    def to_command(self, max_vertices: int) -> UnitsRequest:
        """Return what is to be done."""
        del max_vertices
        return UnitsRequest(self.to, tuple(self.units), self.allow_parts)


class MoveCellBorder(RequestModel):
    """Redraw the border between two cells of one area; each side goes to the cell that had more of it."""

    command: Literal["border"]
    first: _Code = Field(examples=["440305001001001"])
    second: _Code = Field(examples=["440305001001002"])
    line: dict[str, Any] = Field(examples=[_LINE], description="GeoJSON, from edge to edge of their ground.")

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        return MoveBorder(self.first, self.second, parse_geometry(self.line, max_vertices))


class SmoothCellBorder(RequestModel):
    """Simplify the border between two cells of one area; its ends stay."""

    command: Literal["smooth"]
    first: _Code = Field(examples=["440305001001001"])
    second: _Code = Field(examples=["440305001001002"])
    tolerance_m: Annotated[DecimalNumber, Field(gt=0, le=100_000)] | None = Field(
        default=None, examples=[5.0], description="How far the border may move; null makes it straight."
    )

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        del max_vertices
        return SmoothBorder(
            self.first, self.second, float("inf") if self.tolerance_m is None else self.tolerance_m
        )


class VertexMove(RequestModel):
    """Where a vertex is, exactly, and where it is to be."""

    source: tuple[_Lon, _Lat] = Field(examples=[[114.05, 22.55]])
    target: tuple[_Lon, _Lat] = Field(examples=[[114.0501, 22.55]])


class MoveCellVertices(RequestModel):
    """Move vertices; the borders of all cells that have one follow."""

    command: Literal["vertices"]
    moves: Annotated[list[VertexMove], Field(min_length=1, max_length=1_000)]

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        del max_vertices
        return MoveVertices(tuple((move.source, move.target) for move in self.moves))


class UpdateCell(RequestModel):
    """Give a cell another name, kind or code."""

    command: Literal["update"]
    cell: _Code = Field(examples=["440305001001001"])
    code: _Code | None = Field(default=None, examples=[None])
    name: Annotated[str, Field(max_length=200)] | None = Field(default=None, examples=["第一网格"])
    kind: Annotated[str, Field(max_length=100)] | None = Field(default=None, examples=["square"])

    def to_command(self, max_vertices: int) -> Command:
        """Return what is to be done."""
        del max_vertices
        return Update(self.cell, self.code, self.name, self.kind)


class RenumberCells(RequestModel):
    """Number the cells of areas again by the profile: west to east, then north to south in each area.

    Codes that were in force name no other cell: where they are out of order, all cells get new ones.
    """

    command: Literal["renumber"]
    areas: _Codes | None = Field(
        default=None, examples=[["440305001001"]], description="With those beneath; all when not given."
    )
    only_new: bool = Field(default=False, description="Cells whose codes were in force keep them anyway.")

    def to_command(self, max_vertices: int) -> RenumberRequest:
        """Return what is to be done."""
        del max_vertices
        return RenumberRequest(None if self.areas is None else tuple(self.areas), self.only_new)


EditRequest = Annotated[
    MergeCells
    | SplitCell
    | SplitCellEvenly
    | TransferGround
    | AssignCellUnits
    | MoveCellBorder
    | SmoothCellBorder
    | MoveCellVertices
    | UpdateCell
    | RenumberCells,
    Field(discriminator="command"),
]
"""An edit by its command."""

EDIT_REQUESTS: dict[str, type[RequestModel]] = {
    get_args(model.model_fields["command"].annotation)[0]: model
    for model in get_args(get_args(EditRequest)[0])
}
"""What each command takes, by its name."""


class EditedCell(BaseModel):
    """A cell before or after an edit."""

    code: str = Field(examples=["440305001001001"])
    name: str = Field(examples=["第一网格"])
    kind: str = Field(examples=["square"])
    area_code: str | None = Field(examples=["440305001001"])
    area_m2: float = Field(examples=[10000.0])
    perimeter_m: float = Field(examples=[400.0])
    counts: dict[str, int] = Field(
        examples=[{"household": 300}], description="Entities on its ground today, by kind."
    )
    geometry: dict[str, Any] = Field(examples=[POLYGON])


class GroundMove(BaseModel):
    """Ground that goes from one cell to another, or stays."""

    source: str = Field(examples=["440305001001001"])
    target: str = Field(examples=["440305001001002"])
    area_m2: float = Field(examples=[1200.5])
    share: float = Field(examples=[0.12], description="Of the source.")


class EntityMove(BaseModel):
    """How many entities of a kind go from one cell to another."""

    kind: str = Field(examples=["household"])
    source: str = Field(examples=["440305001001001"])
    target: str = Field(examples=["440305001001002"])
    number: int = Field(examples=[31])


class BorderShared(BaseModel):
    """A cell of another scheme that shares a border which an edit takes away."""

    scheme: str = Field(examples=["safety"])
    code: str = Field(examples=["440305001S01"])
    name: str = Field(examples=["安全网格 01"])
    length_m: float = Field(examples=[182.4], description="Of the border that both had.")


class ChangeProposal(BaseModel):
    """What became of a change in another scheme that shares the border."""

    scheme: str = Field(examples=["safety"])
    plan: int | None = Field(
        examples=[17], description="The draft with the change; null where nothing could be proposed."
    )
    name: str | None = Field(examples=["2026 spring (community 12)"])
    version: int | None = Field(examples=[2])
    created: bool = Field(examples=[True], description="It was made for this, and not there already.")
    codes: list[str] = Field(examples=[["440305001S01"]], description="Its cells that changed.")
    refused: list[str] = Field(
        examples=[["The cells do not hang together; choose those between them too."]],
        description="What could not be changed, and why.",
    )


class EditPreview(BaseModel):
    """What an edit changes: the cells before and after, and what moves."""

    command: str = Field(examples=["transfer"])
    before: list[EditedCell]
    after: list[EditedCell]
    renamed: dict[str, str] = Field(
        examples=[{}], description="By its new code the former one of a cell that goes on under another."
    )
    ground: list[GroundMove]
    entities: list[EntityMove]
    shared: list[BorderShared] = Field(
        description="Cells of other schemes in force today that share a border which the edit takes away."
    )


class EditStep(BaseModel):
    """A step in the drawing of a draft."""

    id: int = Field(examples=[31])
    version: int = Field(examples=[4], description="Of the plan after it.")
    action: str = Field(examples=["edit"], description="edit, undo or redo.")
    command: str = Field(examples=["transfer"])
    edit_id: int | None = Field(examples=[None], description="The edit that was undone or done again.")
    codes: list[str] = Field(examples=[["440305001001001"]], description="The cells it touches.")
    created_by: str = Field(examples=["account planner"])
    created_at: datetime


class EditAnswer(EditPreview):
    """A step that was taken, and what it has changed."""

    step: EditStep
    proposals: list[ChangeProposal] = Field(description="With `propose`: what became of it elsewhere.")
    version: int = Field(examples=[4], description="Of the plan.")


def preview_record(
    drawn: DrawnEdit, effects: EntityEffects, shared: Sequence[SharedBorder]
) -> dict[str, Any]:
    """Return what an edit changes as it is answered."""
    before, after = drawn.sizes
    return {
        "command": drawn.edit.command,
        "before": _cell_records(drawn.edit.before, before, effects.before),
        "after": _cell_records(drawn.edit.after, after, effects.after),
        "renamed": dict(drawn.edit.heirs),
        "ground": [build_record(GroundMove, each, area_m2=round(each.area_m2, 2)) for each in drawn.descents],
        "entities": [each._asdict() for each in effects.movements],
        "shared": [build_record(BorderShared, each, length_m=round(each.length_m, 2)) for each in shared],
    }


def proposal_record(proposal: BorderProposal) -> dict[str, Any]:
    """Return what became of a change in another scheme as it is answered, in the language of the caller."""
    draft = proposal.plan
    return build_record(
        ChangeProposal,
        proposal,
        plan=None if draft is None else draft.id,
        name=None if draft is None else draft.name,
        version=None if draft is None else draft.version,
        refused=list(map(in_caller_language, proposal.refused)),
    )


def step_record(step: models.PlanEdit) -> dict[str, Any]:
    """Return a step as it is answered."""
    return build_record(EditStep, step, codes=step.codes["codes"])


def _cell_records(
    cells: Sequence[Cell], sizes: Sequence[CellSize], counts: Mapping[str, dict[str, int]]
) -> list[dict[str, Any]]:
    return [
        {
            "code": cell.code,
            "name": cell.name,
            "kind": cell.kind,
            "area_code": cell.area_code or None,
            "area_m2": round(each.area_m2, 2),
            "perimeter_m": round(each.perimeter_m, 2),
            "counts": counts.get(cell.code, {}),
            "geometry": geojson_fragment(cell.geometry),
        }
        for cell, each in zip(cells, sizes, strict=True)
    ]
