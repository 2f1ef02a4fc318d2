"""History: the cells of a date, the versions of a cell, the owners of an entity, the cells of a plan."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import NotFoundError
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import decode_geometries, in_force, raw_geometry, read_in_batches
from layers.models import Cell, Plan, PlanCell

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
    "valid_from",
    "valid_to",
)
"""The columns of frames of cells beside geometry."""


def cells_as_of(
    session: Session, scheme_id: int, on: date, *, area_code: str | None = None
) -> gpd.GeoDataFrame:
    """Return the cells of a scheme that are in force on a date, sorted by code.

    Parameters
    ----------
    area_code
        Only those of this area and the areas beneath it.

    Returns
    -------
    GeoDataFrame
        EPSG:4326 with `CELL_COLUMNS` and geometry; valid_to is None while a version lasts.

    Raises
    ------
    NotFoundError
        If there is no such area.
    """
    cells = read_cells(
        session,
        select(Cell).where(Cell.scheme_id == scheme_id, in_force(Cell.valid_from, Cell.valid_to, on)),
    )
    if area_code is None:
        return cells
    return cells[cells["area_code"].isin(read_hierarchy(session).subtree(area_code))].reset_index(drop=True)


def plan_cells(session: Session, plan_id: int) -> gpd.GeoDataFrame:
    """Return the cells of a plan as it was drawn or published, whatever has followed, sorted by code.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    """
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFoundError(f"There is no plan number {plan_id}.")
    if plan.valid_from is None:
        return read_cells(session, select(Cell).where(Cell.plan_id == plan_id))
    chosen = select(Cell).join(PlanCell, PlanCell.cell_id == Cell.id).where(PlanCell.plan_id == plan_id)
    return read_cells(session, chosen)


def cell_history(session: Session, scheme_id: int, code: str) -> gpd.GeoDataFrame:
    """Return the versions of a cell in order; one that was replaced on its first day is an empty interval."""
    chosen = select(Cell).where(Cell.scheme_id == scheme_id, Cell.code == code, Cell.valid_from.is_not(None))
    return read_cells(session, chosen).sort_values(["valid_from", "id"], ignore_index=True)


def read_cells(session: Session, query: Select[Cell]) -> gpd.GeoDataFrame:
    """Read chosen cells into a frame of `CELL_COLUMNS` and geometry, sorted by code."""
    columns = [getattr(Cell, column) for column in CELL_COLUMNS]
    statement = query.with_only_columns(*columns, raw_geometry(session, Cell.geometry))
    read: list[list[Any]] = [[] for _ in CELL_COLUMNS]
    geometries = [decode_geometries(session, [])]
    for rows in read_in_batches(session, statement.order_by(Cell.code, Cell.id)):
        *batch, blobs = zip(*rows, strict=True)
        for column, some in zip(read, batch, strict=True):
            column.extend(some)
        geometries.append(decode_geometries(session, blobs))
    # Else of objects, so that pandas turns no None into NaN and no date into a timestamp.
    types = {"id": "int64", "plan_id": "int64", "area_m2": "float64", "perimeter_m": "float64"}
    values = {
        column: pd.Series(some, dtype=types.get(column, "object"))
        for column, some in zip(CELL_COLUMNS, read, strict=True)
    }
    return gpd.GeoDataFrame(values, geometry=np.concatenate(geometries), crs=LONLAT)
