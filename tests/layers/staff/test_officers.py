"""Officers and posts: who may be seen, changed and appointed, and what ends with an officer."""

from datetime import date, timedelta

import pytest

from gis.errors import ConflictError, InputError, NotFoundError, StaleError
from layers.db.database import Database, Session
from layers.db.keyset import PageRequest
from layers.models import Officer
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.staff.officers import (
    appoint_officer,
    change_officer,
    create_officer,
    end_officer,
    find_officer,
    list_officers,
)
from layers.staff.posts import SchemePost, end_post, list_posts
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES, WEST_TOWN, add_areas, draft

SOON = timedelta(days=30)
MARCH = date(2026, 3, 1)


@pytest.fixture
def staffed(database: Database) -> Database:
    """A scheme with a cell for each town, and an officer in each area."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区").id
        owners = {square: "w" if square[0] < 2 else "e" for square in SQUARES}
        plan = draft(session, scheme, owners, parent=COUNTY)
        publish(session, plan.id, MARCH)
        for area in (COUNTY, WEST_TOWN, EAST_TOWN):
            add(session, area, area)
    return database


def add(session: Session, external_id: str, area: str | None, on: date | None = None) -> Officer:
    return create_officer(session, external_id, area_code=area, personal={}, attributes={}, on=on)


def appoint(session: Session, officer_id: int, cell: str = "w", **rest: str | date) -> SchemePost:
    return appoint_officer(
        session, officer_id, scheme="community", cell_code=cell, duty="leader", rank="A", **rest
    )  # type: ignore[arg-type]


def test_officers_of_an_area_and_those_beneath_it_are_seen(staffed: Database) -> None:
    with staffed.write() as session:
        add(session, "of no area", None)
    with staffed.read() as session:
        seen = {
            scope: [each.external_id for each in list_officers(session, PageRequest(10), scope)[0]]
            for scope in (None, COUNTY, WEST_TOWN, "440399")
        }
        assert seen == {
            None: [COUNTY, WEST_TOWN, EAST_TOWN, "of no area"],
            COUNTY: [COUNTY, WEST_TOWN, EAST_TOWN],
            WEST_TOWN: [WEST_TOWN],
            "440399": [],
        }
        assert find_officer(session, 2, COUNTY).external_id == WEST_TOWN
        for officer_id, scope in ((1, WEST_TOWN), (3, WEST_TOWN), (4, COUNTY), (99, None)):
            with pytest.raises(NotFoundError, match=f"no officer number {officer_id}"):
                find_officer(session, officer_id, scope)


def test_an_identity_is_given_once(staffed: Database) -> None:
    with staffed.write() as session, pytest.raises(ConflictError, match="already"):
        add(session, COUNTY, None)


def test_a_change_names_the_version_it_is_based_on(staffed: Database, today: date) -> None:
    with staffed.write() as session:
        assert change_officer(session, 2, 1, {"attributes": {"team": 3}}).version == 2
        with pytest.raises(StaleError):
            change_officer(session, 2, 1, {"attributes": {}})
        with pytest.raises(InputError, match="external_id"):
            change_officer(session, 2, 2, {"external_id": "x"})
        with pytest.raises(NotFoundError):
            change_officer(session, 2, 2, {"attributes": {}}, scope=EAST_TOWN)
        changed = find_officer(session, 2)
        assert (changed.attributes, changed.version, changed.valid_from) == ({"team": 3}, 2, today)


def test_who_leaves_leaves_all_posts(staffed: Database, today: date) -> None:
    with staffed.write() as session:
        appoint(session, 2)
        appoint(session, 2, "e", on=today + SOON)
        first = appoint(session, 1)
        end_post(session, first.post.id, 1)
        with pytest.raises(StaleError):
            end_officer(session, 2, 5)
        left, posts = end_officer(session, 2, 1, scope=COUNTY)
        assert posts == 2
        assert (left.valid_to, left.version) == (today, 2)
        # A post that was to begin later keeps an empty interval.
        assert [
            (each.post.cell_code, each.post.valid_to, each.post.version) for each in list_posts(session, left)
        ] == [("w", today, 2), ("e", today + SOON, 2)]
        with pytest.raises(ConflictError, match="has left"):
            end_officer(session, 2, 2)
        with pytest.raises(ConflictError, match="has left"):
            appoint(session, 2)
        assert [each.id for each in list_officers(session, PageRequest(10), None)[0]] == [1, 3]
        assert [each.id for each in list_officers(session, PageRequest(10), None, ended=True)[0]] == [1, 2, 3]


def test_who_was_to_begin_later_leaves_on_that_day(staffed: Database, today: date) -> None:
    with staffed.write() as session:
        coming = add(session, "coming", COUNTY, today + SOON)
        assert end_officer(session, coming.id, 1).officer.valid_to == today + SOON


def test_a_post_is_in_a_cell_in_force_that_the_caller_covers(staffed: Database, today: date) -> None:
    with staffed.write() as session:
        given = appoint(session, 1, "w", on=today + SOON)
        assert (given.scheme, given.area_code, given.post.valid_from) == ("community", COUNTY, today + SOON)
        with pytest.raises(NotFoundError, match="no cell 'x' in force"):
            appoint(session, 1, "x")
        # The officer is of the town, and the cells are of the county above it.
        with pytest.raises(NotFoundError, match="no cell 'w' in force"):
            appoint(session, 2, "w", scope=WEST_TOWN)
        with pytest.raises(NotFoundError, match="no officer number 2"):
            appoint(session, 2, "w", scope=EAST_TOWN)


def test_a_post_is_ended_once_by_one_who_may_see_its_holder(staffed: Database, today: date) -> None:
    with staffed.write() as session:
        post = appoint(session, 2).post
        with pytest.raises(NotFoundError):
            end_post(session, post.id, 1, scope=EAST_TOWN)
        with pytest.raises(NotFoundError):
            end_post(session, 99, 1)
        with pytest.raises(StaleError):
            end_post(session, post.id, 2)
        ended = end_post(session, post.id, 1, scope=WEST_TOWN)
        assert (ended.post.valid_to, ended.post.version, ended.area_code) == (today, 2, WEST_TOWN)
        with pytest.raises(ConflictError, match="has ended"):
            end_post(session, post.id, 2)
