"""Officers from a table: what is taken, what is left out and why, and the posts that follow the cells."""

from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select

from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.imports.officers import OfficerImportSummary, import_officers
from layers.models import Officer, Plan, Post
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES, WEST_TOWN, add_areas, draft

FIRST, SECOND, THIRD = date(2025, 1, 1), date(2025, 7, 1), date(2025, 9, 1)
TABLE = pd.DataFrame(
    {
        "officer_id": ["G1", "G2", "G3"],
        "name": ["甲", "乙", "丙"],
        "phone": ["00012345678", "00022345678", "00032345678"],
        "role": ["leader", "officer", "inspector"],
        "rank": ["A", "B", "A"],
        "area_code": [WEST_TOWN, EAST_TOWN, COUNTY],
        "badge": [7, 8, 9],
    }
)
# One cell for the west town, two for the east.
OWNERS = {square: "W1" if square[0] < 2 else f"E{square[0]}" for square in SQUARES}
REDRAWN = {square: "W1" if square[0] < 2 else f"E{square[1] + 8}" for square in SQUARES}


@pytest.fixture
def ground(database: Database) -> Database:
    """A county of two towns, with the first plan in force."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区")
        _publish(session, scheme.id, OWNERS, FIRST)
    return database


def _publish(session: Any, scheme_id: int, owners: dict[tuple[int, int], str], on: date) -> Plan:
    plan = draft(session, scheme_id, owners)
    publish(session, plan.id, on)
    return plan


def posts(database: Database) -> set[tuple[Any, ...]]:
    with database.read() as session:
        asked = select(
            Officer.external_id,
            func.coalesce(Post.cell_code, Post.area_code),
            Post.duty,
            Post.rank,
            Post.valid_from,
            Post.valid_to,
        ).join(Officer, Officer.id == Post.officer_id)
        rows = [tuple(row) for row in session.execute(asked)]
    assert len(set(rows)) == len(rows)
    return set(rows)


def told(done: OfficerImportSummary) -> tuple[int, ...]:
    return done.inserted, done.updated, done.unchanged, done.begun, done.ended, done.kept


def test_officers_are_taken_whole_and_their_names_as_personal(ground: Database) -> None:
    done = import_officers(ground, TABLE, on=FIRST)
    assert told(done) == (3, 0, 0, 0, 0, 0)
    assert done.records == 3
    with ground.read() as session:
        first = session.scalars(select(Officer).order_by(Officer.external_id)).first()
        assert first is not None
        assert (first.external_id, first.area_code, first.valid_from) == ("G1", WEST_TOWN, FIRST)
        assert first.personal == {"name": "甲", "phone": "00012345678"}
        # Duty and rank are kept with the officer too: a street's officers hold no post that would tell them.
        assert first.attributes == {"badge": 7, "duty": "leader", "rank": "A"}
    assert posts(ground) == set()


def test_the_same_table_changes_nothing_and_a_newer_one_what_differs(ground: Database) -> None:
    import_officers(ground, TABLE, scheme="community", on=FIRST)
    before = posts(ground)
    assert told(import_officers(ground, TABLE, scheme="community", on=SECOND)) == (0, 0, 3, 0, 0, 4)
    assert posts(ground) == before
    newer = TABLE.assign(phone=["00012345678", "00099999999", "00032345678"]).iloc[1:]
    assert told(import_officers(ground, newer)) == (0, 1, 1, 0, 0, 0)
    with ground.read() as session:
        changed = session.scalars(select(Officer).where(Officer.external_id == "G2")).one()
        assert (changed.version, changed.personal["phone"]) == (2, "00099999999")
        assert len(session.scalars(select(Officer.id)).all()) == 3


def test_posts_are_those_of_ones_own_area_and_follow_the_cells(ground: Database) -> None:
    done = import_officers(ground, TABLE, scheme="community", on=FIRST)
    # No cell belongs to the county itself: its inspector has a post at the county, as no one had before.
    assert (done.begun, done.without_cells) == (4, 1)
    county = ("G3", COUNTY, "inspector", "A", FIRST, None)
    first = {
        county,
        ("G1", "W1", "leader", "A", FIRST, None),
        ("G2", "E2", "officer", "B", FIRST, None),
        ("G2", "E3", "officer", "B", FIRST, None),
    }
    assert posts(ground) == first
    with ground.write() as session:
        scheme_id = session.scalars(select(Plan.scheme_id)).one()
        _publish(session, scheme_id, REDRAWN, SECOND)
    # The posts have followed their ground when the plan was published: nothing is left to change.
    assert told(import_officers(ground, TABLE, scheme="community", on=SECOND)) == (0, 0, 3, 0, 0, 4)
    assert posts(ground) == {
        county,
        ("G1", "W1", "leader", "A", FIRST, None),
        ("G2", "E2", "officer", "B", FIRST, SECOND),
        ("G2", "E3", "officer", "B", FIRST, SECOND),
        ("G2", "E8", "officer", "B", SECOND, None),
        ("G2", "E9", "officer", "B", SECOND, None),
    }
    moved = TABLE.assign(role=["officer", "officer", "inspector"]).iloc[:1]
    assert told(import_officers(ground, moved, scheme="community", on=THIRD))[3:] == (1, 1, 0)
    mine = {row for row in posts(ground) if row[0] == "G1"}
    assert mine == {("G1", "W1", "leader", "A", FIRST, THIRD), ("G1", "W1", "officer", "A", THIRD, None)}


def test_a_post_taken_back_to_before_it_began_leaves_an_empty_interval(ground: Database) -> None:
    import_officers(ground, TABLE.iloc[:1], scheme="community", on=SECOND)
    nobody = TABLE.iloc[:1].assign(role=[None])
    assert told(import_officers(ground, nobody, scheme="community", on=FIRST))[3:] == (0, 1, 0)
    assert posts(ground) == {("G1", "W1", "leader", "A", SECOND, SECOND)}


def test_posts_in_another_scheme_stay(ground: Database) -> None:
    import_officers(ground, TABLE, scheme="community", on=FIRST)
    with ground.write() as session:
        _publish(session, create_scheme(session, "safety", "安全").id, OWNERS, SECOND)
    assert told(import_officers(ground, TABLE, scheme="safety", on=SECOND))[3:] == (4, 0, 0)
    assert {row[4:] for row in posts(ground)} == {(FIRST, None), (SECOND, None)}


def test_every_record_that_cannot_be_taken_has_a_reason(ground: Database) -> None:
    import_officers(ground, TABLE.iloc[2:], on=FIRST)
    with ground.write() as session:
        session.scalars(select(Officer)).one().valid_to = SECOND
    bad = pd.DataFrame(
        {
            "工号": ["G1", "", "G1", "G5", "G6", "G7", "G3", "G8"],
            "职务": ["leader", "leader", "leader", "leader", "boss", "officer", "officer", None],
            "rank": ["A", "A", "A", "A", "A", "C", "A", None],
            "area_code": [WEST_TOWN, WEST_TOWN, WEST_TOWN, "110101", WEST_TOWN, WEST_TOWN, COUNTY, None],
            "姓名": ["甲", "乙", "丙", "丁", "戊", "己", "庚", "a\0b"],
        }
    )
    done = import_officers(ground, bad, on=FIRST)
    assert told(done)[:3] == (1, 0, 0)
    assert [(each.record, each.external_id, each.reason.value) for each in done.rejected] == [
        (2, None, "missing_id"), (3, "G1", "duplicate_id"), (4, "G5", "unknown_area"),
        (5, "G6", "unknown_duty"), (6, "G7", "unknown_duty"), (7, "G3", "ended"), (8, "G8", "invalid_text"),
    ]  # fmt: skip
    assert done.records == len(bad)
    assert done.summary()["reasons"]["unknown_duty"] == 2


@pytest.mark.parametrize(
    ("table", "given", "error", "said"),
    [
        (TABLE.drop(columns="officer_id"), {}, InputError, "no field 'officer_id'"),
        (TABLE, {"id_field": "nr"}, InputError, "no field 'nr'"),
        (TABLE.drop(columns="area_code"), {}, InputError, "no field 'area_code'"),
        (TABLE, {"personal": ["mail"]}, InputError, "no field 'mail'"),
        (TABLE, {"scheme": "none"}, NotFoundError, "no scheme 'none'"),
        (
            TABLE,
            {"scheme": "community", "on": date(2024, 1, 1)},
            InputError,
            "no cells in force on 2024-01-01",
        ),
    ],
)
def test_what_cannot_be_imported_says_why_and_leaves_nothing(
    ground: Database, table: pd.DataFrame, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        import_officers(ground, table, **given)
    with ground.read() as session:
        assert session.scalars(select(Officer.id)).all() == []
