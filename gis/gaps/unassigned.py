"""Gaps of kind unassigned: entities that belong to no cell, one gap each."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.assign import REASONS
from gis.crs import to_lonlat
from gis.gaps.base import GapInput, Kind, Objects, Progress, gap_frame, texts


@dataclass(frozen=True)
class UnassignedRule:
    """Entities of these kinds must belong to a cell; none named means all kinds."""

    kinds: tuple[str, ...] = ()


def _missing(given: GapInput) -> str | None:
    return "no entities were given" if given.entities is None else None


def find(given: GapInput, rule: UnassignedRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each entity in no cell, also for those without a location.

    The detail names kind, id and reason; the gap's area is the entity's own, where it has an `area_code`. A
    record that repeats an id is listed, but stands for no household and no enterprise: the earlier record
    does. Figures: entity_kind, entity_id, reason (a key of `REASONS`, "other_plan", or as it was given).
    """
    entities = given.known_entities
    lost = given.owners < 0
    if rule.kinds:
        lost &= entities["kind"].isin(rule.kinds).to_numpy()
    rows = np.flatnonzero(lost)
    found = entities.iloc[rows]
    shapes = np.array(to_lonlat(found).geometry, dtype=object)
    reasons, sentences = _reasons(found, shapes)
    counted = np.array([reason != "duplicate_id" for reason in reasons], dtype=bool)
    progress(1, 1)
    return gap_frame(
        UNASSIGNED.name,
        shapes,
        rule="every entity belongs to a cell",
        detail=[
            f"{kind} {number}: {sentence}"
            for kind, number, sentence in zip(found["kind"], found["id"], sentences, strict=True)
        ],
        figures=[
            {"entity_kind": str(kind), "entity_id": str(number), "reason": reason}
            for kind, number, reason in zip(found["kind"], found["id"], reasons, strict=True)
        ],
        area_code=texts(found.get("area_code"), len(found)),
        households=given.households[rows] * counted,
        enterprises=given.enterprises[rows] * counted,
    )


def _reasons(found: gpd.GeoDataFrame, shapes: Objects) -> tuple[list[str], list[str]]:
    """Return why each entity is in no cell: as keys, and as sentences."""
    nowhere = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    reasons = np.where(nowhere, "empty_geometry", "outside").astype(object)
    if "cell_code" in found.columns:
        named = (found["cell_code"].notna() & (found["cell_code"].astype(object) != "")).to_numpy()
        reasons[named] = "other_plan"
    if "reason" in found.columns:
        told = (found["reason"].notna() & (found["reason"].astype(object) != "")).to_numpy()
        reasons[told] = found["reason"].astype(str).to_numpy()[told]
    sentences = [
        f"Its cell '{code}' is not in the plan."
        if reason == "other_plan"
        else str(REASONS.get(reason, reason))
        for reason, code in zip(reasons, found["cell_code"], strict=True)
    ]
    return [str(reason) for reason in reasons], sentences


UNASSIGNED = Kind("unassigned", UnassignedRule(), _missing, find)
