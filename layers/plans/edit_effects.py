"""What an edit means for the entities on its ground: how many each cell has before and after."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from gis.crs import LONLAT
from gis.locate import PointLocator
from gis.redraw import Cell as DrawnCell
from gis.redraw import Edit
from gis.redraw.cell_set import geometries_of
from layers.areas.scope import within
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry, read_rows
from layers.models import Cell, Entity, Plan, Scheme
from layers.plans.assignments import assign_geometries, buffered_bbox
from layers.plans.cells import plan_cells

CellCounts = dict[str, dict[str, int]]
"""By the code of a cell and the kind of entity: how many it has."""


class Movement(NamedTuple):
    """How many entities of a kind go from one cell to another."""

    kind: str
    source: str
    target: str
    number: int


class EntityEffects(NamedTuple):
    """How many entities the cells of an edit have before and after it, and which go where."""

    before: CellCounts
    after: CellCounts
    movements: list[Movement]


def count_effects(session: Session, plan_id: int, edit: Edit, scope: str | None = None) -> EntityEffects:
    """Count the present entities on the ground of an edit; the cost does not grow with the plan.

    Each is assigned as it will be when the plan is in force, so that on a border, or where an entity lies in
    several cells, the neighbours of the edited cells count too.

    Parameters
    ----------
    plan_id
        The draft that is edited, before the edit or after it.
    scope
        Only entities of this area and of those beneath it; None for all.
    """
    before: CellCounts = {cell.code: {} for cell in edit.before}
    after: CellCounts = {cell.code: {} for cell in edit.after}
    plan = session.get_one(Plan, plan_id)
    scheme = session.get_one(Scheme, plan.scheme_id)
    reach_m = scheme.rules.get("max_distance_m") or 0.0
    ground = geometries_of((*edit.before, *edit.after))
    kinds, entities = _read_entities(session, buffered_bbox(ground, reach_m), scope)
    if not kinds:
        return EntityEffects(before, after, [])
    others = _read_others(session, plan, edit, buffered_bbox(entities, reach_m))
    moved: Counter[tuple[str, str, str]] = Counter()
    owners = (_owners(cells, others, entities, scheme) for cells in (edit.before, edit.after))
    for kind, source, target in zip(kinds, *owners, strict=True):
        if source in before:
            before[source][kind] = before[source].get(kind, 0) + 1
        if target in after:
            after[target][kind] = after[target].get(kind, 0) + 1
        if source is not None and target is not None and source != edit.heirs.get(target, target):
            moved[kind, source, target] += 1
    movements = [Movement(*key, count) for key, count in sorted(moved.items())]
    return EntityEffects(before, after, movements)


def count_on_ground(session: Session, plan: Plan, scope: str | None = None) -> CellCounts:
    """Count the present entities that each cell of a plan would have, whether it is in force or not.

    Parameters
    ----------
    plan
        In any state.
    scope
        Only entities of this area and of those beneath it; None for all.

    Returns
    -------
    CellCounts
        Every cell has an entry.
    """
    cells = plan_cells(session, plan.id)[["code", "geometry"]]
    counts: CellCounts = {code: {} for code in cells["code"]}
    if not counts:
        return counts
    scheme = session.get_one(Scheme, plan.scheme_id)
    around = buffered_bbox(cells.geometry.to_numpy(), scheme.rules.get("max_distance_m") or 0.0)
    kinds, entities = _read_entities(session, around, scope)
    if kinds:
        assigned = assign_geometries(entities, PointLocator(cells, workers=1), scheme)
        found = Counter(zip((values.cell_code for values in assigned), kinds, strict=True))
        for (code, kind), number in found.items():
            if code is not None:
                counts[code][kind] = number
    return counts


def _read_entities(session: Session, around: BBox, scope: str | None) -> tuple[list[str], ObjectArray]:
    chosen = select(Entity.kind, raw_geometry(session, Entity.geometry)).where(
        Entity.valid_to.is_(None), within(Entity.area_code, scope), bbox_intersects(session, Entity, around)
    )
    rows = read_rows(session, chosen)
    return [row[0] for row in rows], decode_geometries(session, [row[1] for row in rows])


def _read_others(session: Session, plan: Plan, edit: Edit, around: BBox) -> dict[str, Any]:
    """Return the cells of a draft that an edit does not touch, by code."""
    chosen = select(Cell.code, raw_geometry(session, Cell.geometry)).where(
        Cell.plan_id == plan.id, bbox_intersects(session, Cell, around)
    )
    rows = read_rows(session, chosen)
    geometries = decode_geometries(session, [row[1] for row in rows])
    touched = {cell.code for cell in (*edit.before, *edit.after)}
    return {
        code: geometry for (code, _), geometry in zip(rows, geometries, strict=True) if code not in touched
    }


def _owners(
    cells: Sequence[DrawnCell], others: dict[str, Any], entities: ObjectArray, scheme: Scheme
) -> list[str | None]:
    """Return the code of the cell that each entity is assigned to, None for none."""
    every = others | {cell.code: cell.geometry for cell in cells}
    frame = gpd.GeoDataFrame({"code": list(every)}, geometry=list(every.values()), crs=LONLAT)
    assigned = assign_geometries(entities, PointLocator(frame, workers=1), scheme)
    return [values.cell_code for values in assigned]
