"""Proposing the change of a border to the other schemes that share it, as drafts of theirs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.antimeridian import project_joined
from gis.crs import LONLAT, geometries_to_lonlat
from gis.errors import WanggeError
from gis.redraw import Command, Edit, Merge, Transfer
from layers.db.bbox import BBox, bbox_intersects
from layers.models import Cell, Plan, PlanState, Scheme
from layers.plans.copies import copy_in_force
from layers.plans.edits import edit_plan
from layers.plans.schemes import find_scheme
from layers.plans.shared_borders import (
    MIN_SHARED_M,
    SAME_LINE_M,
    SharedBorder,
    project_cells,
    redrawn_cells,
    shared_length,
)

_MIN_GROUND_M2 = 0.01


class BorderProposal(NamedTuple):
    """What became of a change in another scheme.

    Attributes
    ----------
    scheme
        Its code.
    plan
        The draft that has the change, in its new version; None where nothing could be proposed.
    created
        Whether the draft was made for it, and was not one to which changes had been proposed before.
    codes
        The cells of the draft that changed.
    refused
        What could not be changed, a sentence each.
    """

    scheme: str
    plan: Plan | None
    created: bool
    codes: list[str]
    refused: list[str]


class _MovedGround(NamedTuple):
    """A polygon that went from one cell to another, and the border that it crossed; metres."""

    polygon: shapely.Geometry
    border: shapely.Geometry


def propose_to_others(
    session: Session,
    plan: Plan,
    edit: Edit,
    shared: Sequence[SharedBorder],
    *,
    author: str,
    scope: str | None = None,
) -> list[BorderProposal]:
    """Propose the change that an edit made to a border to the schemes that share it.

    Each gets one draft for all edits of the plan, of what is in force there in the plan's area. Ground that
    crossed the border goes to the cell that lies on the other side of it there, too.

    Parameters
    ----------
    session
        Of `Database.write`.
    plan
        In which the edit was made.
    shared
        As `layers.plans.shared_borders.find_shared_borders` returns them.
    author
        The label of who proposes it.
    scope
        The area of the caller; None for any.
    """
    if not shared:
        return []
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    moved = _find_moved_ground(edit, crs)
    schemes = [find_scheme(session, code) for code in sorted({each.scheme for each in shared})]
    return [_propose(session, plan, scheme, moved, crs, author, scope) for scheme in schemes]


def _propose(
    session: Session,
    plan: Plan,
    scheme: Scheme,
    moved: list[_MovedGround],
    crs: CRS,
    author: str,
    scope: str | None,
) -> BorderProposal:
    if scheme.unit_scheme_id is not None:
        reason = "Its cells are made of whole units; change the units, and the change is carried through."
        return BorderProposal(scheme.code, None, created=False, codes=[], refused=[reason])
    present = select(Plan).where(
        Plan.scheme_id == scheme.id, Plan.proposed_from_id == plan.id, Plan.state == PlanState.draft
    )
    draft = session.scalar(present.order_by(Plan.id.desc()).limit(1))
    is_new = draft is None
    # What is refused leaves no draft behind.
    savepoint = session.begin_nested()
    try:
        draft = draft or _make_draft(session, plan, scheme, author)
    except WanggeError as error:
        savepoint.rollback()
        return BorderProposal(scheme.code, None, created=False, codes=[], refused=[str(error)])
    commands, refused = _find_commands(session, draft, moved, crs)
    codes: set[str] = set()
    for command in commands:
        try:
            with session.begin_nested():
                done = edit_plan(
                    session, draft.id, command, version=draft.version, author=author, scope=scope
                )
        except WanggeError as error:
            refused.append(str(error))
        else:
            codes.update(done.step.codes["codes"])
    if not codes:
        savepoint.rollback()
        none = ["The border is not shared any more in what is in force or proposed there."]
        return BorderProposal(scheme.code, None, created=False, codes=[], refused=refused or none)
    savepoint.commit()
    return BorderProposal(scheme.code, draft, is_new, sorted(codes), refused)


def _make_draft(session: Session, plan: Plan, scheme: Scheme, author: str) -> Plan:
    origin = session.get_one(Scheme, plan.scheme_id).code
    name = f"{plan.name} ({origin} {plan.id})"
    draft = copy_in_force(session, scheme.code, name=name, area_code=plan.area_code, author=author)
    draft.proposed_from_id = plan.id
    session.flush()
    return draft


def _find_moved_ground(edit: Edit, crs: CRS) -> list[_MovedGround]:
    """Return the ground that went from one cell to another that there was before, polygon by polygon."""
    cells_before, cells_after = redrawn_cells(edit)
    before, after = project_cells(cells_before, crs), project_cells(cells_after, crs)
    former = {cell.code: polygon for cell, polygon in zip(cells_before, before, strict=True)}
    found = []
    for old in before:
        for target, new in zip(cells_after, after, strict=True):
            receiver = former.get(edit.heirs.get(target.code, target.code))
            if receiver is None or receiver is old:
                continue
            for part in shapely.get_parts(shapely.intersection(old, new)):
                if shapely.area(part) > _MIN_GROUND_M2:
                    along = shapely.buffer(shapely.boundary(part), SAME_LINE_M)
                    border = shapely.intersection(shapely.boundary(receiver), along)
                    found.append(_MovedGround(part, border))
    return found


def _find_commands(
    session: Session, draft: Plan, moved: list[_MovedGround], crs: CRS
) -> tuple[list[Command], list[str]]:
    """Return the commands by which the ground goes over the same borders in a draft, and what has none."""
    if not moved:
        return [], []
    ground = geometries_to_lonlat(np.array([each.polygon for each in moved], dtype=object), crs)
    bounds = BBox(*map(float, shapely.total_bounds(ground)))
    near = select(Cell.code, Cell.geometry).where(
        Cell.plan_id == draft.id, bbox_intersects(session, Cell, bounds)
    )
    rows = session.execute(near.order_by(Cell.code)).all()
    polygons = np.empty(len(rows), dtype=object)
    polygons[:] = [row[1] for row in rows]
    polygons = project_joined(polygons, LONLAT, crs)
    borders = shapely.boundary(polygons)
    regions: dict[str, list[shapely.Geometry]] = defaultdict(list)
    merged: dict[str, set[str]] = defaultdict(set)
    refused = []
    for each in moved:
        held = shapely.area(shapely.intersection(polygons, each.polygon))
        beyond = (shared_length(borders, each.border) > MIN_SHARED_M) & (held <= _MIN_GROUND_M2)
        receivers = [rows[k][0] for k in np.flatnonzero(beyond).tolist()]
        if len(receivers) > 1:
            refused.append(
                f"Beyond the border lie several cells ({', '.join(receivers)}); draw the change there."
            )
        elif receivers:
            givers = np.flatnonzero(held > _MIN_GROUND_M2)
            left = shapely.area(shapely.difference(polygons[givers], each.polygon))
            whole = {rows[k][0] for k in givers[left <= _MIN_GROUND_M2].tolist()}
            merged[receivers[0]] |= whole
            if len(whole) < len(givers):
                regions[receivers[0]].append(each.polygon)
    commands: list[Command] = [
        Merge((code, *sorted(givers)), into=code) for code, givers in sorted(merged.items()) if givers
    ]
    for code, parts in sorted(regions.items()):
        region = geometries_to_lonlat(np.array([shapely.union_all(parts)], dtype=object), crs)[0]
        commands.append(Transfer(region, code))
    return commands, refused
