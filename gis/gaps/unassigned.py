"""Gaps of kind unassigned: entities that belong to no cell, one gap each."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import IntArray, ObjectArray
from gis.assign import UNASSIGNED_REASONS
from gis.crs import to_lonlat
from gis.gaps.frame import build_gap_frame
from gis.gaps.gap_input import GapInput, optional_codes
from gis.gaps.identity import same_figures
from gis.gaps.kind import ENTITY_FIGURES, Figure, GapFacts, GapKind, GapSymbol
from gis.progress import Progress
from gis.text import Text

_REASONS_ZH = {
    "outside": "不在任何网格内",
    "empty_geometry": "没有位置",
    "invalid_coordinates": "坐标无效",
    "swapped_axes": "经纬度疑似颠倒",
    "wrong_datum": "坐标系疑似有误",
    "duplicate_id": "编号重复，以前一条记录为准",
    "other_plan": "属于另一方案的网格",
}

_ENTITY_KINDS_ZH = {
    "enterprise": "企业",
    "household": "住户",
    "sensor": "传感器",
    "component": "城市部件",
    "service_point": "服务网点",
}


@dataclass(frozen=True)
class UnassignedRule:
    """Entities of these kinds must belong to a cell; none named means all kinds."""

    kinds: tuple[str, ...] = ()


def _missing_input(gap_input: GapInput) -> Text | None:
    return Text("没有对象数据", "no entities were given") if gap_input.entities is None else None


def find_unassigned_gaps(gap_input: GapInput, rule: UnassignedRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each entity in no cell, also for those without a location.

    Where cells cover their areas in part, one whose location is in none is no gap.

    The gap's area is the entity's own, where it has an `area_code`. A record that repeats an id is listed,
    but stands for no household and no enterprise: the earlier record does.
    """
    entities = gap_input.assigned_entities
    is_unassigned = gap_input.cell_rows < 0
    if rule.kinds:
        is_unassigned &= entities["kind"].isin(rule.kinds).to_numpy()
    rows = np.flatnonzero(is_unassigned)
    geometries = np.array(to_lonlat(entities.iloc[rows]).geometry, dtype=object)
    reasons = _reasons(entities.iloc[rows], geometries)
    if not gap_input.whole:
        faulty = reasons != "outside"
        rows, geometries, reasons = rows[faulty], geometries[faulty], reasons[faulty]
    found = entities.iloc[rows]
    counted = np.array([reason != "duplicate_id" for reason in reasons], dtype=bool)
    progress(1, 1)
    figures = [
        {"entity_kind": str(kind), "entity_id": str(number), "reason": reason}
        | ({"cell": str(code)} if reason == "other_plan" else {})
        for kind, number, reason, code in zip(
            found["kind"], found["id"], reasons, found["cell_code"], strict=True
        )
    ]
    return build_gap_frame(
        geometries,
        figures,
        area_code=optional_codes(found.get("area_code"), len(found)),
        households=gap_input.households[rows] * counted,
        enterprises=gap_input.enterprises[rows] * counted,
    )


def _affected_rows(gap_input: GapInput, facts: GapFacts, _ground: shapely.Geometry | None) -> IntArray:
    """Return the row of the entity that is in no cell."""
    entities = gap_input.assigned_entities
    kind, number = (facts.figures[name] for name in ENTITY_FIGURES)
    is_it = (entities["kind"].astype(str) == kind) & (entities["id"].astype(str) == number)
    return np.flatnonzero(is_it.to_numpy())[:1]


def _reasons(found: gpd.GeoDataFrame, geometries: ObjectArray) -> ObjectArray:
    """Return why each entity is in no cell."""
    has_no_geometry = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    reasons = np.where(has_no_geometry, "empty_geometry", "outside").astype(object)
    if "cell_code" in found.columns:
        named = (found["cell_code"].notna() & (found["cell_code"].astype(object) != "")).to_numpy()
        reasons[named] = "other_plan"
    if "reason" in found.columns:
        has_reason = (found["reason"].notna() & (found["reason"].astype(object) != "")).to_numpy()
        reasons[has_reason] = found["reason"].astype(str).to_numpy()[has_reason]
    return np.array([*map(str, reasons), None], dtype=object)[:-1]


def _explain_detail(facts: GapFacts) -> Text:
    kind, number, reason = (facts.figures[key] for key in ("entity_kind", "entity_id", "reason"))
    sentence = str(UNASSIGNED_REASONS.get(reason, reason))
    if reason == "other_plan":
        cell = facts.figures.get("cell")
        sentence = (
            "It is in a cell of another plan." if cell is None else f"Its cell '{cell}' is not in the plan."
        )
    return Text(
        f"{_ENTITY_KINDS_ZH.get(kind, kind)} {number}：{_REASONS_ZH.get(reason, reason)}。",
        f"{kind} {number}: {sentence}",
    )


UNASSIGNED = GapKind(
    name="unassigned",
    label=Text("未归属", "Unassigned"),
    symbol=GapSymbol(hatch=(135,)),
    default_rule=UnassignedRule(),
    figures=(
        Figure("entity_kind", "string", "Kind of the entity"),
        Figure("entity_id", "string", "Its number in its own records"),
        Figure("reason", "string", "A reason of assignment, other_plan, or as it was given"),
        Figure(
            "cell", "string", "The cell that it names and the plan lacks", optional=True, names_cells=True
        ),
    ),
    identity=same_figures(*ENTITY_FIGURES),
    rule=lambda _: Text("每个对象都属于一个网格", "every entity belongs to a cell"),
    detail=_explain_detail,
    missing_input=_missing_input,
    find=find_unassigned_gaps,
    concerns_cells=False,
    affected=_affected_rows,
)
