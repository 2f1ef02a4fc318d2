"""The check of a plan: whether its cells are a coverage that fills its area, and what is stored of that."""

import hashlib
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import geopandas as gpd
import shapely
from pyproj import CRS
from sqlalchemy.orm import Session

from gis.errors import ConflictError
from gis.progress import Progress
from gis.topology import TopologyReport, check_topology
from layers.areas.hierarchy import read_area_geometries, read_hierarchy
from layers.days import day_doubt
from layers.gc_pause import paused_gc
from layers.models import Plan, Scheme
from layers.plans.cells import plan_cells
from layers.plans.queries import find_plan
from layers.plans.states import Step, require_step, take_step
from layers.plans.takeover import examine_takeover

MAX_STORED_FINDINGS = 1_000
"""How many findings of a check are stored; all are counted."""


class CheckResult(NamedTuple):
    """What a check found, and the fingerprint of what it looked at.

    Attributes
    ----------
    on
        The day for which the plan might be published.
    hindrances
        Why publishing it for that day would be refused though its cells are valid, a sentence each.
    """

    report: TopologyReport
    fingerprint: str
    on: date
    hindrances: list[str]


class StoredCheck(NamedTuple):
    """The last check of a plan as it is stored.

    Attributes
    ----------
    valid
        Whether the cells are a coverage that fills its area.
    summary
        Count and area_m2 per kind of finding.
    findings
        The first `MAX_STORED_FINDINGS`: kind, severity, codes, area_m2, detail.
    on, hindrances
        As `CheckResult` has them; None and nothing in a check of an earlier version.
    """

    valid: bool
    summary: dict[str, Any]
    findings: list[dict[str, Any]]
    on: str | None
    hindrances: list[str]

    @property
    def publishable(self) -> bool:
        """Whether nothing stood in the way of publishing the plan for that day when it was checked."""
        return self.valid and not self.hindrances


def check_plan(
    session: Session,
    plan_id: int,
    scope: str | None = None,
    *,
    on: date | None = None,
    progress: Progress | None = None,
) -> TopologyReport:
    """Check that the cells of a plan are a coverage that fills its area, and store what is found.

    What else publishing would refuse is found too.

    Parameters
    ----------
    session
        Of `Database.write`.
    scope
        The area that the plan must divide or lie in; None for any.
    on
        The day for which it might be published; today when not given.
    progress
        Called with (steps done, steps).

    Raises
    ------
    ConflictError
        If the plan is published already.
    NotFoundError
        If there is no such plan.
    """
    find_plan(session, plan_id, scope, for_update=True)
    result = examine_plan(session, plan_id, on=on, progress=progress)
    store_check(session, plan_id, result)
    return result.report


@paused_gc()
def examine_plan(
    session: Session,
    plan_id: int,
    scope: str | None = None,
    *,
    on: date | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """Check the cells of a plan as `check_plan` does, and store nothing; any session serves."""
    plan = find_plan(session, plan_id, scope)
    require_step(plan, Step.check)
    crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
    cells, areas = _check_input(session, plan)
    report = check_topology(cells, areas, crs=crs, progress=progress)
    day = on or date.today()
    # The findings are for all who may see the plan.
    takeover = examine_takeover(session, plan, cells, day, read_hierarchy(session), plan.area_code)
    doubt = day_doubt(day)
    hindrances = takeover.hindrances if doubt is None else [doubt, *takeover.hindrances]
    return CheckResult(report, _fingerprint(cells, areas), day, hindrances)


def store_check(session: Session, plan_id: int, result: CheckResult) -> Plan:
    """Store what a check has found, and return the plan.

    The fingerprint tells later whether cells or areas have changed since.

    Raises
    ------
    ConflictError
        If the plan has been published meanwhile.
    NotFoundError
        If there is no such plan.
    """
    plan = find_plan(session, plan_id, for_update=True)
    take_step(plan, Step.check)
    report, table = result.report, result.report.findings
    plan.findings = {
        "valid": report.is_valid,
        "summary": report.summary(),
        "findings": [
            {"kind": kind, "severity": severity, "codes": codes, "area_m2": float(area), "detail": detail}
            for kind, severity, codes, area, detail in zip(
                *(table[column].head(MAX_STORED_FINDINGS) for column in table.columns[:-1]), strict=True
            )
        ],
        "fingerprint": result.fingerprint,
        "on": result.on.isoformat(),
        "hindrances": result.hindrances[:MAX_STORED_FINDINGS],
    }
    plan.checked_at = datetime.now(UTC)
    session.flush()
    return plan


def stored_check(plan: Plan) -> StoredCheck:
    """Return the last check of a plan.

    Raises
    ------
    ConflictError
        If it has not been checked.
    """
    if plan.findings is None:
        raise ConflictError(f"Plan {plan.id} has not been checked; check it first.")
    return StoredCheck(
        **{"on": None, "hindrances": []}
        | {field: plan.findings[field] for field in StoredCheck._fields if field in plan.findings}
    )


def require_found_valid(plan: Plan) -> None:
    """Refuse a plan that was not checked or was found wrong.

    Raises
    ------
    ConflictError
        With what to do.
    """
    if not stored_check(plan).valid:
        raise ConflictError(f"Plan {plan.id} is not valid; mend what its check found and check it again.")


def require_valid(session: Session, plan: Plan) -> gpd.GeoDataFrame:
    """Refuse a plan that was not checked, was found wrong, or has changed since; return its cells.

    Raises
    ------
    ConflictError
        With what to do.
    """
    require_found_valid(plan)
    cells, areas = _check_input(session, plan)
    if plan.findings is None or plan.findings["fingerprint"] != _fingerprint(cells, areas):
        raise ConflictError(
            f"The cells or areas of plan {plan.id} have changed since its check; check again."
        )
    return cells


def _check_input(session: Session, plan: Plan) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return the cells of a plan and the areas that they must fill, None where there are no areas."""
    cells = plan_cells(session, plan.id)
    hierarchy = read_hierarchy(session)
    named = [code for code in cells["area_code"] if code is not None]
    codes = hierarchy.partition(plan.area_code, named)
    return cells, read_area_geometries(session, codes) if codes else None


def _fingerprint(cells: gpd.GeoDataFrame, areas: gpd.GeoDataFrame | None) -> str:
    digest = hashlib.sha256()
    for frame, columns in ((cells, ["code", "area_code"]), (areas, ["code"])):
        if frame is None:
            continue
        for column in columns:
            digest.update(repr(frame[column].tolist()).encode())
        for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
            digest.update(wkb)
    return digest.hexdigest()
