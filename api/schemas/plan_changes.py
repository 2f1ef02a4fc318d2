"""What changes from one plan to another as it is answered."""

from collections.abc import Hashable, Mapping
from datetime import date
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from api.http.responses import geojson_fragment
from api.schemas.base import build_record
from layers.plans.changes import PlanChanges


class MovedEntities(BaseModel):
    """How many entities of a kind get another cell; `/v1/lists/moved-entities` lists them."""

    kind: str = Field(examples=["household"])
    from_code: str | None = Field(examples=["A1"])
    to_code: str | None = Field(examples=["A2"])
    number: int = Field(examples=[120])


class PlanDifference(BaseModel):
    """What changed between two plans."""

    plan: int = Field(examples=[12])
    against: int | None = Field(examples=[11], description="The older plan; null: what is in force.")
    on: date = Field(examples=["2026-03-01"], description="The day whose entities move.")
    summary: dict[str, Any] = Field(examples=[{"pieces": 1, "changed_owner_m2": 100.0}])
    born: list[str] = Field(examples=[["A3"]], description="Codes that only this plan has.")
    ended: list[str] = Field(examples=[["A2"]], description="Codes that it has no more.")
    kept: int = Field(examples=[40], description="Cells whose code is in both.")
    codes: list[dict[str, Any]] = Field(
        examples=[[{"code": "A1", "kind": "moved_border"}]], description="All that are not unchanged."
    )
    moved: list[MovedEntities]


def plan_difference_record(changes: PlanChanges, against: int | None) -> dict[str, Any]:
    """Return what differs between two plans as it is answered; unchanged codes are only counted."""
    codes = changes.difference.codes
    before, after = set(changes.compared.before["code"]), set(changes.compared.after["code"])
    listed = codes[codes["kind"] != "unchanged"].astype(object)
    return build_record(
        PlanDifference,
        changes,
        plan=changes.plan.id,
        against=against,
        summary=changes.difference.summary() | {"moved_entities": len(changes.moves)},
        born=sorted(after - before),
        ended=sorted(before - after),
        kept=len(before & after),
        codes=listed.where(pd.notna(listed), None).to_dict("records"),
        moved=[build_record(MovedEntities, each) for each in changes.counts().itertuples()],
    )


def plan_pieces(changes: PlanChanges) -> list[dict[str, Any]]:
    """Return the ground that gets another cell as records with a geometry."""
    pieces = changes.pieces()
    table = pieces.drop(columns="geometry").rename(columns={"old_code": "from_code", "new_code": "to_code"})
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return [
        {"id": number, **_named(record), "geometry": geojson_fragment(geometry)}
        for number, (record, geometry) in enumerate(zip(records, pieces.geometry, strict=True), 1)
    ]


def _named(record: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in record.items()}
