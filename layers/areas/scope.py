"""Which rows a caller bound to an area may see: those of the area and of all areas beneath it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, cast, literal, select, true
from sqlalchemy.orm import Session

from gis.errors import ForbiddenError
from layers.models import Area


def beneath(area_code: str) -> Select[str]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.
    """
    # Without a name of its own a statement may ask for two areas at once.
    # UNION without ALL ends even where parents should run in a circle.
    tree = select(cast(area_code, Area.code.type).label("code")).cte(recursive=True)
    tree = tree.union(select(Area.code).where(Area.parent == tree.c.code))
    return select(tree.c.code)


def within(column: SQLColumnExpression[Any], area_code: str | None) -> ColumnElement[bool]:
    """Return the condition that the area code in a column lies in an area; all do where none is given.

    A row without an area code lies in no area, and is seen only by a caller bound to none.
    """
    return true() if area_code is None else column.in_(beneath(area_code))


def require_within(session: Session, area_code: str | None, scope: str | None) -> None:
    """Refuse what is to be written in an area that does not lie in the scope.

    Raises
    ------
    ForbiddenError
        If it does not.
    """
    if scope is not None and (
        area_code is None or not session.scalar(select(within(literal(area_code), scope)))
    ):
        raise outside_scope(scope)


def outside_scope(scope: str) -> ForbiddenError:
    """Return the one refusal of a write beyond the scope, which tells nothing of what is there."""
    return ForbiddenError(
        f"This lies outside area '{scope}', to which the caller is bound, or belongs to a record outside it."
    )
