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

from api.http.conditional import make_etag
from api.http.responses import BboxParam, FormatParam, list_response, parse_bbox, wants_geojson
from gis.errors import InputError
from layers.db.bbox import bbox_intersects
from layers.models import Area, Cell, Entity, Gap

Item = TypeVar("Item")
Columns = TypeVarTuple("Columns")
SortColumn = InstrumentedAttribute[int] | InstrumentedAttribute[str]

Limit = Annotated[int, Query(ge=1, le=1000, description="Records of a page.", examples=[100])]
Cursor = Annotated[
    str | None, Query(max_length=400, description="The `next` of the page before.", examples=[None])
]


class Page(BaseModel, Generic[Item]):
    """Some records of a list; `next` leads to those that follow and is null at the end."""

    items: list[Item]
    next: str | None = Field(examples=[None])


class PageParams:
    """Which page of a list is asked for.

    Parameters
    ----------
    limit, cursor
        Of the query.
    """

    def __init__(self, limit: int, cursor: str | None) -> None:
        self._limit, self._cursor = limit, cursor

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
        page = statement.order_by(*(key.desc() if descending else key for key in order)).limit(
            self._limit + 1
        )
        if self._cursor is not None:
            page = page.where(_after_cursor(self._cursor, order, descending=descending))
        rows = session.execute(page).all()
        if len(rows) <= self._limit:
            return rows, None
        last: Any = rows[self._limit - 1]
        keys = orjson.dumps([getattr(last[0], key.key) for key in order])
        return rows[: self._limit], base64.urlsafe_b64encode(keys).decode().rstrip("=")


class FeaturePageParams(PageParams):
    """Which page of a list of features is asked for, and in which form.

    Attributes
    ----------
    geojson
        As GeoJSON, which has geometries in any case.
    """

    def __init__(
        self, request: Request, bbox: str | None, format_param: str | None, limit: int, cursor: str | None
    ) -> None:
        super().__init__(limit, cursor)
        self.geojson = wants_geojson(request, format_param)
        self._query, self._bbox = request.url.query, bbox

    def filter_by_bbox(
        self, session: Session, statement: Select[*Columns], model: type[Area | Cell | Entity | Gap]
    ) -> Select[*Columns]:
        """Return the rows whose geometries meet the box, all where none is asked for.

        Raises
        ------
        InputError
            If the box is none.
        """
        bbox = parse_bbox(self._bbox)
        return statement if bbox is None else statement.where(bbox_intersects(session, model, bbox))

    def to_response(
        self,
        items: Sequence[dict[str, Any]],
        next_cursor: str | None,
        *,
        etag_parts: tuple[object, ...] | None = None,
        if_none_match: str | None = None,
    ) -> Response:
        """Return the page as it is asked for; `etag_parts` is what the list depends on beside the query."""
        etag = None if etag_parts is None else make_etag(self.geojson, self._query, *etag_parts)
        return list_response(items, next_cursor, geojson=self.geojson, etag=etag, if_none_match=if_none_match)


async def _page_params(limit: Limit = 100, cursor: Cursor = None) -> PageParams:
    return PageParams(limit, cursor)


async def _feature_page_params(
    request: Request, box: BboxParam = None, f: FormatParam = None, limit: Limit = 100, cursor: Cursor = None
) -> FeaturePageParams:
    return FeaturePageParams(request, box, f, limit, cursor)


PageDep = Annotated[PageParams, Depends(_page_params)]
"""The type of a parameter that takes `limit` and `cursor`."""

FeaturePageDep = Annotated[FeaturePageParams, Depends(_feature_page_params)]
"""The type of a parameter that takes `box`, `f`, `limit` and `cursor`."""


def contains_text(
    text: str, name: InstrumentedAttribute[Any], code: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that a text is part of a name, in any case, or of an identity as it is written."""
    return or_(name.icontains(text, autoescape=True), code.contains(text, autoescape=True))


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
