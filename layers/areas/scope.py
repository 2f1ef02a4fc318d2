"""Which areas lie beneath one, in SQL."""

from sqlalchemy import Select, cast, select

from layers.models import Area


def select_subtree(area_code: str) -> Select[tuple[str]]:
    """Return the query of an area's code and those of all areas beneath it.

    The area's own code is among them even where the table does not know it.
    """
    # UNION without ALL ends even where parents should run in a circle.
    tree = select(cast(area_code, Area.code.type).label("code")).cte("beneath", recursive=True)
    tree = tree.union(select(Area.code).where(Area.parent == tree.c.code))
    return select(tree.c.code)
