"""Gaps of kind unassigned: entities that belong to no cell, one gap each."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.assign import UNASSIGNED_REASONS
from gis.crs import to_lonlat
from gis.gaps.base import GapInput, GapKind, ObjectArray, Progress, build_gap_frame, optional_codes


@dataclass(frozen=True)
class UnassignedRule:
    """Entities of these kinds must belong to a cell; none named means all kinds."""

    kinds: tuple[str, ...] = ()


def _missing_input(gap_input: GapInput) -> str | None:
    return "no entities were given" if gap_input.entities is None else None


def find_unassigned_gaps(gap_input: GapInput, rule: UnassignedRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each entity in no cell, also for those without a location.

    The detail names kind, id and reason; the gap's area is the entity's own, where it has an `area_code`. A
    record that repeats an id is listed, but stands for no household and no enterprise: the earlier record
    does. Figures: entity_kind, entity_id, reason (a key of `REASONS`, "other_plan", or as it was given).
    """
    entities = gap_input.assigned_entities
    is_unassigned = gap_input.cell_rows < 0
    if rule.kinds:
        is_unassigned &= entities["kind"].isin(rule.kinds).to_numpy()
    rows = np.flatnonzero(is_unassigned)
    found = entities.iloc[rows]
    geometries = np.array(to_lonlat(found).geometry, dtype=object)
    reasons, sentences = _reasons(found, geometries)
    counted = np.array([reason != "duplicate_id" for reason in reasons], dtype=bool)
    progress(1, 1)
    return build_gap_frame(
        UNASSIGNED.name,
        geometries,
        rule="every entity belongs to a cell",
        detail=[
            f"{kind} {number}: {sentence}"
            for kind, number, sentence in zip(found["kind"], found["id"], sentences, strict=True)
        ],
        figures=[
            {"entity_kind": str(kind), "entity_id": str(number), "reason": reason}
            for kind, number, reason in zip(found["kind"], found["id"], reasons, strict=True)
        ],
        area_code=optional_codes(found.get("area_code"), len(found)),
        households=gap_input.households[rows] * counted,
        enterprises=gap_input.enterprises[rows] * counted,
    )


def _reasons(found: gpd.GeoDataFrame, geometries: ObjectArray) -> tuple[list[str], list[str]]:
    """Return why each entity is in no cell: as keys, and as sentences."""
    has_no_geometry = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    reasons = np.where(has_no_geometry, "empty_geometry", "outside").astype(object)
    if "cell_code" in found.columns:
        named = (found["cell_code"].notna() & (found["cell_code"].astype(object) != "")).to_numpy()
        reasons[named] = "other_plan"
    if "reason" in found.columns:
        has_reason = (found["reason"].notna() & (found["reason"].astype(object) != "")).to_numpy()
        reasons[has_reason] = found["reason"].astype(str).to_numpy()[has_reason]
    sentences = [
        f"Its cell '{code}' is not in the plan."
        if reason == "other_plan"
        else str(UNASSIGNED_REASONS.get(reason, reason))
        for reason, code in zip(reasons, found["cell_code"], strict=True)
    ]
    return [str(reason) for reason in reasons], sentences


UNASSIGNED = GapKind("unassigned", UnassignedRule(), _missing_input, find_unassigned_gaps)
