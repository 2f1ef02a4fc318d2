"""Rows that lie at cells and follow their ground when a plan comes into force: posts, and cells of groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from layers.db.bulk import insert_rows, text_in
from layers.models import Cell, CellGroup, GroupCell, Officer, Plan, Post

Span = tuple[date, date]
"""From a day to before another; `date.max` while it lasts."""

Row = Post | GroupCell


class Follower(NamedTuple):
    """A table whose rows lie at cells.

    Attributes
    ----------
    model, owner
        The table, and that to which its rows belong and with whose rows they end.
    owner_id
        The column that names the owner.
    identity
        The columns that tell the rows of a cell apart: what is the same in all is never held twice at once.
    continued
        Further columns with which a row continues another.
    empty
        The columns of rows at places of other kinds.
    """

    model: Any
    owner: type[Officer | CellGroup]
    owner_id: str
    identity: tuple[str, ...]
    continued: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


POSTS = Follower(
    Post,
    Officer,
    "officer_id",
    ("officer_id", "duty", "rank"),
    ("part_time", "published_name", "published_phone", "held_since"),
    ("group_id", "area_code", "entity_id"),
)
GROUP_CELLS = Follower(GroupCell, CellGroup, "group_id", ("group_id",))


def read_following(
    session: Session, follower: Follower, scheme_id: int, on: date, codes: set[str]
) -> dict[str, list[Any]]:
    """Return the rows of some cells that last to a day or beyond, and those whose cell is no more."""
    model = follower.model
    lasting = select(Cell.id).where(
        Cell.scheme_id == scheme_id,
        Cell.code == model.cell_code,
        Cell.valid_from.is_not(None),
        or_(Cell.valid_to.is_(None), Cell.valid_to > on),
    )
    chosen = select(model).where(
        at_cells_of(model, scheme_id),
        or_(model.valid_to.is_(None), model.valid_to >= on),
        or_(text_in(session, model.cell_code, codes), ~lasting.exists()),
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in session.scalars(chosen.order_by(model.id)):
        found[str(row.cell_code)].append(row)
    return found


def at_cells_of(model: Any, scheme_id: int) -> ColumnElement[bool]:
    """Return the condition that a row lies at a cell of a scheme, and at no place of another kind."""
    condition: ColumnElement[bool] = (model.scheme_id == scheme_id) & model.cell_code.is_not(None)
    return condition


class FollowingRows:
    """The rows of a follower to change and to add.

    One that begins where its owner has the same already is not added.
    """

    def __init__(self, session: Session, follower: Follower, plan: Plan, on: date) -> None:
        self._session, self._follower, self._plan, self._on = session, follower, plan, on
        self._begun: list[dict[str, Any]] = []
        self._cut: dict[int, Row] = {}
        self._former_ends: dict[int, date | None] = {}
        self._held: dict[tuple[Any, ...], list[Span]] = defaultdict(list)
        self._followed: set[int] = set()
        self._carried = 0
        self._ends: dict[int, date | None] | None = None
        self._newest = 0

    def confine(self, row: Row, allowed: Sequence[Span]) -> None:
        """Let a row go on where its cell does; what of it is left after a break begins again."""
        start, end = row.valid_from, row.valid_to or date.max
        spans = [(start, min(end, self._on))] if start < self._on else []
        for first, last in allowed:
            part = max(first, start), min(last, end)
            if part[0] >= part[1]:
                continue
            if spans and spans[-1][1] == part[0]:
                part = spans.pop()[0], part[1]
            spans.append(part)
        key = row.cell_code, *(getattr(row, name) for name in self._follower.identity)
        self._held[key] += spans
        if spans == [(start, end)]:
            return
        self._former_ends.setdefault(row.id, row.valid_to)
        stays = spans.pop(0) if spans and spans[0][0] == start else (start, start)
        row.valid_to, row.version = stays[1], row.version + 1
        row.ended_by_plan_id = self._plan.id
        self._cut[row.id] = row
        self._begun += [self._continue(row, str(row.cell_code), *span) for span in spans]

    def carry(self, row: Row, code: str, start: date, end: date) -> None:
        """Begin a row in a cell that takes it over."""
        self._add(self._continue(row, code, start, end), start, end, origin=row.id)

    def begin(self, values: Mapping[str, Any], code: str, start: date, end: date) -> None:
        """Begin a row that was chosen; the values are of the columns of identity and those continued."""
        self._add(self._values(values, code, start, end), start, end, origin=None)

    def _add(self, row: dict[str, Any], start: date, end: date, *, origin: int | None) -> None:
        end = min(end, self._last_day_of(row[self._follower.owner_id]))
        key = row["cell_code"], *(row[name] for name in self._follower.identity)
        if start >= end:
            return
        if origin is not None:
            self._followed.add(origin)
        if any(first < end and start < last for first, last in self._held[key]):
            return
        self._held[key].append((start, end))
        self._begun.append({**row, "valid_to": None if end == date.max else end})
        self._carried += 1

    def _last_day_of(self, owner_id: int) -> date:
        if self._ends is None:
            owner = self._follower.owner
            rows = select(owner.id, owner.valid_to).where(owner.valid_to.is_not(None))
            self._ends = dict(iter(self._session.execute(rows)))
        return self._ends.get(owner_id) or date.max

    def _continue(self, row: Row, code: str, start: date, end: date) -> dict[str, Any]:
        names = (*self._follower.identity, *self._follower.continued)
        values = {name: getattr(row, name) for name in names}
        return {**self._values(values, code, start, end), "carried_from_id": row.id}

    def _values(self, values: Mapping[str, Any], code: str, start: date, end: date) -> dict[str, Any]:
        return {
            **values,
            **dict.fromkeys(self._follower.empty),
            "scheme_id": self._plan.scheme_id,
            "cell_code": code,
            "valid_from": start,
            "valid_to": None if end == date.max else end,
            "version": 1,
            "carried_from_id": None,
            "ended_by_plan_id": None,
        }

    def write(self) -> tuple[int, int]:
        """Write all, and return how many began in other cells and how many ended that nothing continues."""
        self._session.flush()
        model = self._follower.model
        self._newest = self._session.scalars(select(func.max(model.id))).one() or 0
        insert_rows(self._session, model.metadata.tables[model.__tablename__], self._begun)
        # What a plan had carried along that never came into force is no loss.
        lost = [
            row
            for number, row in self._cut.items()
            if number not in self._followed
            and (row.carried_from_id is None or row.valid_to != row.valid_from)
        ]
        return self._carried, len(lost)

    def undo(self) -> dict[str, Any]:
        """Return which rows have begun, and for each that was cut its end now and before."""
        model = self._follower.model
        names = ("cell_code", *self._follower.identity, "valid_from")
        keys = {tuple(row[name] for name in names) for row in self._begun}
        added = select(model).where(at_cells_of(model, self._plan.scheme_id), model.id > self._newest)
        return {
            "on": self._on.isoformat(),
            "begun": [
                row.id
                for row in self._session.scalars(added)
                if tuple(getattr(row, name) for name in names) in keys
            ],
            "cut": {
                str(number): (_text(row.valid_to), _text(self._former_ends[number]))
                for number, row in self._cut.items()
            },
        }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def lasts(row: Row, on: date) -> bool:
    """Return whether a row is held on a day or begins later."""
    return row.valid_to is None or row.valid_to > max(on, row.valid_from)


def holds(row: Row, on: date) -> bool:
    """Return whether a row is held on a day."""
    return row.valid_from <= on and (row.valid_to is None or row.valid_to > on)


def subtract(spans: Sequence[Span], taken: Span) -> list[Span]:
    """Return what is left of spans without another."""
    parts = [
        part for first, last in spans for part in ((first, min(last, taken[0])), (max(first, taken[1]), last))
    ]
    return [part for part in parts if part[0] < part[1]]
