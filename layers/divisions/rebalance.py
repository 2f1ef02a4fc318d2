"""Cells in force evened out by moving few of their units."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from gis.crs import parse_working_crs
from gis.errors import InputError
from gis.measures import count_keys
from gis.progress import Note, Progress
from layers.divisions.balanced import Weights
from layers.divisions.linework import read_linework
from layers.divisions.method import Division
from layers.divisions.units import WITHIN, find_units_scheme, limit_units, read_units
from layers.models import Scheme
from layers.plans.cells import cells_as_of

MAX_LISTED_MOVES = 1_000
"""How many units that change cells a summary lists; all are counted."""

_COLUMNS = ("code", "name", "kind", "parent", "area_code", "attributes", "personal")


def divide(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    weights: Weights,
    units_scheme: str | None = None,
    budget: float = 0.1,
    lock: str | None = None,
    barriers: Sequence[str] = (),
    seed: int = 0,
    on: date | None = None,
    crs: str | None = None,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Division:
    """Move few units between the cells of a scheme in force until their loads are alike again.

    Where the scheme's rule limits the units of a cell, none gets more.

    Parameters
    ----------
    area_code
        The area whose cells are evened out; all when not given.
    weights, units_scheme, lock, barriers, on, crs
        As for `layers.divisions.balanced.divide`.
    budget, seed, note, progress
        As for `gis.divide.rebalance_cells`.

    Raises
    ------
    InputError
        If no cells or units are in force there, or as for `rebalance_cells`.
    NotFoundError
        If there is no such scheme or area.
    """
    from gis.balance import LoadTarget
    from gis.divide import rebalance_cells

    day = on or date.today()
    cells = cells_as_of(session, scheme.id, day, area_code=area_code, columns=_COLUMNS)
    if not len(cells):
        raise InputError(
            f"No cells of scheme '{scheme.code}' are in force there on {day}; publish a plan first."
        )
    targets = [LoadTarget(**each) for each in weights]
    below = find_units_scheme(session, scheme, units_scheme)
    units = read_units(
        session,
        below,
        day,
        area_code,
        nested_in=frozenset(cells["area_code"]),
        weights=[each.column for each in targets],
    )
    targets += limit_units(scheme, units)
    made = rebalance_cells(
        cells,
        units,
        weights=targets,
        budget=budget,
        unit_cell_field=None,
        within=WITHIN,
        lock=lock,
        barriers=read_linework(session, units, barriers) if barriers else None,
        crs=parse_working_crs(crs or scheme.working_crs),
        seed=seed,
        note=note,
        progress=progress,
    )
    moves = made.moves.drop(columns="geometry")
    figures = {
        **made.report.summary(),
        "moves": moves.head(MAX_LISTED_MOVES).to_dict("records"),
        "pareto": made.pareto.to_dict("records"),
    }
    loads = {each.column for each in targets} | set(count_keys().values())
    kept = made.cells.drop(columns=[name for name in loads if name in made.cells])
    if scheme.unit_scheme_id is None:
        return Division(kept, figures, made.report.lines())
    return Division(
        kept,
        figures,
        made.report.lines(),
        {str(unit): str(cell) for unit, cell in made.cell_of_unit.items()},
        day,
    )
