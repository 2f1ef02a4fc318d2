"""Gaps of a run put together by community, by street, by who answers for them, or by kind."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, and_, false, or_, select
from sqlalchemy.orm import Session

from gis.gaps import SEVERITIES
from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.versions import standing_areas
from layers.db.bulk import id_in, read_rows
from layers.gaps.gap_grounds import GapGround, gaps_within, grounds_seen
from layers.gaps.run_visibility import SchemeRun
from layers.lists.gap_places import responsible_for
from layers.lists.listing import ListRequest, ListRow
from layers.models import Area, Gap, GapRun


class GapGrouping(StrEnum):
    """By what gaps are put together."""

    community = "community"
    """The lowest area."""
    street = "street"
    """The area above the lowest one."""
    officer = "officer"
    """Who answers for them."""
    kind = "kind"


@dataclass
class GapGroup:
    """Some gaps that belong together.

    Attributes
    ----------
    key
        Code of the area, number of the officer, or the kind; None for gaps that have none.
    name
        What people call it.
    detail
        The names of the areas above.
    severities, kinds
        How many gaps there are of each.
    """

    key: str | None
    name: str | None
    detail: str | None
    severities: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def group_gaps(session: Session, request: ListRequest, run: GapRun, by: GapGrouping) -> list[GapGroup]:
    """Return the groups of a run's gaps on the ground asked for, those with the most severe gaps first."""
    rows, grounds = _read_gaps(session, request, run)
    answers = (
        responsible_for(session, request, run.scheme_id, set(grounds)) if by is GapGrouping.officer else {}
    )
    hierarchy, names = read_hierarchy(session, run.on), _area_names(session, run.on)
    groups: dict[str | None, GapGroup] = {}
    for (_, kind, severity, *_), ground in zip(rows, grounds, strict=True):
        if by is GapGrouping.kind:
            group = GapGroup(kind, None, None)
        elif by is GapGrouping.officer:
            group = _officer_group(answers[ground])
        else:
            group = _area_group(ground.area_code, by, hierarchy, names)
        group = groups.setdefault(group.key, group)
        group.severities[severity] += 1
        group.kinds[kind] += 1
    return sorted(
        groups.values(),
        key=lambda group: (*(-group.severities[severity] for severity in SEVERITIES), str(group.key)),
    )


def _officer_group(answer: ListRow) -> GapGroup:
    return GapGroup(answer["person_number"], answer["person"], None)


def _area_group(
    code: str | None, by: GapGrouping, hierarchy: AreaHierarchy, names: dict[str, str]
) -> GapGroup:
    if code is None:
        return GapGroup(None, None, None)
    above = hierarchy.ancestors(code)
    if by is GapGrouping.street and above and hierarchy.leaves(code) == {code}:
        code, above = above[0], above[1:]
    detail = " / ".join(names.get(each, each) for each in reversed(above))
    return GapGroup(code, names.get(code, code), detail or None)


def narrowed(
    session: Session, request: ListRequest, runs: Sequence[SchemeRun], officer: str | None
) -> ColumnElement[bool]:
    """Return the condition that a gap of some runs is one asked for, and one of an officer where named."""
    restrictions = _restrictions(session, request, [run.id for run, _ in runs])
    if officer is not None:
        restrictions.append(or_(false(), *(_answered_by(session, request, run, officer) for run, _ in runs)))
    return and_(*restrictions)


def _answered_by(session: Session, request: ListRequest, run: GapRun, number: str) -> ColumnElement[bool]:
    """Return the condition that a gap of a run is one for which an officer answers."""
    rows, grounds = _read_gaps(session, request, run)
    by_ground: dict[GapGround, list[int]] = defaultdict(list)
    for row, ground in zip(rows, grounds, strict=True):
        by_ground[ground].append(row.id)
    answers = responsible_for(session, request, run.scheme_id, by_ground.keys())
    own = [
        gap
        for ground, gaps in by_ground.items()
        for gap in gaps
        if answers[ground]["person_number"] == number
    ]
    return id_in(session, Gap.id, own)


def _read_gaps(
    session: Session, request: ListRequest, run: GapRun
) -> tuple[Sequence[Row[int, str, str, str | None, str | None]], list[GapGround]]:
    """Read the gaps of a run that are asked for, and where they lie for the caller."""
    chosen = select(Gap.id, Gap.kind, Gap.severity, Gap.cell_code, Gap.area_code).where(
        Gap.run_id == run.id, *_restrictions(session, request, [run.id])
    )
    rows = session.execute(chosen).all()
    return rows, grounds_seen(session, request.scope, run, rows)


def _restrictions(
    session: Session, request: ListRequest, run_ids: Collection[int]
) -> list[ColumnElement[bool]]:
    chosen = [gaps_within(session, run_ids, each) for each in {request.scope, request.ground}]
    for column, value in ((Gap.kind, request.kind), (Gap.severity, request.severity)):
        if value is not None:
            chosen.append(column == value)
    return chosen


def _area_names(session: Session, on: date) -> dict[str, str]:
    chosen = select(Area.code, Area.name).where(standing_areas(on))
    return {code: name for code, name in read_rows(session, chosen)}  # noqa: C416
