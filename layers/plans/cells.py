"""Cells read into frames: those in force on a date, and those of a plan."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Select, SQLColumnExpression, select, true
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from layers.areas.hierarchy import read_hierarchy
from layers.areas.scope import within
from layers.db.bulk import decode_geometries, in_force, raw_geometry, read_in_batches
from layers.models import Cell, Plan, PlanCell
from layers.plans.queries import find_plan

CELL_COLUMNS = (
    "id",
    "plan_id",
    "code",
    "name",
    "kind",
    "parent",
    "area_code",
    "area_m2",
    "perimeter_m",
    "attributes",
    "personal",
    "valid_from",
    "valid_to",
)
"""The columns that a frame of cells can have, besides geometry."""

_CODES_AT_ONCE = 500


def cells_in_force(scheme_id: int, on: date) -> ColumnElement[bool]:
    """Return the condition that a row of `Cell` is a version that is in force in a scheme on a date."""
    return (Cell.scheme_id == scheme_id) & in_force(Cell.valid_from, Cell.valid_to, on)


def lies_in_scope(
    scheme_id: SQLColumnExpression[Any] | int, code: SQLColumnExpression[Any] | str, scope: str | None
) -> ColumnElement[bool]:
    """Return the condition that a code names a cell that is or was in force in an area, if one is given.

    What belongs to a cell may lie in another area than the cell, whose code is then not told.
    """
    if scope is None:
        return true()
    return select(Cell.id).where(_was_in_force_within(scheme_id, scope), Cell.code == code).exists()


def codes_in_scope(session: Session, scheme_id: int, codes: Collection[str], scope: str) -> set[str]:
    """Return those of some codes that name a cell that is or was in force in an area."""
    ordered = sorted(codes)
    found: set[str] = set()
    for start in range(0, len(ordered), _CODES_AT_ONCE):
        some = Cell.code.in_(ordered[start : start + _CODES_AT_ONCE])
        found.update(session.scalars(select(Cell.code).where(_was_in_force_within(scheme_id, scope), some)))
    return found


def _was_in_force_within(scheme_id: SQLColumnExpression[Any] | int, scope: str) -> ColumnElement[bool]:
    return (Cell.scheme_id == scheme_id) & Cell.valid_from.is_not(None) & within(Cell.area_code, scope)


def cells_as_of(
    session: Session,
    scheme_id: int,
    on: date,
    *,
    area_code: str | None = None,
    columns: Sequence[str] = CELL_COLUMNS,
) -> gpd.GeoDataFrame:
    """Return the cells of a scheme that are in force on a date, sorted by code.

    Parameters
    ----------
    area_code
        Only the cells of this area and of the areas beneath it.
    columns
        Which of `CELL_COLUMNS` to read; `area_code` must be among them where an area is given.

    Returns
    -------
    GeoDataFrame
        In EPSG:4326, with the columns and geometry; `valid_to` is None for a version that lasts.

    Raises
    ------
    NotFoundError
        If there is no such area.
    """
    cells = read_cells(session, select(Cell).where(cells_in_force(scheme_id, on)), columns)
    if area_code is None:
        return cells
    return _lying_in(session, cells, area_code, on)


def _lying_in(session: Session, cells: gpd.GeoDataFrame, area_code: str, on: date) -> gpd.GeoDataFrame:
    hierarchy = read_hierarchy(session, on)
    hierarchy.subtree(area_code)
    inside = {code for code in cells["area_code"].unique() if hierarchy.lies_in(code, area_code)}
    return cells[cells["area_code"].isin(inside)].reset_index(drop=True)


def select_plan_cells(plan: Plan) -> Select[Cell]:
    """Return the query of the cells of a plan as it was drawn or published, whatever has followed."""
    if plan.valid_from is None:
        return select(Cell).where(Cell.plan_id == plan.id)
    return select(Cell).join(PlanCell, PlanCell.cell_id == Cell.id).where(PlanCell.plan_id == plan.id)


def plan_cells(session: Session, plan_id: int) -> gpd.GeoDataFrame:
    """Return the cells of a plan as it was drawn or published, sorted by code.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    """
    return read_cells(session, select_plan_cells(find_plan(session, plan_id)))


def read_cells(
    session: Session, query: Select[Cell], columns: Sequence[str] = CELL_COLUMNS
) -> gpd.GeoDataFrame:
    """Read selected cells into a frame of some of `CELL_COLUMNS` and geometry, sorted by code."""
    selected = [getattr(Cell, column) for column in columns]
    statement = query.with_only_columns(*selected, raw_geometry(session, Cell.geometry))
    lists: list[list[Any]] = [[] for _ in columns]
    geometries = [decode_geometries(session, [])]
    for rows in read_in_batches(session, statement.order_by(Cell.code, Cell.id)):
        *batch, blobs = zip(*rows, strict=True)
        for values, some in zip(lists, batch, strict=True):
            values.extend(some)
        geometries.append(decode_geometries(session, blobs))
    # Object columns otherwise, so that pandas turns no None into NaN and no date into a timestamp.
    types = {"id": "int64", "plan_id": "int64", "area_m2": "float64", "perimeter_m": "float64"}
    table = {
        column: pd.Series(values, dtype=types.get(column, "object"))
        for column, values in zip(columns, lists, strict=True)
    }
    return gpd.GeoDataFrame(table, geometry=np.concatenate(geometries), crs=LONLAT)
