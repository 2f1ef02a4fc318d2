"""Gaps of kind unassigned: entities that belong to no cell, one gap each.

Assigning and its reasons belong to `gis.assign`.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.assign import REASONS
from gis.crs import to_lonlat
from gis.gaps.model import GapInput, Kind, Objects, Progress, gap_frame


@dataclass(frozen=True)
class UnassignedRule:
    """Entities of these kinds must belong to a cell; none named means all kinds."""

    kinds: tuple[str, ...] = ()


def _missing(given: GapInput) -> str | None:
    return "no entities were given" if given.entities is None else None


def find(given: GapInput, rule: UnassignedRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each entity in no cell, also for those without a location.

    The detail names kind, id and reason. A record that repeats an id is listed, but stands for no household
    and no enterprise: the earlier record does.
    """
    entities = given.known_entities
    lost = given.owners < 0
    if rule.kinds:
        lost &= entities["kind"].isin(rule.kinds).to_numpy()
    rows = np.flatnonzero(lost)
    found = entities.iloc[rows]
    shapes = np.array(to_lonlat(found).geometry, dtype=object)
    reasons = _reasons(found, shapes)
    counted = np.array([reason != REASONS["duplicate_id"] for reason in reasons], dtype=bool)
    progress(1, 1)
    return gap_frame(
        UNASSIGNED.name,
        shapes,
        rule="every entity belongs to a cell",
        detail=[
            f"{kind} {number}: {reason}"
            for kind, number, reason in zip(found["kind"], found["id"], reasons, strict=True)
        ],
        households=given.households[rows] * counted,
        enterprises=given.enterprises[rows] * counted,
    )


def _reasons(found: gpd.GeoDataFrame, shapes: Objects) -> list[str]:
    nowhere = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    reasons = np.where(nowhere, REASONS["empty_geometry"], REASONS["outside"]).astype(object)
    if "cell_code" in found.columns:
        named = (found["cell_code"].notna() & (found["cell_code"].astype(object) != "")).to_numpy()
        reasons[named] = [f"Its cell '{code}' is not in the plan." for code in found["cell_code"][named]]
    if "reason" in found.columns:
        told = (found["reason"].notna() & (found["reason"].astype(object) != "")).to_numpy()
        reasons[told] = [REASONS.get(word, word) for word in found["reason"].astype(str).to_numpy()[told]]
    return [str(reason) for reason in reasons]


UNASSIGNED = Kind("unassigned", UnassignedRule(), _missing, find)
