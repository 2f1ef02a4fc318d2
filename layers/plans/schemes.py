"""Schemes: one purpose with its rules, and the codes it has given."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.cell_rules import CELL_RULES, CellRule, read_cell_rules
from gis.crs import LONLAT, choose_working_crs, parse_working_crs
from gis.errors import ConflictError, InputError, NotFoundError
from gis.gaps import GAP_KINDS, GapRules
from gis.kinds import CELL_KINDS, DIVIDED_KINDS
from gis.levels import UnitRule
from gis.levels.unit_rule import RULE_NAME
from gis.profiles import Profile, load_profile
from layers.areas.versions import areas_in_force
from layers.db.bulk import decode_geometries, raw_geometry
from layers.db.content_hash import canonical_json
from layers.db.keyset import PageRequest
from layers.db.locks import lock_scheme
from layers.db.versions import require_version
from layers.models import Area, Cell, CoverageMode, Plan, Scheme

_MAX_DISTANCE_RULE = "max_distance_m"
_MAX_DISTANCE_LIMIT_M = 1_000_000
_PROFILE_RULE = "profile"
_APPROVAL_RULE = "approval"
_FOUR_EYES_RULE = "four_eyes"
_PUBLISH_LEADERS_RULE = "publish_leaders"
_ROTATION_RULE = "rotation_months"
_MAX_ROTATION_MONTHS = 600

# The first of the two numbers of PostgreSQL's advisory locks; the second is the scheme.


def create_scheme(
    session: Session,
    code: str,
    name: str,
    *,
    working_crs: str | None = None,
    rules: dict[str, Any] | None = None,
    unit_scheme: str | None = None,
    coverage: CoverageMode = CoverageMode.whole,
) -> Scheme:
    """Create a scheme.

    Parameters
    ----------
    code
        Unique, for example "community".
    working_crs
        Metric CRS in which its cells are measured and checked; when not given that of the unit scheme, or
        chosen from the extent of all areas.
    rules
        `max_distance_m`: entities outside all cells go to the nearest cell this near, in metres. `approval`:
        only an approved plan is published. `four_eyes`: nobody approves or publishes a plan that they made,
        edited or submitted. `rotation_months`: how long an officer has a post before rotation is due.
        `publish_leaders`: maps show leaders by their published names. Beside these the tables of
        `gis.gaps.GapRules` and of `gis.cell_rules`, and `units`, the table of `gis.levels.UnitRule`, if it is
        made of units.
    unit_scheme
        Code of the scheme whose cells are the units of which this one's are made.
    coverage
        Whether its plans cover their areas whole or in part.

    Raises
    ------
    InputError
        If code or name are empty, the CRS is not metric, none is given and there are no areas, or a rule
        does not fit.
    NotFoundError
        If there is no such unit scheme.
    ConflictError
        If the code is taken.
    """
    if not code.strip() or not name.strip():
        raise InputError("A scheme needs a code and a name.")
    if session.scalar(select(Scheme.id).where(Scheme.code == code)) is not None:
        raise ConflictError(f"There is a scheme '{code}' already.")
    units = None if unit_scheme is None else find_scheme(session, unit_scheme)
    validated = _validate_rules(rules or {}, over_units=units is not None)
    if working_crs is None and units is not None:
        working_crs = units.working_crs
    elif working_crs is None:
        geometries = decode_geometries(
            session,
            session.scalars(select(raw_geometry(session, Area.geometry)).where(areas_in_force())).all(),
        )
        if not len(geometries):
            raise InputError("There are no areas to choose a working CRS from; load areas or name the CRS.")
        working_crs = choose_working_crs(gpd.GeoDataFrame(geometry=geometries, crs=LONLAT)).to_string()
    scheme = Scheme(
        code=code,
        name=name,
        working_crs=parse_working_crs(working_crs).to_string(),
        rules=validated,
        unit_scheme=units,
        coverage=CoverageMode(coverage),
        created_at=datetime.now(UTC),
        version=1,
    )
    session.add(scheme)
    session.flush()
    return scheme


def gap_rules(scheme: Scheme) -> GapRules:
    """Return the rules by which gaps are looked for in a scheme: its own, and the defaults for the rest."""
    tables = {name: table for name, table in scheme.rules.items() if name in GAP_KINDS or name == "severity"}
    return GapRules.from_mapping(tables)


def scheme_profile(scheme: Scheme) -> Profile | None:
    """Return the profile that the cells of a scheme follow, None if its rules name none."""
    name = scheme.rules.get(_PROFILE_RULE)
    return None if name is None else load_profile(name)


def border_colour(scheme: Scheme) -> str | None:
    """Return the colour that the profile of a scheme gives the borders of cells, None if it gives none."""
    profile = scheme_profile(scheme)
    return None if profile is None or profile.border is None else profile.border.colour


def scheme_labels(scheme: Scheme) -> dict[str, dict[str, dict[str, str]]]:
    """Return words in both languages by key: for kinds of cells, and what else the profile names."""
    profile = scheme_profile(scheme)
    own = {} if profile is None else profile.labels
    groups = {**own, "kinds": {**CELL_KINDS, **DIVIDED_KINDS, **own.get("kinds", {})}}
    return {name: {key: text._asdict() for key, text in group.items()} for name, group in groups.items()}


def unit_rule(scheme: Scheme) -> UnitRule:
    """Return the rule that the units of each cell of a scheme must keep: its own, and the defaults."""
    return UnitRule.from_mapping(scheme.rules.get(RULE_NAME, {}))


def cell_rules(scheme: Scheme) -> list[CellRule]:
    """Return the rules that each cell of a scheme must keep."""
    return read_cell_rules(scheme.rules)


def needs_approval(scheme: Scheme) -> bool:
    """Return whether only approved plans of a scheme are published."""
    return scheme.rules.get(_APPROVAL_RULE, False) is True


def needs_four_eyes(scheme: Scheme) -> bool:
    """Return whether nobody approves or publishes a plan of a scheme that is their own work."""
    return scheme.rules.get(_FOUR_EYES_RULE, False) is True


def publishes_leaders(scheme: Scheme) -> bool:
    """Return whether maps show the leaders of a scheme by their published names."""
    return scheme.rules.get(_PUBLISH_LEADERS_RULE, False) is True


def rotation_months(rules: Mapping[str, Any]) -> int | None:
    """Return after how many months at a post rotation is due by the rules of a scheme; None for never."""
    months: int | None = rules.get(_ROTATION_RULE)
    return months


def schemes_above(session: Session, scheme_id: int) -> Sequence[Scheme]:
    """Return the schemes whose units are the cells of a scheme, in the order in which they were made."""
    chosen = select(Scheme).where(Scheme.unit_scheme_id == scheme_id).order_by(Scheme.id)
    return session.scalars(chosen).all()


def list_schemes(session: Session, page: PageRequest) -> tuple[Sequence[Scheme], str | None]:
    """Return a page of schemes in the order of their codes, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(Scheme), Scheme.code)
    return [scheme for (scheme,) in rows], next_cursor


def change_scheme(
    session: Session,
    code: str,
    version: int,
    *,
    name: str | None = None,
    rules: Mapping[str, Any] | None = None,
    unit_scheme: str | None = None,
    coverage: CoverageMode | None = None,
) -> Scheme:
    """Give a scheme another name or other rules; its code and CRS stay, since plans depend on them.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the change is based on.
    name
        The new name; None lets the old one stay.
    rules
        As for `update_rules`; None lets all stay.
    unit_scheme
        Code of the scheme whose cells are its units from now on; None lets it stay.
    coverage
        The new mode; None lets it stay.

    Raises
    ------
    NotFoundError
        If there is no such scheme, or unit scheme.
    StaleError
        If the scheme has another version by now.
    ConflictError, InputError
        As for `update_rules`; also if the unit scheme is to change and there are plans, or is made of this
        scheme's cells itself, or if the coverage is to change and cells are published.
    """
    scheme = find_scheme(session, code)
    session.refresh(scheme, with_for_update=True)
    require_version(scheme.version, version)
    if name is not None:
        scheme.name = name
    if unit_scheme is not None:
        _change_units(session, scheme, unit_scheme)
    if coverage is not None and coverage != scheme.coverage:
        if _has_published(session, scheme):
            raise ConflictError(
                f"Scheme '{scheme.code}' has published cells, which were checked for its coverage; "
                "make another scheme."
            )
        scheme.coverage = coverage
    if rules is not None:
        update_rules(session, scheme, rules)
    scheme.version += 1
    session.flush()
    return scheme


def _change_units(session: Session, scheme: Scheme, code: str) -> None:
    """Put a scheme on the level above another, unless that one is above it."""
    # Two changes at once could close a circle of which neither sees the whole. No scheme has this number.
    lock_scheme(session, 0)
    units = find_scheme(session, code)
    below: Scheme | None = units
    if units.id == scheme.unit_scheme_id:
        return
    if session.scalar(select(Plan.id).where(Plan.scheme_id == scheme.id).limit(1)) is not None:
        raise ConflictError(
            f"Scheme '{scheme.code}' has plans, whose cells are made otherwise; make another scheme."
        )
    while below is not None:
        if below.id == scheme.id:
            raise ConflictError(
                f"The cells of scheme '{code}' are "
                + ("the scheme's own" if units.id == scheme.id else f"made of those of '{scheme.code}'")
                + "; they cannot be its units."
            )
        below = below.unit_scheme
    scheme.unit_scheme = units


def update_rules(session: Session, scheme: Scheme, changes: Mapping[str, Any]) -> None:
    """Give a scheme other rules.

    Parameters
    ----------
    changes
        Each rule or table named replaces the one of its name; None removes it. What is not named stays.

    Raises
    ------
    ConflictError
        If `max_distance_m` is to change after cells were published: assignments depend on it.
    InputError
        If a rule does not fit.
    """
    merged = {**scheme.rules, **changes}
    rules = _validate_rules(
        {name: rule for name, rule in merged.items() if rule is not None},
        over_units=scheme.unit_scheme is not None,
    )
    if rules.get(_MAX_DISTANCE_RULE) != scheme.rules.get(_MAX_DISTANCE_RULE) and _has_published(
        session, scheme
    ):
        raise ConflictError(
            f"Scheme '{scheme.code}' has published cells, and who belongs to them depends on its "
            f"{_MAX_DISTANCE_RULE}; make another scheme."
        )
    scheme.rules = rules


def _has_published(session: Session, scheme: Scheme) -> bool:
    published = select(Cell.id).where(Cell.scheme_id == scheme.id, Cell.valid_from.is_not(None)).limit(1)
    return session.scalar(published) is not None


def _validate_rules(rules: Mapping[str, Any], *, over_units: bool) -> dict[str, Any]:
    """Return rules that fit."""
    distance = rules.get(_MAX_DISTANCE_RULE)
    if distance is not None and not (
        isinstance(distance, int | float)
        and not isinstance(distance, bool)
        and 0 <= distance <= _MAX_DISTANCE_LIMIT_M
    ):
        raise InputError(
            f"The rule {_MAX_DISTANCE_RULE} must be a number of metres "
            f"from 0 to {_MAX_DISTANCE_LIMIT_M:,}, not {distance!r}."
        )
    if RULE_NAME in rules and not over_units:
        raise InputError(
            f"The rules' '{RULE_NAME}' are for a scheme that is made of another's cells; this one is not."
        )
    UnitRule.from_mapping(rules.get(RULE_NAME, {}))
    profile = rules.get(_PROFILE_RULE)
    if profile is not None:
        if not isinstance(profile, str):
            raise InputError(f"The rule {_PROFILE_RULE} must be the name of a profile, not {profile!r}.")
        load_profile(profile)
    months = rules.get(_ROTATION_RULE)
    if months is not None and not (
        isinstance(months, int) and not isinstance(months, bool) and 1 <= months <= _MAX_ROTATION_MONTHS
    ):
        raise InputError(
            f"The rule {_ROTATION_RULE} must be a whole number of months from 1 to {_MAX_ROTATION_MONTHS}, "
            f"not {months!r}."
        )
    for name in (_APPROVAL_RULE, _FOUR_EYES_RULE, _PUBLISH_LEADERS_RULE):
        if not isinstance(rules.get(name, False), bool):
            raise InputError(f"The rule {name} must be true or false, not {rules[name]!r}.")
    read_cell_rules(rules)
    others = {
        *(_MAX_DISTANCE_RULE, RULE_NAME, _PROFILE_RULE, _APPROVAL_RULE, _FOUR_EYES_RULE),
        *(_PUBLISH_LEADERS_RULE, _ROTATION_RULE),
        *CELL_RULES,
    }
    GapRules.from_mapping({name: table for name, table in rules.items() if name not in others})
    canonical_json(rules)
    return dict(rules)


def find_scheme(session: Session, code: str) -> Scheme:
    """Return the scheme with a code.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    scheme = session.scalar(select(Scheme).where(Scheme.code == code))
    if scheme is None:
        raise NotFoundError(f"There is no scheme '{code}'.")
    return scheme


def used_codes(session: Session, scheme_id: int) -> set[str]:
    """Return every code that a published cell of the scheme has or ever had: what a division must not reuse.

    A plan that redraws cells and means other cells by them passes these to `gis.divide`; one that means the
    same cells with moved borders keeps their codes.
    """
    codes = select(Cell.code).where(Cell.scheme_id == scheme_id, Cell.valid_from.is_not(None)).distinct()
    return set(session.scalars(codes))
