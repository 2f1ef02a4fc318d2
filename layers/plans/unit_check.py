"""The check of a plan over units: what it finds in the units of a day, and by what these are known again."""

import hashlib
from datetime import date

import geopandas as gpd
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.levels import UNIT_FINDING_KINDS, check_units
from gis.topology import TopologyReport
from layers.areas.scope import within
from layers.db.bulk import read_rows
from layers.models import Cell, CoverageMode, Plan, Scheme
from layers.plans.cells import cells_as_of, cells_in_force
from layers.plans.schemes import unit_rule
from layers.plans.states import is_in_force
from layers.plans.units import UNIT_COLUMNS, members_by_code


def extend_by_units(
    session: Session, plan: Plan, cells: gpd.GeoDataFrame, on: date, report: TopologyReport
) -> TopologyReport:
    """Add to what is found in the cells of a plan what is found in its units, if it is over units.

    Parameters
    ----------
    cells
        Those of the plan, as `layers.plans.cells.plan_cells` reads them.
    on
        The day on which the units must be in force.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    if scheme.unit_scheme_id is None:
        return report
    units = cells_as_of(session, scheme.unit_scheme_id, on, area_code=plan.area_code, columns=UNIT_COLUMNS)
    findings = check_units(
        cells,
        units,
        members_by_code(session, cells),
        unit_rule(scheme),
        crs=CRS.from_user_input(scheme.working_crs),
        whole=scheme.coverage == CoverageMode.whole,
    )
    return report.extended(findings, UNIT_FINDING_KINDS)


def find_unit_hindrances(session: Session, plan: Plan, on: date) -> list[str]:
    """Return why a draft that was carried through from another waits for that one, a sentence each."""
    if plan.carried_from_id is None:
        return []
    source = session.get_one(Plan, plan.carried_from_id)
    if is_in_force(source, on):
        return []
    below = session.get_one(Scheme, source.scheme_id).code
    return [f"Plan {source.id} of scheme '{below}', whose cells are the units, is not in force on {on}."]


def fingerprint_units(session: Session, plan: Plan, cells: gpd.GeoDataFrame, on: date) -> str | None:
    """Return a digest of what the check of units looks at on a day; None for a plan that is not over units.

    Versions of units are never changed, so that their numbers stand for them.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    if scheme.unit_scheme_id is None:
        return None
    inside = cells_in_force(scheme.unit_scheme_id, on)
    chosen = select(Cell.id).where(inside, within(Cell.area_code, plan.area_code, on))
    digest = hashlib.sha256()
    digest.update(repr([row[0] for row in read_rows(session, chosen.order_by(Cell.id))]).encode())
    members = members_by_code(session, cells).sort_values(["unit", "cell"])
    digest.update(repr(members["unit"].tolist()).encode() + repr(members["cell"].tolist()).encode())
    digest.update(repr(unit_rule(scheme)).encode())
    return digest.hexdigest()
