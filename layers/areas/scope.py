"""Which rows a caller bound to an area may see: those of the area and of all areas beneath it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, cast, select, true

from layers.models import Area


def beneath(area_code: str) -> Select[tuple[str]]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.
    """
    # UNION without ALL ends even where parents should run in a circle.
    tree = select(cast(area_code, Area.code.type).label("code")).cte(recursive=True)
    tree = tree.union(select(Area.code).where(Area.parent == tree.c.code))
    return select(tree.c.code)


def within(column: SQLColumnExpression[Any], area_code: str | None) -> ColumnElement[bool]:
    """Return the condition that the area code in a column lies in an area; all do where none is given.

    A row without an area code lies in no area, and is seen only by a caller bound to none.
    """
    return true() if area_code is None else column.in_(beneath(area_code))
