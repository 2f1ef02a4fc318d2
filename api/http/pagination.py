"""Lists in pages: what of a list is asked for, and a cursor that names the last record of the page before."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar, TypeVarTuple

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Row, Select, literal, or_, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.responses import Response

from api.http.conditional import tag
from api.http.responses import BoxText, Form, as_geojson, box_of, listing
from gis.errors import InputError
from layers.db.bbox import in_box
from layers.models import Area, Cell, Entity, Gap

Record = TypeVar("Record")
Columns = TypeVarTuple("Columns")
Key = InstrumentedAttribute[int] | InstrumentedAttribute[str]

Limit = Annotated[int, Query(ge=1, le=1000, description="Records of a page.", examples=[100])]
Cursor = Annotated[
    str | None, Query(max_length=400, description="The `next` of the page before.", examples=[None])
]


class Page(BaseModel, Generic[Record]):
    """Some records of a list; `next` leads to those that follow and is null at the end."""

    items: list[Record]
    next: str | None = Field(examples=[None])


class Asked:
    """Which page of a list is asked for.

    Parameters
    ----------
    limit, cursor
        Of the query.
    """

    def __init__(self, limit: int, cursor: str | None) -> None:
        self._limit, self._cursor = limit, cursor

    def rows(
        self,
        session: Session,
        chosen: Select[*Columns],
        *order: Key,
        descending: bool = False,
    ) -> tuple[Sequence[Row[*Columns]], str | None]:
        """Return the rows of the page, and the cursor of those that follow.

        Parameters
        ----------
        session
            Reads them.
        chosen
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
        page = chosen.order_by(*(key.desc() if descending else key for key in order)).limit(self._limit + 1)
        if self._cursor is not None:
            page = page.where(_after(self._cursor, order, descending=descending))
        found = session.execute(page).all()
        if len(found) <= self._limit:
            return found, None
        last: Any = found[self._limit - 1]
        keys = orjson.dumps([getattr(last[0], key.key) for key in order])
        return found[: self._limit], base64.urlsafe_b64encode(keys).decode().rstrip("=")


class AskedFeatures(Asked):
    """Which page of a list of features is asked for, and in which form.

    Attributes
    ----------
    geojson
        As GeoJSON, which has geometries in any case.
    """

    def __init__(
        self, request: Request, box: str | None, form: str | None, limit: int, cursor: str | None
    ) -> None:
        super().__init__(limit, cursor)
        self.geojson = as_geojson(request, form)
        self._query, self._box = request.url.query, box

    def within(
        self, session: Session, chosen: Select[*Columns], model: type[Area | Cell | Entity | Gap]
    ) -> Select[*Columns]:
        """Return the rows whose geometries meet the box, all where none is asked for.

        Raises
        ------
        InputError
            If the box is none.
        """
        box = box_of(self._box)
        return chosen if box is None else chosen.where(in_box(session, model, box))

    def answer(
        self,
        listed: Sequence[dict[str, Any]],
        follows: str | None,
        *,
        state: tuple[object, ...] | None = None,
        unless: str | None = None,
    ) -> Response:
        """Return the page as it is asked for; `state` is all that the list depends on beside the query."""
        etag = None if state is None else tag(self.geojson, self._query, *state)
        return listing(listed, follows, geojson=self.geojson, etag=etag, unless=unless)


async def _asked(limit: Limit = 100, cursor: Cursor = None) -> Asked:
    return Asked(limit, cursor)


async def _asked_features(
    request: Request, box: BoxText = None, f: Form = None, limit: Limit = 100, cursor: Cursor = None
) -> AskedFeatures:
    return AskedFeatures(request, box, f, limit, cursor)


Paged = Annotated[Asked, Depends(_asked)]
"""The type of a parameter that takes `limit` and `cursor`."""

PagedFeatures = Annotated[AskedFeatures, Depends(_asked_features)]
"""The type of a parameter that takes `box`, `f`, `limit` and `cursor`."""


def mentions(
    text: str, name: InstrumentedAttribute[Any], identity: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that a text is part of a name, in any case, or of an identity as it is written."""
    return or_(name.icontains(text, autoescape=True), identity.contains(text, autoescape=True))


def _after(cursor: str, columns: Sequence[Key], *, descending: bool) -> ColumnElement[bool]:
    """Return the condition that rows come after a cursor in the order of columns, or in the reverse order."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InputError("The cursor is none; take it from `next` of the page before.") from error
    kinds = [column.type.python_type for column in columns]
    if not (
        isinstance(keys, list)
        and len(keys) == len(kinds)
        and all(type(key) is kind for key, kind in zip(keys, kinds, strict=True))
    ):
        raise InputError("The cursor is of another list; take it from `next` of the page before.")
    of_row: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    of_cursor: Any = keys[0] if len(columns) == 1 else tuple_(*(literal(key) for key in keys))
    following: ColumnElement[bool] = of_row < of_cursor if descending else of_row > of_cursor
    return following
