"""Common base units of several schemes, cut from their cells in force."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import shapely
from sqlalchemy.orm import Session

from gis.crosswalk import CommonUnits, unify_schemes
from gis.crs import parse_working_crs
from gis.errors import InputError
from gis.progress import Note, Progress
from layers.divisions.method import Division, count_line
from layers.models import Scheme
from layers.plans.cells import cells_as_of
from layers.plans.schemes import find_scheme, used_codes

MAX_LISTED_MISMATCHES = 1_000
"""How many places where schemes do not fit a summary lists; all are counted."""


def divide(
    session: Session,
    scheme: Scheme,
    area_code: str | None = None,
    *,
    schemes: Sequence[str],
    min_width_m: float = 1.0,
    on: date | None = None,
    crs: str | None = None,
    note: Note | None = None,
    progress: Progress | None = None,
) -> Division:
    """Cut the ground of several schemes into units of which the cells of each are made.

    Parameters
    ----------
    area_code
        Only the cells of this area and of those beneath it; all when not given.
    schemes
        The codes of the schemes; a unit keeps that of its cell in each as an attribute of its name.
    min_width_m, progress
        As for `gis.crosswalk.unify_schemes`.
    on
        The day whose cells are meant; today when not given.
    crs
        Metric CRS; that of the scheme when not given.

    Raises
    ------
    InputError
        If a scheme is named twice or has no cells in force there, or as for `unify_schemes`.
    NotFoundError
        If there is no such scheme or area.
    """
    day = on or date.today()
    frames = {}
    for code in schemes:
        if code in frames:
            raise InputError(f"Scheme '{code}' is named twice; name each once.")
        cells = cells_as_of(
            session, find_scheme(session, code).id, day, area_code=area_code, columns=("code", "area_code")
        )
        if cells.empty:
            raise InputError(
                f"No cells of scheme '{code}' are in force there on {day}; publish a plan first."
            )
        frames[code] = cells
    made = unify_schemes(
        frames,
        min_width_m=min_width_m,
        first_number=_next_number(used_codes(session, scheme.id)),
        crs=parse_working_crs(crs or scheme.working_crs),
        progress=progress,
    )
    if note is not None:
        for code, lost in made.without_unit.items():
            if lost:
                note(f"{len(lost):,} cells of scheme '{code}' have no unit, the first is '{lost[0]}'.")
    cells = made.units.assign(area_code=None)
    figures = {**made.summary(), "mismatches": _list_mismatches(made)}
    lines = [count_line(cells), f"{figures['slivers']:,} slivers joined, {figures['overlaps']:,} overlaps"]
    return Division(cells, figures, lines)


def _next_number(codes: set[str]) -> int:
    """Return the number after the largest that a unit has had."""
    return (
        max((int(found[1]) for found in map(re.compile(r"U(\d+)").fullmatch, codes) if found), default=0) + 1
    )


def _list_mismatches(made: CommonUnits) -> list[dict[str, Any]]:
    """List where schemes do not fit, the largest first, with a place in each."""
    largest = made.mismatches.nlargest(MAX_LISTED_MISMATCHES, "area_m2")
    places = shapely.point_on_surface(largest.geometry.to_numpy())
    table = largest.drop(columns="geometry").round({"area_m2": 3, "width_m": 3})
    table = table.assign(lon=shapely.get_x(places).round(7), lat=shapely.get_y(places).round(7))
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]
