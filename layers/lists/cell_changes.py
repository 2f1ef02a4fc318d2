"""The list of cells that began, ended or changed from one day to another."""

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from gis.errors import InputError
from layers.areas.scope import within
from layers.lists.cells import cell_row
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, with_responsibility
from layers.lists.words import cell_change_name
from layers.models import Cell
from layers.plans.cells import cells_in_force
from layers.plans.schemes import find_scheme


def read_cell_changes(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the cells that differ between `since` and the day, by code; `kind` is begun, ended or changed."""
    request.require("scheme", "since")
    since = request.since
    assert since is not None
    if request.on < since:
        raise InputError(f"since={since} is later than {request.on}; give the former day as since.")
    scheme = find_scheme(session, str(request.scheme))
    then, now = cells_in_force(scheme.id, since), cells_in_force(scheme.id, request.on)
    own = select(Cell).where(within(Cell.area_code, request.ground)).options(defer(Cell.geometry))
    before = {cell.code: cell for cell in session.scalars(own.where(then, ~now))}
    after = {cell.code: cell for cell in session.scalars(own.where(now, ~then))}
    rows = []
    for code in sorted(before.keys() | after.keys()):
        change = "begun" if code not in before else "ended" if code not in after else "changed"
        if request.kind in (None, change):
            former, latter = before.get(code), after.get(code)
            rows.append(
                {
                    **cell_row(latter or before[code]),
                    "change": cell_change_name(change, request.language),
                    "area_m2_before": None if former is None else round(former.area_m2, 2),
                    "area_m2": None if latter is None else round(latter.area_m2, 2),
                    "name": (latter or before[code]).name,
                }
            )
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
