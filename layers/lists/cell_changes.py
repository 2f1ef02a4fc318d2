"""The list of cells that began, ended or changed from one day to another."""

from sqlalchemy.orm import Session

from layers.lists.cells import cell_row
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, with_responsibility
from layers.lists.words import cell_change_name
from layers.plans.cell_queries import find_changes
from layers.plans.schemes import find_scheme


def read_cell_changes(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the cells that differ between `since` and the day, by code; `kind` is begun, ended or changed."""
    request.require("scheme", "since")
    since = request.since
    assert since is not None
    scheme = find_scheme(session, str(request.scheme))
    rows = [
        {
            **cell_row(each.latest),
            "change": cell_change_name(each.change, request.language),
            "area_m2_before": None if each.before is None else round(each.before.area_m2, 2),
            "area_m2": None if each.after is None else round(each.after.area_m2, 2),
            "name": each.latest.name,
        }
        for each in find_changes(session, scheme, since, request.on, request.ground)
        if request.kind in (None, each.change)
    ]
    page = with_responsibility(session, request, scheme.id, rows[offset : offset + limit])
    # A cell that is no more has its name from before.
    return ListPage([{**row, "cell_name": row["cell_name"] or row["name"]} for row in page], len(rows))


CELL_CHANGES = Listing(
    "cell-changes",
    "网格变化清单",
    "Cells that changed",
    (
        ListColumn("change", "变化", "Change"),
        *RESPONSIBILITY_COLUMNS,
        ListColumn("area_m2_before", "原面积（平方米）", "Ground before, m²", "number"),
        ListColumn("area_m2", "面积（平方米）", "Ground area, m²", "number"),
        ListColumn("valid_from", "生效日期", "In force since", "date"),
    ),
    read_cell_changes,
)
