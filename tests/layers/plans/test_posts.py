"""Posts follow the ground: what becomes of them when plans come into force, day by day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.errors import ConflictError
from layers.db.database import Database
from layers.models import Cell, GroupCell, Officer, Post, Scheme
from layers.plans.post_proposals import choose_posts
from layers.plans.posts import FollowedPosts
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.plans.take_back import take_back
from layers.staff.absences import add_absence
from layers.staff.groups import create_group
from layers.staff.officers import create_officer, end_officer
from layers.staff.posts import add_post
from layers.staff.responsible import HeldPost, groups_of_cells, read_responsibility
from tests.layers.squares import COUNTY, SQUARES_OF, Owners, add_areas, add_entity, draft, spot

MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))
COLUMNS: Owners = {square: "abcd"[square[0]] for square in SQUARES_OF[COUNTY]}


@pytest.fixture
def scheme(database: Database) -> int:
    """A scheme with a cell for each column of squares from March on, and a leader in each: A, B, C, D."""
    with database.write() as session:
        add_areas(session)
        number = create_scheme(session, "community", "社区网格").id
        put_in_force(session, number, COLUMNS, MARCH)
        for code in "abcd":
            appoint(session, code, code.upper())
        return number


def put_in_force(session: Session, scheme: int, owners: Owners, on: date) -> FollowedPosts:
    done = publish(session, draft(session, scheme, owners, parent=COUNTY).id, on).posts
    assert holes(session, scheme) == []
    return done


def appoint(session: Session, code: str, name: str, on: date = MARCH, rank: str = "A") -> Post:
    officer = session.scalar(select(Officer).where(Officer.external_id == name)) or create_officer(
        session, name, area_code=None, personal={}, attributes={}, on=MARCH
    )
    return add_post(
        session, officer, scheme="community", cell_code=code, duty="leader", rank=rank, on=on, scope=None
    ).post  # type: ignore[arg-type]


def add_households(session: Session, square: tuple[int, int], number: int) -> None:
    for each in range(number):
        add_entity(session, f"{square} {each}", spot(square), MARCH).kind = "household"
    session.flush()


def posts_in_cell(session: Session, scheme: int, code: str, day: date) -> Sequence[HeldPost]:
    return read_responsibility(session, scheme, [code], (), day).cells.get(code, [])


def on_day(session: Session, scheme: int, day: date) -> dict[str, str]:
    """Who answers for each cell on a day, the ranks A before B."""
    held = {}
    for code in sorted(session.scalars(select(Post.cell_code).distinct())):
        names = [post.officer.external_id for post in posts_in_cell(session, scheme, code, day)]
        if names:
            held[code] = "".join(names)
    return held


def holes(session: Session, scheme: int) -> list[tuple[str, date]]:
    """Posts and places in groups on days when the cell is not in force, recounted on each day of change."""
    session.flush()
    days = set()
    for table in (Post, GroupCell, Cell):
        for column in (table.valid_from, table.valid_to):
            days |= set(session.scalars(select(column).distinct()))
    found = []
    for table, day in product((Post, GroupCell), sorted(days - {None})):
        cell = select(Cell.id).where(
            Cell.scheme_id == scheme, Cell.code == table.cell_code, Cell.valid_from <= day,
            or_(Cell.valid_to.is_(None), Cell.valid_to > day),
        )  # fmt: skip
        held = select(table.cell_code).where(
            table.scheme_id == scheme, table.cell_code.is_not(None), table.valid_from <= day,
            or_(table.valid_to.is_(None), table.valid_to > day), ~cell.exists(),
        )  # fmt: skip
        found += [(code, day) for code in session.scalars(held)]
    return found


def test_a_cell_takes_over_the_officers_of_most_of_its_households(database: Database, scheme: int) -> None:
    with database.write() as session:
        appoint(session, "b", "b", rank="B")
        add_households(session, (0, 0), 1)
        add_households(session, (1, 0), 2)
        # The new cells: x of a and b, of which b has more households; y and z of c, the ground of d beside.
        owners = {(i, j): "x" if i < 2 else "z" if (i, j) == (2, 1) else "y" for i, j in COLUMNS}
        assert put_in_force(session, scheme, owners, APRIL) == FollowedPosts(carried=4, ended=1, vacant=0)
        assert on_day(session, scheme, date(2026, 3, 31)) == {"a": "A", "b": "Bb", "c": "C", "d": "D"}
        assert on_day(session, scheme, APRIL) == {"x": "Bb", "y": "D", "z": "C"}


def test_without_households_the_ground_decides_and_what_is_vacant_stays_vacant(
    database: Database, scheme: int
) -> None:
    with database.write() as session:
        session.execute(Post.__table__.delete().where(Post.cell_code == "d"))
        owners = {(i, j): "x" if i == 0 or (i, j) == (1, 0) else "y" if i < 3 else "z" for i, j in COLUMNS}
        assert put_in_force(session, scheme, owners, APRIL) == FollowedPosts(carried=2, ended=1, vacant=1)
        assert on_day(session, scheme, APRIL) == {"x": "A", "y": "C"}


def test_a_cell_that_keeps_its_code_and_ground_keeps_its_row(database: Database, scheme: int) -> None:
    with database.write() as session:
        owners = COLUMNS | {(1, 1): "a", (3, 0): "e", (3, 1): "e"}
        assert put_in_force(session, scheme, owners, APRIL) == FollowedPosts(carried=1, ended=0, vacant=0)
        rows = session.execute(select(Post.cell_code, Post.valid_from, Post.valid_to).order_by(Post.id)).all()
        assert rows == [
            ("a", MARCH, None), ("b", MARCH, None), ("c", MARCH, None), ("d", MARCH, APRIL),
            ("e", APRIL, None),
        ]  # fmt: skip


def test_an_earlier_plan_borrows_the_officers_until_the_later_one(database: Database, scheme: int) -> None:
    merged = {square: "w" if square[0] < 2 else "e" for square in COLUMNS}
    with database.write() as session:
        put_in_force(session, scheme, COLUMNS, JUNE)
        put_in_force(session, scheme, merged, APRIL)
        four = {code: code.upper() for code in "abcd"}
        for day, expected in ((MARCH, four), (APRIL, {"e": "C", "w": "A"}), (MAY, {"e": "C", "w": "A"})):
            assert on_day(session, scheme, day) == expected
        assert on_day(session, scheme, JUNE) == four


def test_a_plan_replaced_on_its_day_leaves_no_trace_on_who_answers(database: Database, scheme: int) -> None:
    merged = {square: "w" if square[0] < 2 else "e" for square in COLUMNS}
    with database.write() as session:
        put_in_force(session, scheme, merged, APRIL)
        appoint(session, "e", "new", on=APRIL, rank="B")
        assert put_in_force(session, scheme, dict.fromkeys(COLUMNS, "whole"), APRIL).vacant == 0
        assert put_in_force(session, scheme, COLUMNS, APRIL).vacant == 0
        # B and D are back, whom both plans had left without a post; who was appointed meanwhile stays on.
        held = on_day(session, scheme, APRIL)
        assert {code: names[0] for code, names in held.items()} == {code: code.upper() for code in "abcd"}
        assert "new" in "".join(held.values())


def test_who_leaves_leaves_what_was_carried_for_later(database: Database, scheme: int, today: date) -> None:
    later = today + timedelta(days=10)
    with database.write() as session:
        put_in_force(session, scheme, dict.fromkeys(COLUMNS, "whole"), later)
        leaving = session.scalars(select(Officer).where(Officer.external_id == "A")).one()
        assert on_day(session, scheme, later) == {"whole": "A"}
        end_officer(session, leaving.id, leaving.version)
        assert on_day(session, scheme, later) == {}
        assert on_day(session, scheme, today) == {"b": "B", "c": "C", "d": "D"}


def test_posts_on_codes_that_ended_long_ago_end(database: Database, scheme: int) -> None:
    with database.write() as session:
        put_in_force(session, scheme, dict.fromkeys(COLUMNS, "whole"), APRIL)
        session.add(Post(officer_id=1, scheme_id=scheme, cell_code="b", duty="leader", rank="B",
                         valid_from=MARCH, version=1))  # fmt: skip
        session.flush()
        plan = draft(session, scheme, dict.fromkeys(COLUMNS, "whole"), parent=COUNTY)
        assert publish(session, plan.id, MAY).posts == FollowedPosts(carried=0, ended=1, vacant=0)
        # What was wrong before stays as it was told then.
        assert on_day(session, scheme, MAY) == {"whole": "A"}


SQUARES = sorted(COLUMNS)
HORIZON = [MARCH + timedelta(days=number) for number in range(12)]
Held = dict[str, set[tuple[str, str]]]
Answering = set[tuple[str, str, bool]]


def naive_predecessor(code: str, new: Owners, old: Owners, households: Mapping[tuple[int, int], int]) -> str:
    """Whose officers a cell takes over, counted square by square."""
    ground = [square for square in new if new[square] == code]
    weights = {
        former: (
            sum(households[square] for square in ground if old[square] == former),
            sum(old[square] == former for square in ground),
            former == code,
        )
        for former in {old[square] for square in ground}
    }
    best = max(weights.values())
    return min(former for former, weight in weights.items() if weight == best)


class _UndoneError(Exception):
    """So that the next example finds the database as it was."""


@settings(
    max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate]
)
@given(data=st.data())
def test_every_day_equals_a_naive_model(database: Database, scheme: int, data: st.DataObject) -> None:
    """Plans on days in any order; who answers, and in which group a cell is, by a table of days and cells."""
    households = {square: data.draw(st.integers(0, 3), str(square)) for square in SQUARES}
    days = data.draw(st.permutations(HORIZON[1:-1]))[:3]
    with suppress(_UndoneError), database.write() as session:
        for square, number in households.items():
            add_households(session, square, number)
        owners: dict[date, Owners] = dict.fromkeys(HORIZON, COLUMNS)
        held: dict[date, Held] = {day: {code: {(code.upper(), "A")} for code in "abcd"} for day in HORIZON}
        for code in "ab":
            appoint(session, code, f"{code}2", rank="B")
            for day in HORIZON:
                held[day][code].add((f"{code}2", "B"))
        groups = {"east": "ab", "west": "c"}
        for name, cells in groups.items():
            create_group(session, session.get_one(Scheme, scheme), name, name, list(cells), on=MARCH)
        group_of = {day: {code: name for name in groups for code in groups[name]} for day in HORIZON}
        away = draw_absences(session, data)
        published: list[date] = []
        for number, on in enumerate(days):
            codes = st.sampled_from([*sorted(set(owners[on].values())), f"p{number}", f"q{number}"])
            labels = data.draw(st.lists(codes, min_size=8, max_size=8), "drawn")
            new = dict(zip(SQUARES, labels, strict=True))
            later = min((day for day in published if day > on), default=date.max)
            plan = draft(session, scheme, new, parent=COUNTY)
            try:
                with session.begin_nested():
                    vacant = publish(session, plan.id, on).posts.vacant
            except ConflictError:
                # A code that comes again later, or has ended.
                continue
            published.append(on)
            old = owners[on]
            begun = set()
            for day in (day for day in HORIZON if on <= day < later):
                before, grouped, owners[day] = held[day], group_of[day], new
                held[day], group_of[day] = {}, {}
                for code in set(new.values()):
                    same = code in old.values() and {s for s in new if new[s] == code} == {
                        s for s in old if old[s] == code
                    }
                    source = code if same else naive_predecessor(code, new, old, households)
                    begun |= set() if same else {code}
                    held[day][code] = set(before.get(source, ()))
                    if source in grouped:
                        group_of[day][code] = grouped[source]
            assert holes(session, scheme) == []
            assert vacant == sum(not present(held[on][code], away, on) for code in begun)
            for day in HORIZON:
                told = {code: present(who, away, day) for code, who in held[day].items()}
                assert who_answers(session, scheme, day) == {code: who for code, who in told.items() if who}
                found = groups_of_cells(session, scheme, set(owners[day].values()), day)
                assert {code: group.code for code, group in found.items()} == group_of[day], day
        raise _UndoneError


def draw_absences(session: Session, data: st.DataObject) -> dict[str, tuple[date, date]]:
    """Send some officers away: from a day to before another."""
    away = {}
    for officer in session.scalars(select(Officer).order_by(Officer.id)).all():
        if data.draw(st.booleans(), officer.external_id):
            start = data.draw(st.integers(0, 9), "away from")
            end = data.draw(st.integers(start + 1, 11), "away until")
            since, until = HORIZON[start], HORIZON[end]
            add_absence(session, officer, since=since, until=until, reason="ill", author="test")
            away[officer.external_id] = since, until
    return away


def present(who: set[tuple[str, str]], away: Mapping[str, tuple[date, date]], day: date) -> Answering:
    """Who of those who hold posts of one duty in a cell is there, and who acts."""
    absent = {name for name, (since, until) in away.items() if since <= day < until}
    acts = any(name in absent and rank == "A" for name, rank in who)
    return {(name, rank, acts and rank == "B") for name, rank in who if name not in absent}


def who_answers(session: Session, scheme: int, day: date) -> dict[str, Answering]:
    found: dict[str, Answering] = defaultdict(set)
    codes = set(session.scalars(select(Post.cell_code).distinct()))
    for code, posts in read_responsibility(session, scheme, codes, (), day).cells.items():
        for post in posts:
            if not post.absent:
                found[code].add((post.officer.external_id, post.rank, post.acting))
    return found


def test_a_group_that_is_published_for_later_is_taken_back_with_the_plan(
    database: Database, scheme: int, today: date
) -> None:
    later = today + timedelta(days=10)
    with database.write() as session:
        create_group(session, session.get_one(Scheme, scheme), "g", "片", ["a", "b"], on=MARCH)
        plan = draft(
            session, scheme, {square: "w" if square[0] < 3 else "d" for square in COLUMNS}, parent=COUNTY
        )
        publish(session, plan.id, later)
        assert set(groups_of_cells(session, scheme, {"w", "a", "b"}, later)) == {"w"}
        take_back(session, plan, author="test")
        assert set(groups_of_cells(session, scheme, {"w", "a", "b"}, later)) == {"a", "b"}
        assert holes(session, scheme) == []


def test_a_post_goes_on_with_what_it_publishes_and_since_when(database: Database, scheme: int) -> None:
    with database.write() as session:
        post = session.scalars(select(Post).where(Post.cell_code == "a")).one()
        post.published_name, post.published_phone, post.part_time = "值班室", "12345", True
        plan = draft(session, scheme, dict.fromkeys(COLUMNS, "x"), parent=COUNTY)
        # Whoever is chosen to do the same as before goes on with it; who is new begins.
        chosen = [{"officer_id": number, "duty": "leader", "rank": "A"} for number in (1, 2)]
        choose_posts(session, plan, "x", chosen, "test")
        publish(session, plan.id, APRIL)
        assert [
            (each.officer.id, each.published_name, each.part_time)
            for each in posts_in_cell(session, scheme, "x", APRIL)
        ] == [(1, "值班室", True), (2, None, False)]
        since = select(Post.held_since).where(Post.cell_code == "x").order_by(Post.officer_id)
        assert session.scalars(since).all() == [MARCH, APRIL]
