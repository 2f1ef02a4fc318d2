"""Lists in pages: a cursor names the last record of the page before, by the columns that order the list."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVarTuple

import orjson
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from gis.errors import InputError
from layers.db.bbox import BBox, bbox_intersects
from layers.models import Area, Cell, Entity, Gap

Columns = TypeVarTuple("Columns")
SortColumn = InstrumentedAttribute[int] | InstrumentedAttribute[str]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a list is asked for.

    Attributes
    ----------
    limit
        The most records of the page.
    cursor
        What the page before named as its successor; None for the first page.
    bbox
        Only records whose geometry meets this box; None for all.
    """

    limit: int
    cursor: str | None = None
    bbox: BBox | None = None

    def fetch(
        self,
        session: Session,
        statement: Select[*Columns],
        *order: SortColumn,
        descending: bool = False,
    ) -> tuple[Sequence[Row[*Columns]], str | None]:
        """Return the rows of the page, and the cursor of those that follow.

        Parameters
        ----------
        session
            Reads them.
        statement
            All rows of the list; the first column is the mapped class that `order` belongs to.
        order
            Columns that order the list and tell its rows apart.
        descending
            In the reverse order.

        Raises
        ------
        InputError
            If the cursor is not one of this list.
        """
        page = statement.order_by(*(key.desc() if descending else key for key in order)).limit(self.limit + 1)
        if self.cursor is not None:
            page = page.where(_after_cursor(self.cursor, order, descending=descending))
        rows = session.execute(page).all()
        if len(rows) <= self.limit:
            return rows, None
        last: Any = rows[self.limit - 1]
        keys = orjson.dumps([getattr(last[0], key.key) for key in order])
        return rows[: self.limit], base64.urlsafe_b64encode(keys).decode().rstrip("=")

    def filter_by_bbox(
        self, session: Session, statement: Select[*Columns], model: type[Area | Cell | Entity | Gap]
    ) -> Select[*Columns]:
        """Return the rows whose geometries meet the box, all where none is asked for."""
        return statement if self.bbox is None else statement.where(bbox_intersects(session, model, self.bbox))


def _after_cursor(cursor: str, columns: Sequence[SortColumn], *, descending: bool) -> ColumnElement[bool]:
    """Return the condition that rows come after a cursor in the order of columns, or in the reverse order."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InputError("The cursor is none; take it from `next` of the page before.") from error
    types = [column.type.python_type for column in columns]
    if not (
        isinstance(keys, list)
        and len(keys) == len(types)
        and all(type(key) is kind for key, kind in zip(keys, types, strict=True))
    ):
        raise InputError("The cursor is of another list; take it from `next` of the page before.")
    row_key: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    cursor_key: Any = keys[0] if len(columns) == 1 else tuple_(*(literal(key) for key in keys))
    following: ColumnElement[bool] = row_key < cursor_key if descending else row_key > cursor_key
    return following
