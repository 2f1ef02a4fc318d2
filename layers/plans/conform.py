"""Whether the cells of a plan follow a profile."""

from datetime import date

from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from gis.conform import Certificate, ConformInput, certify
from gis.errors import InputError
from gis.profiles import Profile, complete_record, load_profile
from layers.models import Cell, Plan, Scheme
from layers.plans.check import check_input
from layers.plans.schemes import scheme_profile
from layers.plans.takeover import returning_codes


def chosen_profile(session: Session, plan: Plan, name: str | None) -> Profile:
    """Return the profile to judge a plan by: the named one, or that of its scheme's rules.

    Raises
    ------
    InputError
        If there is none.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    profile = load_profile(name) if name else scheme_profile(scheme)
    if profile is None:
        raise InputError(
            f"The rules of scheme '{scheme.code}' name no profile to judge the plan by; "
            "give the parameter profile."
        )
    return profile


def certify_plan(session: Session, plan: Plan, profile: Profile) -> Certificate:
    """Judge the cells of a plan by a profile, with the areas they divide and the codes that have ended.

    The initial date of cells that are not in force yet is the day that the plan is for, or today. Buildings
    and units are not looked at.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    cells, areas = check_input(session, plan)
    if cells["valid_from"].isna().all():
        cells = cells.drop(columns=["valid_from", "valid_to"])
    for name in (name for attribute in profile.record for name in attribute.columns):
        if name not in cells.columns and any(name in each for each in cells["attributes"]):
            cells[name] = [each.get(name) for each in cells["attributes"]]
    given = ConformInput(
        profile,
        complete_record(cells, profile, plan.valid_from or date.today()),
        CRS.from_user_input(scheme.working_crs),
        areas=areas,
        ended=_ended_codes(session, plan) - returning_codes(session, plan, cells, date.today()),
    )
    return certify(given)


def _ended_codes(session: Session, plan: Plan) -> frozenset[str]:
    """Return the codes of the scheme that have ended, but for those of the plan's own cells."""
    going_on = aliased(Cell)
    in_force = select(going_on.id).where(
        going_on.scheme_id == plan.scheme_id,
        going_on.code == Cell.code,
        going_on.valid_from.is_not(None),
        going_on.valid_to.is_(None),
    )
    ended = select(Cell.code).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.plan_id != plan.id,
        Cell.valid_to.is_not(None),
        ~in_force.exists(),
    )
    # Cells of a plan that has ended itself have the codes of the cells they went on from.
    return frozenset() if plan.valid_to is not None else frozenset(session.scalars(ended))
