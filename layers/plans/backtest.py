"""The backtest of a plan: the loads of its cells and officers, had it been in force over a period."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from sqlalchemy import String, func, select, type_coerce
from sqlalchemy.orm import Session

from gis.errors import InputError, LimitError
from gis.measures import count_keys
from gis.moves import owners
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import text_in
from layers.models import Assignment, Cell, Entity, Plan, Post, Scheme
from layers.plans.cells import cells_as_of, plan_cells, read_cells
from layers.plans.entity_states import read_states
from layers.plans.load_ledger import Days, Held, OwnedLoad, Span, add_up
from layers.plans.post_proposals import propose_posts
from layers.plans.queries import find_plan
from layers.plans.takeover import within_area

NOT_LOOKED_AT = {
    "visits": "visits are not kept in this database",
    "events": "events are not kept in this database",
}
"""What a backtest does not judge, and why."""


class BacktestSide(NamedTuple):
    """The loads of one side: of the cells by their codes, and of the officers by their numbers."""

    cells: list[OwnedLoad[str]]
    officers: list[OwnedLoad[int]]


class Backtest(NamedTuple):
    """A plan judged on a period.

    Attributes
    ----------
    plan
        The plan.
    since, until
        The first and the last day of the period.
    loads
        The keys of the measures that are judged.
    before
        What was: cells in force and officers in post on the days of the period.
    after
        What the plan would have made of the same entities, with the officers whom it proposes.
    names
        The names of the cells of both by their codes.
    """

    plan: Plan
    since: date
    until: date
    loads: tuple[str, ...]
    before: BacktestSide
    after: BacktestSide
    names: dict[str, str]

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.until - self.since).days + 1

    def officer_ids(self) -> set[int]:
        """Return the numbers of the officers of both sides."""
        return {each.owner for side in (self.before, self.after) for each in side.officers}


def read_backtest(
    session: Session,
    plan_id: int,
    *,
    since: date | None = None,
    until: date | None = None,
    scope: str | None = None,
    most_entities: int | None = None,
) -> Backtest:
    """Judge a plan on the entities of a period, on each day where they were then.

    Parameters
    ----------
    since
        The first day; a year before the last one when not given.
    until
        The last day; today when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    most_entities
        The most that are looked at; any number when not given.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    InputError
        If the period ends before it begins or lasts beyond today, or the plan has no cells.
    LimitError
        If there are more entities.
    """
    plan = find_plan(session, plan_id, scope)
    last = until or date.today()
    first = since or _year_before(last)
    if last < first:
        raise InputError(f"The period ends on {last}, before it begins on {first}.")
    if last > date.today():
        raise InputError(f"The period ends on {last}; what is to come cannot be looked at.")
    if most_entities is not None and session.scalar(select(Entity.id).offset(most_entities).limit(1)):
        raise LimitError(f"More than {most_entities:,} entities; judge the plan with wangge plan backtest.")
    period = Days(first, last + timedelta(days=1))
    drawn = plan_cells(session, plan.id)
    if drawn.empty:
        raise InputError(f"Plan {plan.id} has no cells.")
    former = _cells_of_period(session, plan, period)
    loads = tuple(count_keys().values())
    before = BacktestSide(
        add_up(
            {str(code): {str(code): _days(rows, period)} for code, rows in former.groupby("code")},
            spans := _assigned(session, plan.scheme_id, set(former["code"]), period),
            loads,
        ),
        add_up(_posts(session, plan.scheme_id, set(former["code"]), period), spans, loads),
    )
    spans = _assigned_anew(session, plan, drawn, former, period)
    proposed: dict[int, dict[str, list[Days]]] = defaultdict(dict)
    for proposal in propose_posts(session, plan, last):
        for post in proposal.posts:
            proposed[post["officer_id"]][proposal.code] = [period]
    after = BacktestSide(
        add_up({code: {code: [period]} for code in drawn["code"]}, spans, loads),
        add_up(dict(sorted(proposed.items())), spans, loads),
    )
    names = dict(zip(former["code"], former["name"], strict=True))
    names |= dict(zip(drawn["code"], drawn["name"], strict=True))
    return Backtest(plan, first, last, loads, before, after, names)


def _year_before(day: date) -> date:
    """Return the first day of the year that ends on a day."""
    try:
        return day.replace(year=day.year - 1) + timedelta(days=1)
    except ValueError:
        return date(day.year - 1, 3, 1)


def _cells_of_period(session: Session, plan: Plan, period: Days) -> gpd.GeoDataFrame:
    """Read the versions of cells that were in force at some time of a period where a plan divides ground."""
    chosen = select(Cell).where(
        Cell.scheme_id == plan.scheme_id,
        Cell.valid_from < period.end,
        Cell.valid_to.is_(None) | ((Cell.valid_to > period.start) & (Cell.valid_to > Cell.valid_from)),
    )
    cells = read_cells(session, chosen)
    inside, _ = within_area(session, plan.scheme_id, plan.area_code, cells, read_hierarchy(session))
    return cells[inside].reset_index(drop=True)


def _days(rows: pd.DataFrame, period: Days) -> list[Days]:
    """Return the days of a period on which versions of a cell were in force."""
    return [
        _within(period, start, end) for start, end in zip(rows["valid_from"], rows["valid_to"], strict=True)
    ]


def _within(period: Days, start: date, end: date | None) -> Days:
    return Days(max(start, period.start), period.end if end is None else min(end, period.end))


def _assigned(session: Session, scheme_id: int, codes: set[str], period: Days) -> list[Span]:
    """Read what was assigned to cells during a period."""
    keys = count_keys()
    chosen = (
        select(Assignment.cell_code, Entity.kind, Assignment.valid_from, Assignment.valid_to, func.count())
        .join(Entity, Entity.id == Assignment.entity_id)
        .where(
            Assignment.scheme_id == scheme_id,
            text_in(session, type_coerce(Assignment.cell_code, String), codes),
            Entity.kind.in_(list(keys)),
            Assignment.valid_from < period.end,
            Assignment.valid_to.is_(None) | (Assignment.valid_to > period.start),
        )
        .group_by(Assignment.cell_code, Entity.kind, Assignment.valid_from, Assignment.valid_to)
    )
    return [
        Span(code, keys[kind], _within(period, start, end), number)
        for code, kind, start, end, number in session.execute(chosen)
        if code is not None
    ]


def _assigned_anew(
    session: Session, plan: Plan, drawn: gpd.GeoDataFrame, former: gpd.GeoDataFrame, period: Days
) -> list[Span]:
    """Assign what there was during a period to the cells of a plan, and to those that lie beside it."""
    scheme, keys = session.get_one(Scheme, plan.scheme_id), count_keys()
    beside = cells_as_of(session, plan.scheme_id, period.end - timedelta(days=1))
    beside = beside[~beside["code"].isin(former["code"]) & ~beside["code"].isin(drawn["code"])]
    cells = pd.concat([drawn[["code", "geometry"]], beside[["code", "geometry"]]], ignore_index=True)
    states = read_states(session, period.start, period.end - timedelta(days=1))
    codes = owners(
        states.geometries,
        gpd.GeoDataFrame(cells, geometry="geometry", crs=drawn.crs),
        max_distance_m=scheme.rules.get("max_distance_m"),
        crs=CRS.from_user_input(scheme.working_crs),
    )
    own = set(drawn["code"])
    counted: Counter[tuple[str, str, Days]] = Counter()
    for code, kind, start, end in zip(codes, states.kinds, states.starts, states.ends, strict=True):
        if code in own and kind in keys:
            counted[code, keys[kind], Days(start, end)] += 1
    return [Span(*key, number) for key, number in counted.items()]


def _posts(session: Session, scheme_id: int, codes: set[str], period: Days) -> Held[int]:
    """Read which officers had posts at cells during a period."""
    chosen = select(Post.officer_id, Post.cell_code, Post.valid_from, Post.valid_to).where(
        Post.scheme_id == scheme_id,
        text_in(session, Post.cell_code, codes),
        Post.valid_from < period.end,
        Post.valid_to.is_(None) | ((Post.valid_to > period.start) & (Post.valid_to > Post.valid_from)),
    )
    held: dict[int, dict[str, list[Days]]] = defaultdict(lambda: defaultdict(list))
    for officer, code, start, end in session.execute(chosen.order_by(Post.officer_id)):
        assert code is not None
        held[officer][code].append(_within(period, start, end))
    return held


def side_figures(side: list[OwnedLoad[Any]], load: str, tolerance: float) -> dict[str, float | int | None]:
    """Return of one load what a day has in all, the mean of an owner, and how far owners are from it."""
    days = sum(each.days for each in side)
    total = sum(each.entity_days[load] for each in side)
    far = [abs(each.deviations[load] or 0.0) for each in side if each.deviations[load] is not None]
    return {
        "owners": len(side),
        "mean": total / days if days else 0.0,
        "greatest_deviation": max(far, default=None),
        "mean_deviation": float(np.mean(far)) if far else None,
        "out_of_tolerance": sum(each > tolerance for each in far),
    }
