"""The cells of a draft around what is to be redrawn: read into an immutable set, and written back."""

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.measures import measure_cells
from gis.redraw import Cell as DrawnCell
from gis.redraw import CellSet, Edit
from layers.db.bbox import BBox, bbox_intersects
from layers.models import Cell, Plan, PlanEdit, Scheme
from layers.plans.locks import read_locked_codes
from layers.plans.units import delete_members, insert_members, members_by_code

CellRecords = Mapping[str, dict[str, Any]]
"""Everything about cells in a form that JSON can keep, by code: what `gis.redraw.Cell` has, its polygon as
base64 of WKB, and parent, attributes, personal and units."""

_RINGS = 3
"""How often the ground to be read is widened to the cells that meet it: those that an edit may cut, their
neighbours, and those that must still fit beside these."""


class DraftCells(NamedTuple):
    """A part of a draft.

    Attributes
    ----------
    cells
        With the codes that were used before in the same areas.
    rows
        The row of each cell, by code.
    units
        The codes of the units of each cell, by code; nothing where the cells are not made of units.
    """

    cells: CellSet
    rows: dict[str, Cell]
    units: dict[str, list[str]]


def read_draft_cells(
    session: Session,
    plan: Plan,
    named: Collection[str],
    drawn: shapely.Geometry | None = None,
    *,
    codes_given: bool = True,
) -> DraftCells:
    """Read the cells of a draft that an edit may concern; the cost does not grow with the plan.

    Parameters
    ----------
    named
        Codes of cells that the edit names; those that are none do not count.
    drawn
        What is drawn, in EPSG:4326.
    codes_given
        Whether cells may get other codes, so that those used before count.
    """
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    own = select(Cell).where(Cell.plan_id == plan.id)
    rows = list(session.scalars(own.where(Cell.code.in_(named))))
    bounds = [_bounds(row.geometry) for row in rows]
    if drawn is not None and not shapely.is_empty(drawn):
        bounds.append(_bounds(drawn))
    for _ in range(_RINGS if bounds else 0):
        west, south, east, north = np.array(bounds).T
        around = BBox(float(west.min()), float(south.min()), float(east.max()), float(north.max()))
        rows = list(session.scalars(own.where(bbox_intersects(session, Cell, around))))
        bounds = [*bounds, *(_bounds(row.geometry) for row in rows)]
    by_code = {row.code: row for row in sorted(rows, key=lambda row: row.code)}
    frame = gpd.GeoDataFrame(
        {
            "id": [row.id for row in by_code.values()],
            "code": list(by_code),
            "name": [row.name for row in by_code.values()],
            "kind": [row.kind for row in by_code.values()],
            "area_code": [row.area_code for row in by_code.values()],
        },
        geometry=[row.geometry for row in by_code.values()],
        crs=LONLAT,
    )
    used = _used_codes(session, plan, {row.area_code for row in rows}) if codes_given else ()
    locked = read_locked_codes(session, plan, by_code.keys())
    cells = CellSet.from_frame(frame, crs=crs, locked=locked, used_codes=used)
    return DraftCells(cells, by_code, _units_of(session, plan, frame))


def write_edit(session: Session, plan: Plan, draft: DraftCells, edit: Edit, records: CellRecords) -> None:
    """Write what an edit changes into the rows of a draft.

    Parameters
    ----------
    records
        Of the cells after the edit.
    """
    crs = draft.cells.crs
    after = {cell.code: cell for cell in edit.after}
    gone = [draft.rows[cell.code] for cell in edit.before if cell.code not in after]
    concerned = [draft.rows[cell.code].id for cell in edit.before if cell.code in draft.rows]
    if plan.units_on is not None:
        delete_members(session, concerned)
    for row in gone:
        session.delete(row)
    session.flush()
    measured = _measure(edit.after, crs)
    members = []
    for cell, area_m2, perimeter_m in zip(
        edit.after, measured["area_m2"], measured["perimeter_m"], strict=True
    ):
        record = records[cell.code]
        row = draft.rows.get(cell.code) or Cell(scheme_id=plan.scheme_id, plan_id=plan.id, code=cell.code)
        session.add(row)
        row.name, row.kind, row.area_code = cell.name, cell.kind, cell.area_code or None
        row.parent, row.attributes, row.personal = record["parent"], record["attributes"], record["personal"]
        row.area_m2, row.perimeter_m, row.geometry = float(area_m2), float(perimeter_m), cell.geometry
        members += [(cell.code, unit) for unit in record["units"]]
    session.flush()
    if members:
        cells, units = zip(*members, strict=True)
        insert_members(session, plan, pd.DataFrame({"cell": cells, "unit": units}))


def cell_records(draft: DraftCells, cells: Iterable[DrawnCell]) -> CellRecords:
    """Return the records of cells of a draft; one that is not among its rows begins without anything else."""
    found = {}
    for cell in cells:
        row = draft.rows.get(cell.code)
        found[cell.code] = {
            **cell._asdict(),
            "geometry": base64.b64encode(shapely.to_wkb(cell.geometry)).decode(),
            "parent": None if row is None else row.parent,
            "attributes": {} if row is None else row.attributes,
            "personal": {} if row is None else row.personal,
            "units": draft.units.get(cell.code, []),
        }
    return found


def drawn_cells(records: Iterable[dict[str, Any]]) -> tuple[DrawnCell, ...]:
    """Return the cells that records have, in the order of their codes."""
    found = [
        DrawnCell(
            **{name: record[name] for name in DrawnCell._fields if name != "geometry"},
            geometry=shapely.from_wkb(base64.b64decode(record["geometry"])),
        )
        for record in records
    ]
    return tuple(sorted(found, key=lambda cell: cell.code))


def _bounds(geometry: shapely.Geometry) -> tuple[float, ...]:
    return tuple(shapely.bounds(geometry).tolist())


def _used_codes(session: Session, plan: Plan, areas: set[str | None]) -> set[str]:
    """Return all codes that cells of areas have or had in the scheme or in this draft."""
    named = [area for area in areas if area is not None]
    given = select(Cell.code).where(Cell.scheme_id == plan.scheme_id, Cell.area_code.in_(named))
    codes = set(session.scalars(given))
    ended = select(PlanEdit.codes).where(PlanEdit.plan_id == plan.id, PlanEdit.edit_id.is_(None))
    return codes.union(*(each["codes"] for each in session.scalars(ended)))


def _units_of(session: Session, plan: Plan, frame: gpd.GeoDataFrame) -> dict[str, list[str]]:
    if plan.units_on is None:
        return {}
    members = members_by_code(session, frame)
    return {str(code): units.tolist() for code, units in members.groupby("cell")["unit"]}


def _measure(cells: Sequence[DrawnCell], crs: CRS) -> gpd.GeoDataFrame:
    geometry = np.empty(len(cells), dtype=object)
    geometry[:] = [cell.geometry for cell in cells]
    return measure_cells(gpd.GeoDataFrame(geometry=geometry, crs=LONLAT), crs)
