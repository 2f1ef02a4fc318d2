"""A change of units carried through: drafts of the plans above, made when a plan of units is published."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import IntArray, ObjectArray
from gis.levels import CarriedUnits, carry_units, check_units, unite_units
from gis.levels.members import NO_CELL
from gis.topology.findings import format_area
from gis.topology.polygon_layer import read_polygon_layer
from layers.areas.grounds import AreaGrounds
from layers.areas.hierarchy import AreaHierarchy
from layers.db.locks import lock_scheme
from layers.models import CoverageMode, Plan, PlanState, Scheme
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.drafts import store_draft
from layers.plans.schemes import schemes_above, unit_rule
from layers.plans.takeover import within_area
from layers.plans.units import UNIT_COLUMNS, members_by_code

MAX_STORED_SENTENCES = 200
"""How many sentences of each list of a report are stored; all are counted."""

_CELL_COLUMNS = ("id", "code", "name", "kind", "parent", "area_code", "attributes", "personal")


class CarriedDraft(NamedTuple):
    """A draft that carries a change of units through.

    Attributes
    ----------
    plan_id, scheme, area_code
        The draft, None where no cell is left to draw one of; the code of its scheme, and its area.
    decisions, problems
        How many units of several cells were given to one, and how many faults are left to mend.
    """

    plan_id: int | None
    scheme: str
    area_code: str | None
    decisions: int
    problems: int


class _Level(NamedTuple):
    """A scheme on the day of a change: its cells on the ground that changes, and the units there are then."""

    scheme: Scheme
    area_code: str | None
    cells: gpd.GeoDataFrame
    members: pd.DataFrame
    units: gpd.GeoDataFrame


def carry_through(session: Session, plan: Plan, on: date, grounds: AreaGrounds) -> list[CarriedDraft]:
    """Draft the plans above one that has come into force, with their cells made of its cells.

    A scheme gets a draft of the area that the plan divides, or of the lowest area above it that holds its
    cells whole, unless nothing changes for it. The schemes above that one get theirs from the draft. Where
    plans above are published for later days already, each of these gets a draft of its day; and the plan
    itself gets drafts of the later days on which its own units change.

    Parameters
    ----------
    plan
        Just published for `on`.

    Returns
    -------
    list of CarriedDraft
        Lowest level first.
    """
    made = _carry(session, plan, _Units(session, plan.scheme_id, on), grounds)
    scheme, pieces = session.get_one(Scheme, plan.scheme_id), grounds.pieces(plan.area_code, on)
    if scheme.unit_scheme_id is not None:
        later = select(Plan).where(Plan.scheme_id == scheme.unit_scheme_id, Plan.valid_from > on)
        for below in session.scalars(later.order_by(Plan.valid_from, Plan.id)):
            if below.valid_from is None:
                continue
            if pieces & grounds.pieces(below.area_code, below.valid_from):
                units = _Units(session, scheme.unit_scheme_id, below.valid_from)
                made += _carry_to(session, scheme, below, units, grounds)
    return made


class _Units(NamedTuple):
    """The cells of a scheme on a day: those in force, but for what a draft puts in the place of some."""

    session: Session
    scheme_id: int
    on: date
    replaced: frozenset[str] = frozenset()
    drawn: gpd.GeoDataFrame | None = None

    def read(self, area_code: str | None) -> gpd.GeoDataFrame:
        """Return those of an area and of the areas beneath it, with code and area_code."""
        cells = cells_as_of(self.session, self.scheme_id, self.on, area_code=area_code, columns=UNIT_COLUMNS)
        if self.drawn is None:
            return cells
        beside = cells[~cells["code"].isin(self.replaced)]
        both = pd.concat([each for each in (beside, self.drawn) if len(each)], ignore_index=True)
        return gpd.GeoDataFrame(both, crs=cells.crs)


def _carry(session: Session, plan: Plan, units: _Units, grounds: AreaGrounds) -> list[CarriedDraft]:
    """Draft the plans above one that brings units."""
    made = []
    for scheme in schemes_above(session, plan.scheme_id):
        later = select(Plan.valid_from).where(Plan.scheme_id == scheme.id, Plan.valid_from > units.on)
        days = session.scalars(later.distinct().order_by(Plan.valid_from)).all()
        for day in [units.on, *(each for each in days if each is not None)]:
            made += _carry_to(session, scheme, plan, units._replace(on=day), grounds)
    return made


def _carry_to(
    session: Session, scheme: Scheme, plan: Plan, units: _Units, grounds: AreaGrounds
) -> list[CarriedDraft]:
    """Draft the plan of a scheme for the day of its units, and those above it."""
    lock_scheme(session, scheme.id, shared=True)
    level = _read_level(session, scheme, plan.area_code, units, grounds.hierarchy(units.on))
    found = None if level is None else _draft(session, plan, level, units.on)
    if level is None or found is None:
        return []
    draft, report = found
    counts = report["decisions"]["count"], report["problems"]["count"]
    if draft is None:
        return [CarriedDraft(None, scheme.code, level.area_code, *counts)]
    drawn = plan_cells(session, draft.id)[[*UNIT_COLUMNS, "geometry"]]
    following = _Units(session, scheme.id, units.on, frozenset(level.cells["code"]), drawn)
    return [
        CarriedDraft(draft.id, scheme.code, draft.area_code, *counts),
        *_carry(session, draft, following, grounds),
    ]


def _read_level(
    session: Session, scheme: Scheme, area_code: str | None, units: _Units, hierarchy: AreaHierarchy
) -> _Level | None:
    """Read the cells and units of the area in which a change of units stays; None where it has no cells."""
    present = cells_as_of(session, scheme.id, units.on, columns=_CELL_COLUMNS)
    while True:
        inside, across = within_area(session, scheme.id, area_code, present, hierarchy)
        if not across.any():
            break
        area_code = next(iter(hierarchy.ancestors(str(area_code))), None)
    if not inside.any():
        return None
    cells = present[inside].reset_index(drop=True)
    return _Level(scheme, area_code, cells, members_by_code(session, cells), units.read(area_code))


def _draft(
    session: Session, source: Plan, level: _Level, on: date
) -> tuple[Plan | None, dict[str, Any]] | None:
    """Store the draft of a level with its report; None where nothing changes, or a draft says the same.

    Without a cell left there is no draft, only the report.
    """
    scheme, labels = level.scheme, level.cells["code"].to_numpy(dtype=object)
    crs, whole = CRS.from_user_input(scheme.working_crs), scheme.coverage == CoverageMode.whole
    former = _former_cells(level, labels)
    drawn = read_polygon_layer(level.cells, crs).polygons
    carried = carry_units(read_polygon_layer(level.units, crs).polygons, drawn, former, whole=whole)
    geometry = unite_units(level.units.geometry.to_numpy(), carried.cell, len(labels))
    used = carried.cell != NO_CELL
    codes = level.units["code"].to_numpy(dtype=object)
    members = pd.DataFrame({"cell": labels[carried.cell[used]], "unit": codes[used]})
    kept = ~shapely.is_empty(geometry)
    cells = level.cells.set_geometry(geometry, crs=level.cells.crs)[kept].drop(columns="id")
    if _is_same(level.cells, level.members, cells, members):
        return None
    if any(_is_same(*other, cells, members) for other in _open_drafts(session, source, scheme)):
        return None
    problems = [
        f"Cell {label} loses all its units; it is not in the draft." for label in labels[~kept]
    ] + check_units(cells, level.units, members, unit_rule(scheme), crs=crs, whole=whole)["detail"].tolist()
    report = _report(source, on, level, former, carried, labels, problems)
    if cells.empty:
        return None, report
    plan = Plan(
        scheme_id=scheme.id,
        name=f"{source.name} · {scheme.name}",
        state=PlanState.draft,
        area_code=level.area_code,
        created_by=source.created_by,
        created_at=datetime.now(UTC),
        units_on=on,
        carried_from_id=source.id,
        carry_report=report,
        version=1,
    )
    store_draft(session, plan, cells.reset_index(drop=True), members)
    return plan, report


def _former_cells(level: _Level, labels: ObjectArray) -> IntArray:
    """Return the position of the cell that had each unit's code before, -1 for none."""
    position = pd.Series(
        pd.Index(labels).get_indexer(pd.Index(level.members["cell"])),
        index=level.members["unit"].to_numpy(),
        dtype="int64",
    )
    found = position[~position.index.duplicated()].reindex(level.units["code"]).fillna(NO_CELL)
    return found.to_numpy(dtype=np.int64)


def _open_drafts(
    session: Session, source: Plan, scheme: Scheme
) -> list[tuple[gpd.GeoDataFrame, pd.DataFrame]]:
    """Return the cells and units of the drafts of a scheme that were made for a plan before."""
    chosen = select(Plan.id).where(
        Plan.scheme_id == scheme.id,
        Plan.carried_from_id == source.id,
        Plan.state.in_((PlanState.draft, PlanState.submitted)),
    )
    drafts = [plan_cells(session, number) for number in session.scalars(chosen)]
    return [(cells, members_by_code(session, cells)) for cells in drafts]


def _is_same(
    cells: gpd.GeoDataFrame, members: pd.DataFrame, others: gpd.GeoDataFrame, other_members: pd.DataFrame
) -> bool:
    """Return whether cells in the order of their codes have the same codes, polygons and units."""
    if cells["code"].tolist() != others["code"].tolist():
        return False
    pairs, other_pairs = (
        set(zip(each["cell"], each["unit"], strict=True)) for each in (members, other_members)
    )
    polygons, other_polygons = (shapely.normalize(each.geometry.to_numpy()) for each in (cells, others))
    return pairs == other_pairs and bool(shapely.equals_identical(polygons, other_polygons).all())


def _report(
    source: Plan,
    on: date,
    level: _Level,
    former: IntArray,
    carried: CarriedUnits,
    labels: ObjectArray,
    problems: list[str],
) -> dict[str, Any]:
    """Return what was carried through: counts of units, what was decided, and what cannot be."""
    cell, units = carried.cell, level.units["code"].to_numpy(dtype=object)
    ended = ~level.members["unit"].isin(units)
    decisions = [_decision(units[row], rows, carried, labels) for row, rows in _rows_of_units(carried)]
    return {
        "plan": source.id,
        "on": on.isoformat(),
        "units": {
            "kept": int(((cell == former) & (cell != NO_CELL)).sum()),
            "moved": int(((cell != former) & (former != NO_CELL) & (cell != NO_CELL)).sum()),
            "begun": int(((former == NO_CELL) & (cell != NO_CELL)).sum()),
            "ended": int(ended.sum()),
            "in_no_cell": int((cell == NO_CELL).sum()),
        },
        "decisions": _listed(decisions),
        "problems": _listed(problems),
    }


def _rows_of_units(carried: CarriedUnits) -> list[tuple[int, IntArray]]:
    unit = carried.divided.unit
    rows, first = np.unique(unit, return_index=True)
    parts = np.split(np.arange(len(unit)), first[1:]) if len(rows) else []
    return [(int(row), part) for row, part in zip(rows, parts, strict=True)]


def _decision(unit: str, rows: IntArray, carried: CarriedUnits, labels: ObjectArray) -> str:
    """Return the sentence about a unit whose ground is of several cells, or in part of none."""
    shares = carried.divided
    parts = [
        f"{format_area(shares.area_m2[row])} "
        + ("lie in no cell" if shares.cell[row] == NO_CELL else f"lie in cell {labels[shares.cell[row]]}")
        for row in rows
    ]
    chosen = carried.cell[shares.unit[rows[0]]]
    goes = "it is in none" if chosen == NO_CELL else f"it goes to {labels[chosen]}"
    return f"Of the ground of unit {unit} {' and '.join(parts)}; {goes}."


def _listed(sentences: list[str]) -> dict[str, Any]:
    return {"count": len(sentences), "sentences": sentences[:MAX_STORED_SENTENCES]}
