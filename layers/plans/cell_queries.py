"""Reading cells for those who look at them: in pages, one by its code, its versions, and what changed."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import shapely
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, defer

from gis.errors import InputError, NotFoundError
from layers.areas.scope import within
from layers.db.bulk import decode_geometries, id_in, raw_geometry, read_rows
from layers.db.keyset import PageRequest
from layers.db.text_match import contains_text, contains_words, match_rank
from layers.models import Cell, Plan, Scheme
from layers.plans.cells import cells_in_force, select_plan_cells

_MAX_VERSIONS = 1_000


class CellChanges(NamedTuple):
    """How many cells differ between two days, by their codes.

    Attributes
    ----------
    begun
        In force on the later day only.
    ended
        In force on the former day only.
    changed
        In force on both, in different versions.
    """

    begun: int
    ended: int
    changed: int


class CellChange(NamedTuple):
    """A cell that differs between two days: its versions, None on a day on which it is not in force."""

    before: Cell | None
    after: Cell | None

    @property
    def change(self) -> Literal["begun", "ended", "changed"]:
        """What has happened to it."""
        if self.before is None:
            return "begun"
        return "ended" if self.after is None else "changed"

    @property
    def latest(self) -> Cell:
        """The later version there is."""
        cell = self.after or self.before
        assert cell is not None
        return cell


def list_plan_cells(session: Session, page: PageRequest, plan: Plan) -> tuple[Sequence[Cell], str | None]:
    """Return a page of the cells of a plan as it was drawn or published, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    return _fetch(session, page, select_plan_cells(plan))


def list_cells_in_force(
    session: Session,
    page: PageRequest,
    scheme: Scheme,
    on: date,
    scope: str | None,
    *,
    text: str | None = None,
    where: ColumnElement[bool] | None = None,
    geometry: bool = True,
) -> tuple[Sequence[Cell], str | None]:
    """Return a page of the cells in force on a date in the order of their codes, and the cursor of the next.

    Parameters
    ----------
    page
        Which page.
    scheme, on
        The scheme and the date.
    scope
        Only cells of this area and those beneath it; None for all.
    text
        Part of the name or code.
    where
        What else they must be.
    geometry
        Read geometries too.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = select(Cell).where(cells_in_force(scheme.id, on), within(Cell.area_code, scope))
    if not geometry:
        statement = statement.options(defer(Cell.geometry))
    if text:
        statement = statement.where(contains_text(text, Cell.name, Cell.code))
    if where is not None:
        statement = statement.where(where)
    return _fetch(session, page, statement)


def search_cells(
    session: Session, scheme: Scheme, on: date, scope: str | None, text: str, limit: int
) -> list[tuple[int, Cell]]:
    """Return the cells in force that fit words best, with how well (`match_rank`), without their geometries.

    Parameters
    ----------
    scheme, on
        The scheme and the date.
    scope
        Only cells of this area and those beneath it; None for all.
    text
        Words of name and code.
    limit
        The most cells.
    """
    rank = match_rank(text, Cell.name, [Cell.code])
    statement = select(rank, Cell).where(
        cells_in_force(scheme.id, on),
        within(Cell.area_code, scope),
        contains_words(session, text, [Cell.name, Cell.code]),
    )
    rows = session.execute(statement.options(defer(Cell.geometry)).order_by(rank, Cell.code).limit(limit))
    return [(found, cell) for found, cell in rows]


class CellTotals(NamedTuple):
    """How many cells are in force, and how much ground they cover in m²."""

    cells: int
    area_m2: float


def cell_totals(session: Session, scheme: Scheme, on: date, area_code: str) -> CellTotals:
    """Count the cells of an area and those beneath it that are in force on a date."""
    statement = select(func.count(), func.sum(Cell.area_m2)).where(
        cells_in_force(scheme.id, on), within(Cell.area_code, area_code, on)
    )
    cells, area_m2 = session.execute(statement).one()
    return CellTotals(cells, area_m2 or 0.0)


def find_cell(session: Session, scheme: Scheme, code: str, on: date, scope: str | None = None) -> Cell:
    """Return the version of a cell that is in force on a date.

    Parameters
    ----------
    scope
        The area that the cell must lie in; None for anywhere.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    cell = session.scalar(
        select(Cell).where(cells_in_force(scheme.id, on), Cell.code == code, within(Cell.area_code, scope))
    )
    if cell is None:
        raise NotFoundError(f"There is no cell '{code}' of scheme '{scheme.code}' on {on}.")
    return cell


def cell_versions(session: Session, scheme: Scheme, code: str, scope: str | None = None) -> Sequence[Cell]:
    """Return the versions of a cell that were ever in force, the oldest first.

    A version that was replaced on its first day is an empty interval.

    Parameters
    ----------
    scope
        The area that a version must lie in; None for anywhere.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    statement = (
        select(Cell)
        .where(
            Cell.scheme_id == scheme.id,
            Cell.code == code,
            Cell.valid_from.is_not(None),
            within(Cell.area_code, scope),
        )
        .order_by(Cell.valid_from, Cell.id)
    )
    versions = session.scalars(statement.limit(_MAX_VERSIONS)).all()
    if not versions:
        raise NotFoundError(f"There is no cell '{code}' in scheme '{scheme.code}'.")
    return versions


def effective_dates(session: Session, scheme: Scheme, scope: str | None) -> Sequence[date]:
    """Return the dates, the latest first, on which plans came into force that brought cells of an area.

    Parameters
    ----------
    scope
        The area; a plan of a larger area counts where it brought cells in this one. None for all plans.
    """
    brought = select(Cell.id).where(Cell.plan_id == Plan.id, within(Cell.area_code, scope))
    statement = select(Plan.valid_from).where(
        Plan.scheme_id == scheme.id, Plan.valid_from.is_not(None), brought.exists()
    )
    days = session.scalars(statement.distinct().order_by(Plan.valid_from.desc()))
    return [day for day in days if day is not None]


def find_changes(
    session: Session, scheme: Scheme, since: date, on: date, scope: str | None
) -> list[CellChange]:
    """Return the cells that began, ended or changed from one date to another, by code, without geometries.

    Parameters
    ----------
    since, on
        The former and the later date.
    scope
        Only cells of this area and those beneath it; None for all.

    Raises
    ------
    InputError
        If `since` is later.
    """
    if on < since:
        raise InputError(f"since={since} is later than {on}; give the former day as since.")
    then, now = cells_in_force(scheme.id, since), cells_in_force(scheme.id, on)
    own = select(Cell).where(within(Cell.area_code, scope)).options(defer(Cell.geometry))
    before = {cell.code: cell for cell in session.scalars(own.where(then, ~now))}
    after = {cell.code: cell for cell in session.scalars(own.where(now, ~then))}
    return [CellChange(before.get(code), after.get(code)) for code in sorted(before.keys() | after.keys())]


def count_changes(changes: Sequence[CellChange]) -> CellChanges:
    """Count what `find_changes` has found."""
    counts = Counter(each.change for each in changes)
    return CellChanges(counts["begun"], counts["ended"], counts["changed"])


def read_boxes(session: Session, cell_ids: Sequence[int]) -> dict[int, list[float]]:
    """Return west, south, east and north of cells by their ids."""
    rows = read_rows(
        session,
        select(Cell.id, raw_geometry(session, Cell.geometry)).where(id_in(session, Cell.id, cell_ids)),
    )
    bounds = shapely.bounds(decode_geometries(session, [geometry for _, geometry in rows])).round(7)
    return {number: box for (number, _), box in zip(rows, bounds.tolist(), strict=True)}


def _fetch(session: Session, page: PageRequest, statement: Select[Cell]) -> tuple[Sequence[Cell], str | None]:
    rows, next_cursor = page.fetch(session, page.filter_by_bbox(session, statement, Cell), Cell.code, Cell.id)
    return [cell for (cell,) in rows], next_cursor
