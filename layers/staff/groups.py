"""Groups of cells (片) of a scheme, with the cells in them from when to when."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.scope import require_within, within
from layers.days import require_near_day
from layers.db.bulk import id_in, in_force, read_rows, text_in
from layers.db.keyset import PageRequest
from layers.db.locks import lock_scheme
from layers.db.versions import require_version
from layers.models import Cell, CellGroup, GroupCell, Scheme
from layers.plans.cells import cells_in_force
from layers.plans.posts import spans_in_force
from layers.staff.places import find_group
from layers.staff.posts import end_posts_at


class GroupCells(NamedTuple):
    """A group with the codes of its cells on a day."""

    group: CellGroup
    cells: list[str]


def list_groups(
    session: Session, scheme: Scheme, page: PageRequest, scope: str | None, on: date, *, ended: bool = False
) -> tuple[list[GroupCells], str | None]:
    """Return a page of the groups in the scope in the order of their codes, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = select(CellGroup).where(CellGroup.scheme_id == scheme.id, within(CellGroup.area_code, scope))
    if not ended:
        statement = statement.where(in_force(CellGroup.valid_from, CellGroup.valid_to, on))
    rows, next_cursor = page.fetch(session, statement, CellGroup.code)
    cells = _cells_of(session, [group.id for (group,) in rows], on)
    return [GroupCells(group, cells.get(group.id, [])) for (group,) in rows], next_cursor


def read_group(session: Session, scheme: Scheme, code: str, scope: str | None, on: date) -> GroupCells:
    """Return a group, also one that has ended, with its cells on a day.

    Raises
    ------
    NotFoundError
        If there is none in the scope.
    """
    group = find_group(session, scheme, code, scope)
    return GroupCells(group, _cells_of(session, [group.id], on).get(group.id, []))


def _cells_of(session: Session, group_ids: Sequence[int], on: date) -> dict[int, list[str]]:
    chosen = select(GroupCell.group_id, GroupCell.cell_code).where(
        GroupCell.group_id.in_(group_ids), in_force(GroupCell.valid_from, GroupCell.valid_to, on)
    )
    found: dict[int, list[str]] = {}
    for group_id, code in read_rows(session, chosen.order_by(GroupCell.cell_code)):
        found.setdefault(group_id, []).append(code)
    return found


def create_group(
    session: Session,
    scheme: Scheme,
    code: str,
    name: str,
    cells: Collection[str],
    *,
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
) -> GroupCells:
    """Make a group of cells that are in force; its area is the lowest that holds them all.

    Parameters
    ----------
    session
        Of `Database.write`. The scheme's lock is taken.
    code, name
        The code is unique in the scheme for ever.
    cells
        Codes; a cell is in one group at a time.
    on
        The first day; today when not given.
    confirmed
        The day is meant, however far from today it is.
    scope
        The area that the cells must lie in; None for any.

    Raises
    ------
    InputError
        If there are no cells or no name, or the day is far from today and not confirmed.
    NotFoundError
        If a cell is not in force on the day.
    ConflictError
        If there is or was a group of this code, or a cell is in another.
    """
    day = require_near_day(on, confirmed=confirmed)
    if not code.strip() or not name.strip():
        raise InputError("A group needs a code and a name.")
    lock_scheme(session, scheme.id)
    area_code = _area_of_cells(session, scheme, cells, day, scope)
    taken = select(CellGroup).where(CellGroup.scheme_id == scheme.id, CellGroup.code == code.strip())
    if (other := session.scalar(taken)) is not None:
        require_within(session, other.area_code, scope)
        raise ConflictError(f"There is a group '{code.strip()}' in scheme '{scheme.code}' already.")
    group = CellGroup(
        scheme_id=scheme.id,
        code=code.strip(),
        name=name.strip(),
        area_code=area_code,
        valid_from=day,
        version=1,
    )
    session.add(group)
    session.flush()
    _change_cells(session, scheme, group, cells, day)
    return GroupCells(group, sorted(set(cells)))


def change_group(
    session: Session,
    scheme: Scheme,
    code: str,
    version: int,
    *,
    name: str | None = None,
    cells: Collection[str] | None = None,
    scope: str | None = None,
) -> GroupCells:
    """Give a group another name, or other cells from today on.

    Raises
    ------
    InputError
        If there are to be no cells or no name.
    NotFoundError
        If there is no such group in the scope, or a cell is not in force.
    StaleError
        If the group has another version by now.
    ConflictError
        If the group has ended, or a cell is in another.
    """
    lock_scheme(session, scheme.id)
    group = _find_lasting(session, scheme, code, version, scope)
    if name is not None:
        if not name.strip():
            raise InputError("A group needs a code and a name.")
        group.name = name.strip()
    day = max(date.today(), group.valid_from)
    if cells is not None:
        group.area_code = _area_of_cells(session, scheme, cells, day, scope)
        _change_cells(session, scheme, group, cells, day)
    group.version += 1
    session.flush()
    return read_group(session, scheme, code, scope, day)


def end_group(
    session: Session, scheme: Scheme, code: str, version: int, *, scope: str | None = None
) -> tuple[CellGroup, int]:
    """End a group today with its posts; return also how many posts ended.

    Raises
    ------
    NotFoundError, StaleError, ConflictError
        As for `change_group`.
    """
    lock_scheme(session, scheme.id)
    group = _find_lasting(session, scheme, code, version, scope)
    group.valid_to = max(date.today(), group.valid_from)
    group.version += 1
    _end_cells(_lasting_cells(session, [group.id], group.valid_to), group.valid_to)
    ended = end_posts_at(session, "group", [group.id], group.valid_to)
    return group, ended


def _find_lasting(session: Session, scheme: Scheme, code: str, version: int, scope: str | None) -> CellGroup:
    group = find_group(session, scheme, code, scope)
    session.refresh(group, with_for_update=True)
    require_version(group.version, version)
    if group.valid_to is not None:
        raise ConflictError(f"Group '{code}' has ended on {group.valid_to}.")
    return group


def _area_of_cells(
    session: Session, scheme: Scheme, cells: Collection[str], on: date, scope: str | None
) -> str | None:
    """Return the lowest area that holds some cells in force; None where no one area does."""
    if not cells:
        raise InputError("A group needs at least one cell.")
    chosen = select(Cell.code, Cell.area_code).where(
        cells_in_force(scheme.id, on), text_in(session, Cell.code, cells), within(Cell.area_code, scope)
    )
    found = dict(iter(session.execute(chosen)))
    missing = sorted(set(cells) - set(found))
    if missing:
        raise NotFoundError(f"There is no cell '{missing[0]}' in force in scheme '{scheme.code}' on {on}.")
    for code, ((_, end), *_rest) in sorted(spans_in_force(session, scheme.id, on, set(found)).items()):
        if end != date.max:
            raise ConflictError(
                f"Cell '{code}' ends on {end} for a plan that is published; "
                "make the group from that day on, of the cells of that plan."
            )
    return common_area(read_hierarchy(session), set(found.values()))


def place_groups(session: Session) -> None:
    """Give groups the lowest area of today that holds their cells, of an ended area what this became."""
    today = date.today()
    hierarchy = read_hierarchy(session, today)
    chosen = (
        select(GroupCell.group_id, Cell.area_code)
        .join(Cell, (Cell.scheme_id == GroupCell.scheme_id) & (Cell.code == GroupCell.cell_code))
        .where(
            in_force(GroupCell.valid_from, GroupCell.valid_to, today),
            in_force(Cell.valid_from, Cell.valid_to, today),
        )
        .distinct()
    )
    areas: dict[int, set[str | None]] = defaultdict(set)
    for group_id, area_code in session.execute(chosen):
        areas[group_id] |= {None} if area_code is None else hierarchy.successors(area_code) or {area_code}
    for group in session.scalars(select(CellGroup).where(id_in(session, CellGroup.id, areas))):
        group.area_code = common_area(hierarchy, areas[group.id])
    session.flush()


def common_area(hierarchy: AreaHierarchy, codes: Iterable[str | None]) -> str | None:
    """Return the lowest area that is or holds each of some areas; None where there is none."""
    chains = [[] if code is None else [code, *hierarchy.ancestors(code)] for code in codes]
    first, *others = chains
    return next((code for code in first if all(code in chain for chain in others)), None)


def _change_cells(
    session: Session, scheme: Scheme, group: CellGroup, cells: Collection[str], on: date
) -> None:
    """Let a group have these cells from a day on."""
    elsewhere = (
        select(GroupCell.cell_code, CellGroup.code)
        .join(CellGroup, CellGroup.id == GroupCell.group_id)
        .where(
            GroupCell.scheme_id == scheme.id,
            GroupCell.group_id != group.id,
            text_in(session, GroupCell.cell_code, cells),
            or_(GroupCell.valid_to.is_(None), GroupCell.valid_to > on),
            or_(GroupCell.valid_to.is_(None), GroupCell.valid_to > GroupCell.valid_from),
        )
    )
    if (taken := session.execute(elsewhere.order_by(GroupCell.cell_code).limit(1)).first()) is not None:
        raise ConflictError(
            f"Cell '{taken[0]}' is in group '{taken[1]}'; take it out of that one first (cells)."
        )
    held = _lasting_cells(session, [group.id], on)
    _end_cells([each for each in held if each.cell_code not in cells], on)
    present = {each.cell_code for each in held}
    for code in sorted(set(cells) - present):
        session.add(
            GroupCell(group_id=group.id, scheme_id=scheme.id, cell_code=code, valid_from=on, version=1)
        )
    session.flush()


def _lasting_cells(session: Session, group_ids: Sequence[int], on: date) -> Sequence[GroupCell]:
    chosen = select(GroupCell).where(
        GroupCell.group_id.in_(group_ids),
        or_(GroupCell.valid_to.is_(None), GroupCell.valid_to > on),
        or_(GroupCell.valid_to.is_(None), GroupCell.valid_to > GroupCell.valid_from),
    )
    return session.scalars(chosen.order_by(GroupCell.id)).all()


def _end_cells(cells: Iterable[GroupCell], on: date) -> None:
    for each in cells:
        each.valid_to = max(on, each.valid_from)
        each.version += 1
