"""Lists in pages: a limit, and a cursor that names the last record of the page before.

It owns the form of cursors; each list says by which columns it is ordered.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from gis.errors import InputError

Record = TypeVar("Record")

Limit = Annotated[int, Query(ge=1, le=1000, description="Records of a page.", examples=[100])]
Cursor = Annotated[
    str | None, Query(max_length=400, description="The `next` of the page before.", examples=[None])
]


class Page(BaseModel, Generic[Record]):
    """Some records of a list; `next` leads to those that follow and is null at the end."""

    items: list[Record]
    next: str | None = Field(examples=[None])


def cursor_of(*keys: int | str) -> str:
    """Return the cursor after a record with these keys."""
    return base64.urlsafe_b64encode(orjson.dumps(keys)).decode().rstrip("=")


def after(
    cursor: str,
    columns: Sequence[InstrumentedAttribute[int] | InstrumentedAttribute[str]],
    *,
    descending: bool = False,
) -> ColumnElement[bool]:
    """Return the condition that rows come after a cursor in the order of columns, or in the reverse order.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
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
