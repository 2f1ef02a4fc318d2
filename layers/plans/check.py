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
from layers.areas.grounds import AreaGrounds
from layers.areas.hierarchy import read_area_geometries, read_hierarchy
from layers.days import day_doubt
from layers.gc_pause import paused_gc
from layers.models import CoverageMode, Plan, Scheme
from layers.plans.cells import plan_cells
from layers.plans.queries import find_plan
from layers.plans.rule_check import RuleCheck, examine_rules, require_rules_kept
from layers.plans.schemes import unit_rule
from layers.plans.states import Step, require_step, take_step
from layers.plans.takeover import examine_takeover
from layers.plans.unit_check import extend_by_units, find_unit_hindrances, fingerprint_units

MAX_STORED_FINDINGS = 1_000
"""How many findings of a check are stored; all are counted."""


_MAX_NAMED = 5


class CheckResult(NamedTuple):
    """What a check found, and the fingerprint of what it looked at.

    Attributes
    ----------
    units_fingerprint
        That of the units of the day, of a plan over units.
    on
        The day for which the plan might be published.
    hindrances
        Why publishing it for that day would be refused though its cells are valid, a sentence each.
    rules
        Where its cells break the rules of its scheme.
    """

    report: TopologyReport
    fingerprint: str
    units_fingerprint: str | None
    on: date
    hindrances: list[str]
    rules: RuleCheck


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
    rule_counts
        How many cells break each rule of the scheme.
    """

    valid: bool
    summary: dict[str, Any]
    findings: list[dict[str, Any]]
    on: str | None
    hindrances: list[str]
    rule_counts: dict[str, int]

    @property
    def publishable(self) -> bool:
        """Whether nothing but a rule of the scheme stood in the way of publishing it for that day."""
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
        The day for which it might be published; when not given today, or the day of its units if that is
        later.
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
    scheme = session.get_one(Scheme, plan.scheme_id)
    crs, whole = CRS.from_user_input(scheme.working_crs), scheme.coverage == CoverageMode.whole
    day = on or max(date.today(), plan.units_on or date.min)
    cells, areas = check_input(session, plan, day)
    grounds = AreaGrounds(session)
    nested = cells.drop(columns="area_code") if _may_span_areas(scheme) else cells
    if "area_code" in nested:
        # What names an area of another day is told in words of its own.
        absent = nested["area_code"].map(grounds.hierarchy(day).is_absent)
        nested = nested.assign(area_code=nested["area_code"].mask(absent.astype(bool), None))
    report = check_topology(nested, areas, crs=crs, whole=whole, progress=progress)
    report = extend_by_units(session, plan, cells, day, report)
    # The findings are for all who may see the plan.
    takeover = examine_takeover(session, plan, cells, day, grounds, plan.area_code)
    doubt = day_doubt(day)
    hindrances = find_unit_hindrances(session, plan, day) + takeover.hindrances
    return CheckResult(
        report,
        _fingerprint(cells, areas),
        fingerprint_units(session, plan, cells, day),
        day,
        hindrances if doubt is None else [doubt, *hindrances],
        examine_rules(session, plan, cells, day),
    )


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
        "units_fingerprint": result.units_fingerprint,
        "on": result.on.isoformat(),
        "hindrances": result.hindrances[:MAX_STORED_FINDINGS],
        "rules": result.rules.broken,
        "rule_counts": result.rules.counts,
        "rules_asked": result.rules.asked,
    }
    shapes = table.geometry.head(MAX_STORED_FINDINGS)
    plan.finding_shapes = {
        "wkb": [None if shape is None else shapely.to_wkb(shape, hex=True) for shape in shapes]
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
        **{"on": None, "hindrances": [], "rule_counts": {}}
        | {field: plan.findings[field] for field in StoredCheck._fields if field in plan.findings}
    )


def read_finding_shapes(plan: Plan) -> list[shapely.Geometry | None]:
    """Return where the stored findings of a check lie, in their order and in EPSG:4326; None where nowhere.

    A check of an earlier version has none.
    """
    stored = None if plan.findings is None else plan.finding_shapes
    written = [] if stored is None else stored["wkb"]
    return [None if each is None else shapely.from_wkb(each) for each in written]


def require_found_valid(session: Session, plan: Plan) -> None:
    """Refuse a plan that was not checked, was found wrong, or breaks a rule of its scheme without a waiver.

    Raises
    ------
    ConflictError
        With what to do.
    """
    if not stored_check(plan).valid:
        raise ConflictError(f"Plan {plan.id} is not valid; mend what its check found and check it again.")
    require_rules_kept(session, plan)


def require_valid(session: Session, plan: Plan, on: date | None = None) -> gpd.GeoDataFrame:
    """Refuse a plan as `require_found_valid` does, or one that has changed since its check; return its cells.

    Parameters
    ----------
    on
        The day on which the units that the check has seen must be in force; that of the check when not given.

    Raises
    ------
    ConflictError
        With what to do.
    """
    require_found_valid(session, plan)
    assert plan.findings is not None
    checked_on = plan.findings.get("on")
    day = on or (date.today() if checked_on is None else date.fromisoformat(checked_on))
    cells, areas = check_input(session, plan, day)
    if plan.findings["fingerprint"] != _fingerprint(cells, areas):
        if checked_on is not None and (seen := date.fromisoformat(checked_on)) != day:
            _, seen_areas = check_input(session, plan, seen)
            if plan.findings["fingerprint"] == _fingerprint(cells, seen_areas):
                raise ConflictError(
                    f"The areas of plan {plan.id} are others on {day} than on {seen}, for which it was "
                    f"checked: {_differing(seen_areas, areas)}; check it for {day}."
                )
        raise ConflictError(
            f"The cells or areas of plan {plan.id} have changed since its check; check again."
        )
    if plan.findings.get("units_fingerprint") != fingerprint_units(session, plan, cells, day):
        raise ConflictError(
            f"The units of plan {plan.id} in force on {day}, or the rule for them, are not those of its "
            f"check for {checked_on}; check it for {day}."
        )
    return cells


def _differing(one: gpd.GeoDataFrame | None, other: gpd.GeoDataFrame | None) -> str:
    """Return which areas there are in one of two frames or are drawn otherwise, in words."""
    shapes = [
        {} if frame is None else dict(zip(frame["code"], frame.geometry, strict=True))
        for frame in (one, other)
    ]
    said = [
        f"{word} {', '.join(sorted(codes)[:_MAX_NAMED])}{', ...' if len(codes) > _MAX_NAMED else ''}"
        for word, codes in (
            ("without", shapes[0].keys() - shapes[1].keys()),
            ("with", shapes[1].keys() - shapes[0].keys()),
            (
                "otherwise drawn",
                {
                    code
                    for code in shapes[0].keys() & shapes[1].keys()
                    if not shapely.equals_identical(shapes[0][code], shapes[1][code])
                },
            ),
        )
        if codes
    ]
    return ", ".join(said)


def check_input(
    session: Session, plan: Plan, on: date | None = None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return the cells of a plan and the areas that they must fill, None where there are no areas.

    Parameters
    ----------
    on
        The day whose areas are meant; when not given the first day of the plan, or today.
    """
    cells = plan_cells(session, plan.id)
    day = on or plan.valid_from or date.today()
    hierarchy = read_hierarchy(session, day)
    if _may_span_areas(session.get_one(Scheme, plan.scheme_id)):
        codes = hierarchy.top(plan.area_code)
        return cells, read_area_geometries(session, codes, day) if codes else None
    named = [code for code in cells["area_code"] if code is not None]
    codes = hierarchy.partition(plan.area_code, named)
    return cells, read_area_geometries(session, codes, day) if codes else None


def _may_span_areas(scheme: Scheme) -> bool:
    """Return whether cells may have units of several areas, so that some belong to an area above others'."""
    return scheme.unit_scheme_id is not None and not unit_rule(scheme).one_area


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
