"""The models of `/v1/locate`, from which its OpenAPI is generated."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

_CODE, _AREA, _DAY = "440305001001001", "440305001001", "2026-03-01"
_CHAIN = [{"code": _AREA, "name": "大新社区", "level": "community"}]
_CELL = {"code": _CODE, "name": "大新社区 001", "area_code": _AREA, "area_m2": 10_000.0}

Reason = Literal["outside", "invalid_coordinates", "forbidden", "no_plan"]


class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AreaInChain(_StrictModel):
    """An area in which a cell lies."""

    code: str = Field(examples=[_AREA])
    name: str = Field(examples=["大新社区"])
    level: str = Field(examples=["community"])


class OwningCell(_StrictModel):
    """The cell that owns a location."""

    code: str = Field(examples=[_CODE])
    name: str = Field(examples=["大新社区 001"])
    area_code: str | None = Field(examples=[_AREA])
    area_m2: float = Field(examples=[10_000.0])


class OwningCellWithAreas(OwningCell):
    """The cell that owns a location, and the areas in which it lies, the lowest first."""

    areas: list[AreaInChain] = Field(examples=[_CHAIN])


_OFFICER = {
    "officer_id": 5,
    "external_id": "G-0005",
    "level": "cell",
    "place": _CODE,
    "duty": "leader",
    "rank": "A",
    "acting": False,
    "name": "李*",
    "phone": "*********34",
}


class ResponsibleOfficer(_StrictModel):
    """Who holds a post on the day and is not away; name and phone are masked unless they are published."""

    officer_id: int = Field(examples=[5])
    external_id: str = Field(examples=["G-0005"])
    level: str = Field(examples=["cell"], description="cell, group, or the level of an area.")
    place: str = Field(examples=[_CODE], description="The code of the cell, group or area.")
    duty: str = Field(examples=["leader"])
    rank: str = Field(examples=["A"], description="B is the backup of A.")
    acting: bool = Field(examples=[False], description="A backup who stands in for one who is away.")
    name: str | None = Field(examples=["李*"])
    phone: str | None = Field(examples=["*********34"])


class SchemeOwner(_StrictModel):
    """The owner under one scheme; without one, the reason."""

    scheme: str = Field(examples=["community"])
    cell: OwningCellWithAreas | None = Field(examples=[{**_CELL, "areas": _CHAIN}])
    reason: Reason | None = Field(
        examples=[None],
        description="outside: in no cell, though a plan is in force; no_plan: none is in force on the day.",
    )
    officers: list[ResponsibleOfficer] | None = Field(
        default=None,
        examples=[[_OFFICER]],
        description="With officers=true: at every level from the cell upwards, leaders first, A before B.",
    )


class LocatedPoint(_StrictModel):
    """The owners of one location, in WGS 84, on a day."""

    lon: float = Field(examples=[114.05])
    lat: float = Field(examples=[22.55])
    at: date = Field(examples=[_DAY])
    revision: int = Field(description="Rises with every change of what is published.", examples=[7])
    owners: list[SchemeOwner] = Field(
        examples=[[{"scheme": "community", "cell": {**_CELL, "areas": _CHAIN}, "reason": None}]]
    )


class PointColumns(_StrictModel):
    """Locations as two lists of one length."""

    lon: list[float | None] = Field(examples=[[114.05, 114.06]])
    lat: list[float | None] = Field(examples=[[22.55, 22.56]])


class PointRecord(BaseModel):
    """A location with any other members, which the answer repeats."""

    lon: float | None = Field(examples=[114.05])
    lat: float | None = Field(examples=[22.55])


class OwnerColumns(_StrictModel):
    """The owners of all locations under one scheme, in their order, and the owning cells by their codes."""

    code: list[str | None] = Field(examples=[[_CODE, None]])
    reason: list[Reason | None] = Field(examples=[[None, "outside"]])
    cells: dict[str, OwningCell] = Field(examples=[{_CODE: _CELL}])
    officers: dict[str, list[ResponsibleOfficer]] | None = Field(
        default=None, examples=[{_CODE: [_OFFICER]}], description="With officers=true, by the cells' codes."
    )
    groups: dict[str, str] | None = Field(
        default=None, examples=[{_CODE: "P01"}], description="The groups of cells, by the cells' codes."
    )
    group_officers: dict[str, list[ResponsibleOfficer]] | None = Field(
        default=None, examples=[{"P01": []}], description="By the groups' codes."
    )
    area_officers: dict[str, list[ResponsibleOfficer]] | None = Field(
        default=None, examples=[{_AREA: []}], description="By the areas' codes."
    )


class LocatedColumns(_StrictModel):
    """The answer to columns."""

    at: date = Field(examples=[_DAY])
    revision: int = Field(examples=[7])
    schemes: dict[str, OwnerColumns] = Field(
        examples=[
            {"community": {"code": [_CODE, None], "reason": [None, "outside"], "cells": {_CODE: _CELL}}}
        ]
    )
    areas: dict[str, list[AreaInChain]] = Field(examples=[{_AREA: _CHAIN}])


class RecordOwner(_StrictModel):
    """The owner of a record's location under one scheme."""

    code: str | None = Field(examples=[_CODE])
    reason: Reason | None = Field(examples=[None])


class LocatedRecord(BaseModel):
    """The record from the request, with its owners by scheme."""

    owners: dict[str, RecordOwner] = Field(examples=[{"community": {"code": _CODE, "reason": None}}])


class LocatedRecords(_StrictModel):
    """The answer to records."""

    at: date = Field(examples=[_DAY])
    revision: int = Field(examples=[7])
    cells: dict[str, dict[str, OwningCell]] = Field(examples=[{"community": {_CODE: _CELL}}])
    officers: dict[str, dict[str, list[ResponsibleOfficer]]] | None = Field(
        default=None, examples=[{"community": {_CODE: [_OFFICER]}}], description="With officers=true."
    )
    groups: dict[str, dict[str, str]] | None = Field(
        default=None, examples=[{"community": {_CODE: "P01"}}], description="The groups of cells."
    )
    group_officers: dict[str, dict[str, list[ResponsibleOfficer]]] | None = Field(
        default=None, examples=[{"community": {"P01": []}}], description="By the groups' codes."
    )
    area_officers: dict[str, dict[str, list[ResponsibleOfficer]]] | None = Field(
        default=None, examples=[{"community": {_AREA: []}}], description="By the areas' codes."
    )
    areas: dict[str, list[AreaInChain]] = Field(examples=[{_AREA: _CHAIN}])
    points: list[LocatedRecord] = Field(
        examples=[[{"lon": 114.05, "lat": 22.55, "owners": {"community": {"code": _CODE, "reason": None}}}]]
    )


class PointGeometry(BaseModel):
    """A GeoJSON point; coordinates beyond longitude and latitude are repeated and ignored."""

    type: Literal["Point"]
    coordinates: list[float] = Field(examples=[[114.05, 22.55]])


class PointFeature(BaseModel):
    """A feature of GeoJSON that is a point; one without geometry has no owner."""

    type: Literal["Feature"]
    geometry: PointGeometry | None = Field(examples=[{"type": "Point", "coordinates": [114.05, 22.55]}])
    properties: dict[str, Any] | None = Field(examples=[{"id": 7}])


class PointCollection(BaseModel):
    """Locations as GeoJSON; the properties of the answer hold cell_code, cell_name, area_code, reason too."""

    type: Literal["FeatureCollection"]
    features: list[PointFeature] = Field(
        examples=[
            [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [114.05, 22.55]},
                    "properties": {"id": 7},
                }
            ]
        ]
    )


_MODELS = (
    LocatedPoint,
    PointColumns,
    PointRecord,
    LocatedColumns,
    LocatedRecords,
    PointCollection,
)


def model_schemas() -> dict[str, Any]:
    """Return the JSON schemas of all models by their names, as OpenAPI refers to them."""
    models = [(model, "serialization") for model in _MODELS]
    _, described = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = described["$defs"]
    return found


def schema_ref(model: type[BaseModel]) -> dict[str, str]:
    """Return the reference to a model's schema."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}
