"""The units of schemes over others: those in force on a day, which cells they belong to, and their rule."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import id_in, in_force, insert_columns, read_rows, text_in
from layers.db.keyset import PageRequest
from layers.models import Cell, CellUnit, Plan, Scheme
from layers.plans.cells import cells_as_of, cells_in_force, read_cells, select_plan_cells

UNIT_COLUMNS = ("code", "area_code")
"""The columns of a frame of units beside geometry."""


class CellOfUnit(NamedTuple):
    """A unit and the cell that it belongs to, by their codes, and the cell's name and kind."""

    unit: str
    cell: str
    name: str
    kind: str


def read_units(
    session: Session,
    scheme: Scheme,
    on: date,
    area_code: str | None = None,
    *,
    columns: Sequence[str] = UNIT_COLUMNS,
) -> gpd.GeoDataFrame:
    """Return the units of a scheme: the cells of its unit scheme in force on a day, sorted by code.

    Parameters
    ----------
    scheme
        One over another.
    area_code
        Only units of this area and of those beneath it.
    columns
        As for `layers.plans.cells.cells_as_of`.

    Raises
    ------
    InputError
        If none are in force there on that day.
    NotFoundError
        If there is no such area.
    """
    assert scheme.unit_scheme_id is not None
    units = cells_as_of(session, scheme.unit_scheme_id, on, area_code=area_code, columns=columns)
    if units.empty:
        below = session.get_one(Scheme, scheme.unit_scheme_id).code
        where = "" if area_code is None else f" in area {area_code}"
        raise InputError(
            f"Scheme '{below}', whose cells are the units of '{scheme.code}', has none in force{where} "
            f"on {on}; publish a plan of it, or name a day on which one is in force."
        )
    return units


def read_units_near(
    session: Session, plan: Plan, scheme: Scheme, cell: str, units: Collection[str]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the units of a cell of a draft, and of the cells that have some units.

    Returns
    -------
    cell_of_unit : dict
        The code of the cell of each of them, in the order of their codes.
    polygons : dict
        Each in EPSG:4326; one that is not in force on the day of the plan's units is in neither.
    """
    own = (Cell.scheme_id == plan.scheme_id) & (Cell.plan_id == plan.id)
    having = select(Cell.id, Cell.code).join(CellUnit, CellUnit.cell_id == Cell.id)
    chosen = (
        select(Cell.id, Cell.code).where(own, Cell.code == cell),
        having.where(own, text_in(session, CellUnit.unit_code, units)),
    )
    codes = {number: code for each in chosen for number, code in session.execute(each)}
    members = read_members(session, codes.keys()).sort_values("unit", kind="stable")
    of_day = cells_in_force(scheme.unit_scheme_id or 0, plan.units_on or date.min)
    present = select(Cell).where(of_day, text_in(session, Cell.code, members["unit"]))
    frame = read_cells(session, present, ("code",))
    polygons = dict(zip(frame["code"], frame.geometry, strict=True))
    cell_of_unit = {
        unit: codes[number]
        for number, unit in zip(members["cell_id"].tolist(), members["unit"].tolist(), strict=True)
        if unit in polygons
    }
    return cell_of_unit, polygons


def read_members(session: Session, cell_ids: Collection[int]) -> pd.DataFrame:
    """Return the units of versions of cells: `cell_id` and `unit`, sorted."""
    chosen = select(CellUnit.cell_id, CellUnit.unit_code).where(id_in(session, CellUnit.cell_id, cell_ids))
    rows = read_rows(session, chosen.order_by(CellUnit.cell_id, CellUnit.unit_code))
    return pd.DataFrame(
        {
            "cell_id": pd.Series([row[0] for row in rows], dtype="int64"),
            "unit": pd.Series([row[1] for row in rows], dtype="object"),
        }
    )


def members_by_code(session: Session, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the units of cells that were read with `id` and `code`: `cell` and `unit`, their codes."""
    members = read_members(session, cells["id"].tolist())
    codes = pd.Series(cells["code"].to_numpy(), index=cells["id"].to_numpy())
    return pd.DataFrame({"cell": codes.loc[members["cell_id"]].to_numpy(), "unit": members["unit"]})


def units_of_cell(session: Session, cell_id: int) -> list[str]:
    """Return the codes of the units of a version of a cell, sorted; none where it is not made of units."""
    return [str(code) for code in read_members(session, [cell_id])["unit"]]


def cells_of_unit(
    session: Session, scheme: Scheme, code: str, on: date, scope: str | None
) -> list[tuple[str, str, str]]:
    """Return the cells of other schemes that have a cell as their unit on a day: scheme, code and name.

    Parameters
    ----------
    scheme, code
        Of the unit.
    scope
        The caller's area; cells of others are left out.
    """
    above = (
        select(Scheme.code, Cell.code, Cell.name, Cell.area_code)
        .join(Scheme, Scheme.id == Cell.scheme_id)
        .join(CellUnit, CellUnit.cell_id == Cell.id)
        .where(
            Scheme.unit_scheme_id == scheme.id,
            CellUnit.unit_code == code,
            in_force(Cell.valid_from, Cell.valid_to, on),
        )
        .order_by(Scheme.code, Cell.code)
    )
    hierarchy = read_hierarchy(session)
    return [(row[0], row[1], row[2]) for row in session.execute(above) if hierarchy.covers(scope, row[3])]


def have_same_units(session: Session, ids: Sequence[int], other_ids: Sequence[int]) -> list[bool]:
    """Return for each pair of versions of cells whether both are made of the same units."""
    members = read_members(session, [*ids, *other_ids])
    units = dict(iter(members.groupby("cell_id")["unit"].agg(tuple).items()))
    return [units.get(one) == units.get(other) for one, other in zip(ids, other_ids, strict=True)]


def delete_members(session: Session, cell_ids: Collection[int]) -> None:
    """Take away the units of versions of cells that were never in force."""
    session.execute(
        delete(CellUnit).where(id_in(session, CellUnit.cell_id, cell_ids)),
        execution_options={"synchronize_session": False},
    )


def insert_members(session: Session, plan: Plan, members: pd.DataFrame) -> None:
    """Store the units of the cells of a draft.

    Parameters
    ----------
    members
        `cell` and `unit`, their codes, each pair once.
    """
    concerned = text_in(session, Cell.code, set(members["cell"]))
    own = (Cell.scheme_id == plan.scheme_id) & (Cell.plan_id == plan.id)
    rows = session.execute(select(Cell.code, Cell.id).where(own, concerned)).all()
    numbers = pd.Series([row[1] for row in rows], index=[row[0] for row in rows], dtype="int64")
    columns = {
        "cell_id": numbers.loc[members["cell"]].tolist(),
        "unit_code": members["unit"].tolist(),
    }
    insert_columns(session, CellUnit.metadata.tables["cell_units"], columns)


def copy_members(session: Session, copies: Mapping[int, int]) -> None:
    """Give versions of cells the units of those that they are copies of.

    Parameters
    ----------
    copies
        The number of each copy by that of its original.
    """
    # A join by codes takes a database without statistics the square of the number of cells.
    members = read_members(session, copies.keys())
    if members.empty:
        return
    columns = {"cell_id": members["cell_id"].map(copies).tolist(), "unit_code": members["unit"].tolist()}
    insert_columns(session, CellUnit.metadata.tables["cell_units"], columns)


def list_plan_units(
    session: Session, page: PageRequest, plan: Plan, *, cell: str | None = None
) -> tuple[Sequence[CellOfUnit], str | None]:
    """Return a page of the units of a plan as it was drawn or published, by unit, and the next cursor.

    Parameters
    ----------
    page
        Which page.
    plan
        Any; one that is not over units has none.
    cell
        Only units of the cell with this code.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = _select_units(plan)
    if cell is not None:
        statement = statement.where(Cell.code == cell)
    rows, next_cursor = page.fetch(session, statement, CellUnit.unit_code, CellUnit.cell_id)
    return [CellOfUnit(row[0].unit_code, row[1], row[2], row[3]) for row in rows], next_cursor


def count_plan_units(session: Session, plan: Plan) -> int:
    """Return how many units the cells of a plan are made of."""
    return session.scalars(select(func.count()).select_from(_select_units(plan).subquery())).one()


def read_plan_units(session: Session, plan: Plan) -> list[CellOfUnit]:
    """Return all units of a plan as it was drawn or published, by their codes."""
    chosen = _select_units(plan).order_by(CellUnit.unit_code, CellUnit.cell_id)
    columns = (CellUnit.unit_code, Cell.code, Cell.name, Cell.kind)
    return [CellOfUnit(*row) for row in read_rows(session, chosen.with_only_columns(*columns))]


def _select_units(plan: Plan) -> Select[CellUnit, str, str, str]:
    members = select_plan_cells(plan).join(CellUnit, CellUnit.cell_id == Cell.id)
    return members.with_only_columns(CellUnit, Cell.code, Cell.name, Cell.kind)
