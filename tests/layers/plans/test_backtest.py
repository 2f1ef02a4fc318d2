"""The backtest of a plan against sums that the database makes of its rows."""

from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import select, text

from gis.errors import InputError
from layers.db.bulk import is_postgresql
from layers.db.database import Database
from layers.models import Officer, Post
from layers.plans.backtest import read_backtest, side_figures
from layers.plans.load_ledger import Days, Span, add_up, merge_days
from layers.plans.post_proposals import propose_posts
from layers.plans.publish import publish
from tests.layers.plans.redrawn import MOVED, TODAY, publish_with_entities, redraw_copy

SINCE, UNTIL = date(2026, 1, 10), TODAY - timedelta(days=1)
KEYS = {"household": "households", "enterprise": "enterprises", "sensor": "sensors"}


def recount(session, per, joined=""):
    """Days of entities by kind and whatever a row is counted for, summed by the database."""
    if is_postgresql(session):
        days = "LEAST({0}, :beyond) - GREATEST({1}, :since)"
        forever = "DATE '9999-12-31'"
    else:
        days = "MAX(0, julianday(MIN({0}, :beyond)) - julianday(MAX({1}, :since)))"
        forever = "'9999-12-31'"
    ends = [f"COALESCE(a.valid_to, {forever})"]
    starts = ["a.valid_from"]
    if joined:
        ends.append(f"COALESCE(p.valid_to, {forever})")
        starts.append("p.valid_from")
    least, greatest = ("LEAST", "GREATEST") if is_postgresql(session) else ("MIN", "MAX")
    end, start = (
        f"{function}({', '.join(values)})" if len(values) > 1 else values[0]
        for function, values in ((least, ends), (greatest, starts))
    )
    span = days.format(end, start)
    if is_postgresql(session):
        span = f"GREATEST(0, {span})"
    query = text(
        f"SELECT {per}, e.kind, SUM({span}) FROM assignments a "
        f"JOIN entities e ON e.id = a.entity_id {joined} WHERE a.cell_code IS NOT NULL GROUP BY 1, 2"
    )
    given = {"since": SINCE, "beyond": UNTIL + timedelta(days=1)}
    if not is_postgresql(session):
        given = {key: day.isoformat() for key, day in given.items()}
    return {(owner, KEYS[kind]): int(days) for owner, kind, days in session.execute(query, given) if days}


def told(side):
    return {(each.owner, load): days for each in side for load, days in each.entity_days.items() if days}


@pytest.mark.parametrize(("seed", "distance"), [(0, None), (3, 150.0)])
def test_loads_equal_a_recount_of_rows(database: Database, seed, distance):
    rng = np.random.default_rng(seed)
    with database.write() as session:
        publish_with_entities(session, rng, max_distance_m=distance)
        # An officer who leaves in the middle, and two posts at one cell that overlap.
        officers = session.scalars(select(Officer).order_by(Officer.id)).all()
        posts = session.scalars(select(Post).order_by(Post.id)).all()
        posts[0].valid_to = MOVED
        session.add(
            Post(
                officer_id=officers[1].id, scheme_id=posts[0].scheme_id, cell_code=posts[0].cell_code,
                duty="officer", rank="A", valid_from=MOVED, version=1,
            )
        )  # fmt: skip
        session.flush()
        copy = redraw_copy(session, rng)
        found = read_backtest(session, copy.id, since=SINCE, until=UNTIL)
        assert (found.days, found.loads[:2]) == (50, ("households", "enterprises"))
        assert told(found.before.cells) == recount(session, "a.cell_code")
        assert told(found.before.officers) == recount(
            session, "p.officer_id", "JOIN posts p ON p.cell_code = a.cell_code"
        )
        proposals = propose_posts(session, copy, UNTIL)
        after = {each.owner: each for each in found.after.cells}
        assert {each.owner for each in found.after.officers} == {
            post["officer_id"] for each in proposals for post in each.posts
        }
        for each in found.after.officers:
            codes = {
                one.code for one in proposals if each.owner in {post["officer_id"] for post in one.posts}
            }
            for load in found.loads:
                assert each.entity_days[load] == sum(after[code].entity_days[load] for code in codes)
        # In force over the period, the plan has the same loads.
        publish(session, copy.id, SINCE)
        assert told(found.after.cells) == recount(session, "a.cell_code")
        for side in (found.before.cells, found.after.cells):
            for load in ("households", "enterprises"):
                weighed = sum(each.days * (each.deviations[load] + 1) for each in side)
                assert weighed == pytest.approx(sum(each.days for each in side))
                figures = side_figures(side, load, 0.05)
                assert figures["greatest_deviation"] == max(abs(each.deviations[load]) for each in side)


def test_the_period_is_the_last_year_and_ends_today_at_the_latest(database: Database):
    rng = np.random.default_rng(1)
    with database.write() as session:
        plan = publish_with_entities(session, rng)
        found = read_backtest(session, plan.id)
        assert found.until == date.today()
        assert found.days in {365, 366}
        assert found.since == found.until.replace(year=found.until.year - 1) + timedelta(days=1)
        leap = read_backtest(session, plan.id, until=date(2024, 2, 29))
        assert (leap.since, leap.before.cells) == (date(2023, 3, 1), [])
        assert all(each.deviations["households"] is None for each in leap.after.cells)
        with pytest.raises(InputError, match="before it begins"):
            read_backtest(session, plan.id, since=TODAY, until=SINCE)
        with pytest.raises(InputError, match="what is to come"):
            read_backtest(session, plan.id, until=date.today() + timedelta(days=1))


def test_overlapping_days_count_once():
    first, second = Days(date(2026, 1, 1), date(2026, 1, 11)), Days(date(2026, 1, 6), date(2026, 1, 21))
    assert merge_days([second, first]) == [Days(date(2026, 1, 1), date(2026, 1, 21))]
    spans = [Span("A", "households", Days(date(2025, 1, 1), date(2027, 1, 1)), 3)]
    (one,) = add_up({7: {"A": [first, second]}}, spans, ["households", "sensors"])
    assert (one.days, one.entity_days, one.loads) == (
        20,
        {"households": 60, "sensors": 0},
        {"households": 3.0, "sensors": 0.0},
    )
    assert one.deviations == {"households": 0.0, "sensors": None}
