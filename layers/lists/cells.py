"""The list of cells in force on a day, of a scheme or of an area."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from layers.areas.scope import lies_in
from layers.db.bulk import text_in
from layers.entities.counts import read_counts
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, with_responsibility
from layers.models import Cell
from layers.plans.cells import cells_in_force
from layers.plans.schemes import find_scheme
from layers.staff.vacancies import is_staffed

_COUNTED = {"households": "household", "enterprises": "enterprise"}


def cell_row(cell: Cell) -> ListRow:
    """Return what lists tell of a cell itself."""
    return {
        "id": cell.code,
        "cell_code": cell.code,
        "area_code": cell.area_code,
        "area_m2": round(cell.area_m2, 2),
        "perimeter_m": round(cell.perimeter_m, 2),
        "valid_from": cell.valid_from,
    }


def read_cells(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read cells by code."""
    request.require("scheme")
    scheme = find_scheme(session, str(request.scheme))
    chosen = (
        select(Cell)
        .where(
            cells_in_force(scheme.id, request.on),
            lies_in(Cell.area_code, request.area, request.scope, request.on),
        )
        .options(defer(Cell.geometry))
    )
    if request.staffed is not None:
        held = is_staffed(scheme.id, request.on)
        chosen = chosen.where(held if request.staffed else ~held)
    if request.cells is not None:
        chosen = chosen.where(text_in(session, Cell.code, request.cells))
    total = (
        session.scalar(select(func.count()).select_from(chosen.with_only_columns(Cell.id).subquery())) or 0
    )
    cells: Sequence[Cell] = session.scalars(chosen.order_by(Cell.code).limit(limit).offset(offset)).all()
    counts = read_counts(session, scheme.id, request.on)
    rows = [
        {**cell_row(cell), **{key: counts.get(kind, {}).get(cell.code, 0) for key, kind in _COUNTED.items()}}
        for cell in cells
    ]
    return ListPage(with_responsibility(session, request, scheme.id, rows), total)


CELLS = Listing(
    "cells",
    "网格清单",
    "Cells",
    (
        *RESPONSIBILITY_COLUMNS,
        ListColumn("households", "住户数", "Households", "number"),
        ListColumn("enterprises", "企业数", "Enterprises", "number"),
        ListColumn("area_m2", "面积（平方米）", "Ground area, m²", "number"),
        ListColumn("perimeter_m", "周长（米）", "Perimeter, m", "number"),
        ListColumn("valid_from", "生效日期", "In force since", "date"),
    ),
    read_cells,
)
