"""Lists as people read them and take them away: entities, cells, gaps and what changed, a row each.

Every row names the cell, the area and who answers for it. Files of them are written by `layers.formats`; who
may see a person's name is decided in `api`. A list is a module that says what its columns are and reads its
rows; `LISTS` is the catalogue of them.
"""

from collections.abc import Mapping

from layers.lists.cell_changes import CELL_CHANGES
from layers.lists.cells import CELLS
from layers.lists.entities import ENTITIES
from layers.lists.gap_changes import GAP_CHANGES
from layers.lists.gaps import GAPS
from layers.lists.handover import HANDOVER
from layers.lists.listing import MAX_ROWS, ListColumn, Listing, ListRequest, ListRow
from layers.lists.plan_changes import MOVED_ENTITIES, PLAN_CHANGES
from layers.lists.posts import POSTS, ROTATION
from layers.lists.search import SEARCH

__all__ = ["LISTS", "MAX_ROWS", "ListColumn", "ListRequest", "ListRow", "Listing"]

LISTS: Mapping[str, Listing] = {
    each.name: each
    for each in (
        ENTITIES,
        CELLS,
        GAPS,
        CELL_CHANGES,
        GAP_CHANGES,
        HANDOVER,
        POSTS,
        ROTATION,
        PLAN_CHANGES,
        MOVED_ENTITIES,
        SEARCH,
    )
}
"""All lists by their names."""
