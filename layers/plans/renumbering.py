"""Numbering the cells of a draft again: which cells, by whose profile, and which codes are left out."""

from collections.abc import Sequence

import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.china import in_china_border
from gis.codes import choose_profile
from gis.errors import RefusedError
from gis.profiles import Profile, load_profile
from gis.redraw import Renumber
from layers.areas.hierarchy import read_hierarchy
from layers.models import Cell, Plan, Scheme
from layers.plans.schemes import scheme_profile


def complete_renumbering(
    session: Session, plan: Plan, areas: Sequence[str] | None, *, only_new: bool
) -> Renumber:
    """Return the command that numbers the cells of areas and of those beneath them again.

    Parameters
    ----------
    areas
        Codes; None for all that the draft divides.
    only_new
        As `gis.redraw.Renumber` has it.

    Raises
    ------
    NotFoundError
        If there is no such area.
    RefusedError
        If the draft has no cells there.
    InputError
        If the codes of the areas do not fit the profile.
    """
    chosen = select(Cell.code, Cell.area_code).where(Cell.plan_id == plan.id)
    rows = session.execute(chosen.order_by(Cell.code)).all()
    if areas is not None:
        hierarchy = read_hierarchy(session)
        within = set().union(*(hierarchy.subtree(area) for area in areas))
        rows = [row for row in rows if row.area_code in within]
    if not rows:
        raise RefusedError("The draft has no cells there to be numbered.")
    named = sorted({row.area_code for row in rows if row.area_code is not None})
    given = select(Cell.code).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.valid_from.is_not(None),
        Cell.area_code.in_(named),
    )
    return Renumber(
        tuple(row.code for row in rows),
        _profile(session, plan, named, [row.code for row in rows]),
        frozenset(session.scalars(given.distinct())),
        only_new,
    )


def _profile(session: Session, plan: Plan, areas: Sequence[str], codes: Sequence[str]) -> Profile:
    """Return the profile of the scheme; without one that whose form the codes have."""
    own = scheme_profile(session.get_one(Scheme, plan.scheme_id))
    if own is not None:
        return choose_profile(areas, in_china=True, profile=own)
    if {code.rpartition("-")[0] for code in codes} <= set(areas):
        return load_profile("plain")
    ground = session.scalars(select(Cell.geometry).where(Cell.plan_id == plan.id).limit(1)).one()
    point = shapely.point_on_surface(ground)
    return choose_profile(areas, in_china=bool(in_china_border(point.x, point.y)))
