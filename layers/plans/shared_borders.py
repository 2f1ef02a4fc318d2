"""Borders that an edit moves and other schemes share: whose cells have them too."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.antimeridian import project_joined
from gis.arrays import Geometries
from gis.crs import LONLAT
from gis.redraw import Cell as DrawnCell
from gis.redraw import Edit
from layers.areas.scope import within
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import in_force
from layers.models import Cell, Plan, Scheme

SAME_LINE_M = 0.01
"""How far apart two drawings of one line may lie."""

MIN_SHARED_M = 0.1
"""Lines that only cross have less than this in common."""


class SharedBorder(NamedTuple):
    """A cell of another scheme in force today that has a part of a border that an edit moves or removes."""

    scheme: str
    code: str
    name: str
    length_m: float


def find_shared_borders(
    session: Session, plan: Plan, edit: Edit, scope: str | None = None
) -> list[SharedBorder]:
    """Return whose cells of other schemes share the borders that an edit takes away, by scheme and code.

    The units of which the plan's own cells are made are not told: none of their borders moves.

    Parameters
    ----------
    scope
        Only cells of this area and of those beneath it; None for all.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    crs = CRS.from_user_input(scheme.working_crs)
    redrawn = redrawn_cells(edit)
    if not redrawn[0]:
        return []
    lost = lost_lines(*(project_cells(cells, crs) for cells in redrawn))
    if shapely.is_empty(lost):
        return []
    bounds = shapely.total_bounds([cell.geometry for cell in redrawn[0]])
    near = (
        select(Scheme.code, Cell.code, Cell.name, Cell.geometry)
        .join(Scheme, Scheme.id == Cell.scheme_id)
        .where(
            Cell.scheme_id.not_in([scheme.id, scheme.unit_scheme_id or scheme.id]),
            in_force(Cell.valid_from, Cell.valid_to, date.today()),
            within(Cell.area_code, scope),
            bbox_intersects(session, Cell, BBox(*map(float, bounds))),
        )
        .order_by(Scheme.code, Cell.code)
    )
    rows = session.execute(near).all()
    if not rows:
        return []
    polygons = np.empty(len(rows), dtype=object)
    polygons[:] = [row[3] for row in rows]
    lengths = shared_length(shapely.boundary(project_joined(polygons, LONLAT, crs)), lost)
    return [
        SharedBorder(row[0], row[1], row[2], length)
        for row, length in zip(rows, lengths.tolist(), strict=True)
        if length > MIN_SHARED_M
    ]


def redrawn_cells(edit: Edit) -> tuple[list[DrawnCell], list[DrawnCell]]:
    """Return the cells before and after an edit but for those that only get another name, kind or code."""
    former = {cell.code: cell for cell in edit.before}
    before, after = dict(former), []
    for cell in edit.after:
        old = former.get(edit.heirs.get(cell.code, cell.code))
        if old is not None and shapely.equals_identical(old.geometry, cell.geometry):
            del before[old.code]
        else:
            after.append(cell)
    return list(before.values()), after


def project_cells(cells: Sequence[DrawnCell], crs: CRS) -> Geometries:
    """Return the polygons of cells in the working CRS, shape (n,)."""
    polygons = np.empty(len(cells), dtype=object)
    polygons[:] = [cell.geometry for cell in cells]
    return project_joined(polygons, LONLAT, crs)


def lost_lines(before: Geometries, after: Geometries) -> Any:
    """Return the borders that some polygons have and others in their place have not."""
    former, present = (shapely.union_all(shapely.boundary(each)) for each in (before, after))
    return shapely.difference(former, shapely.buffer(present, SAME_LINE_M))


def shared_length(lines: Geometries, line: Any) -> np.ndarray:
    """Return how much of each of some lines runs along another, metres, shape (n,)."""
    return np.asarray(shapely.length(shapely.intersection(lines, shapely.buffer(line, SAME_LINE_M))))
