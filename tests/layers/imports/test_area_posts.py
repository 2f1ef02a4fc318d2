"""Posts at areas, and groups of cells, when areas are merged and parted on a day, and that is undone."""

from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import ConflictError, InputError
from layers.areas.queries import area_codes
from layers.db.database import Database
from layers.imports.area_settlement import settle_entities
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import import_areas
from layers.lists.listing import ListRequest
from layers.lists.posts import read_posts
from layers.models import CellGroup, Post
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.snapshot.read import read_area_timeline
from layers.staff.groups import create_group
from layers.staff.officers import appoint_officer, create_officer, end_officer
from layers.staff.posts import change_post, end_post
from layers.staff.responsible import posts_at_areas, read_responsibility

TOWN, WEST, EAST, MERGED = "440305001", "440305001001", "440305001002", "440305001601"
BOXES = {
    WEST: shapely.box(113.9, 22.5, 113.91, 22.51),
    EAST: shapely.box(113.91, 22.5, 113.92, 22.51),
}
WHOLE = shapely.coverage_union_all(list(BOXES.values()))
LEVELS = {9: "town", 12: "village"}
TODAY = date.today()
FIRST, DAY = TODAY - timedelta(days=60), TODAY + timedelta(days=10)
PAST = TODAY - timedelta(days=10)


def areas(shapes: dict[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    columns = {"code": list(shapes), "name": list(shapes), "level": [LEVELS[len(code)] for code in shapes]}
    return gpd.GeoDataFrame(columns | {"parent": None}, geometry=list(shapes.values()), crs=LONLAT)


def halves(box: shapely.Geometry, share: float) -> list[shapely.Geometry]:
    west, south, east, north = box.bounds
    middle = west + (east - west) * share
    return [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]


@pytest.fixture
def officers(database: Database) -> dict[str, int]:
    """Two communities of a town; A and B lead the west, A also the east, C the town."""
    import_areas(database, areas({TOWN: WHOLE} | BOXES))
    with database.write() as session:
        numbers = {
            name: create_officer(session, name, area_code=None, personal={}, attributes={}, on=FIRST).id
            for name in "ABC"
        }
        for name, area, rank in (("A", WEST, "A"), ("B", WEST, "B"), ("A", EAST, "A"), ("C", TOWN, "A")):
            give(session, numbers[name], area, rank=rank)
    return numbers


def give(session: Session, officer: int, area: str, on: date = FIRST, **details: Any) -> int:
    details = {"duty": "leader", "rank": "A"} | details
    return appoint_officer(session, officer, area_code=area, on=on, **details).post.id


def merge(database: Database, on: date = DAY) -> int:
    done = import_areas(database, areas({MERGED: WHOLE}), on=on).adjustment
    assert done is not None
    return done


def leading(database: Database, on: date) -> dict[str, list[str]]:
    """Who holds posts at which area, in force or not."""
    with database.read() as session:
        codes = set(session.scalars(select(Post.area_code)))
        held = posts_at_areas(session, codes, None, on)
        assert held.keys() <= area_codes(session, on)
        return {
            code: [post.officer.external_id + post.rank for post in posts] for code, posts in held.items()
        }


BEFORE = {TOWN: ["CA"], WEST: ["AA", "BB"], EAST: ["AA"]}
AFTER = {TOWN: ["CA"], MERGED: ["AA", "BB"]}


def test_posts_go_on_at_the_area_that_theirs_was_merged_into(
    database: Database, officers: dict[str, int]
) -> None:
    told = import_areas(database, areas({MERGED: WHOLE}), on=DAY, dry_run=True).effects
    assert told.posts.sentences() == [
        f"2 posts at area '{WEST}' go on at area '{MERGED}'",
        f"1 posts at area '{EAST}' go on at area '{MERGED}'",
    ]
    assert leading(database, DAY) == BEFORE
    number = merge(database)
    assert leading(database, DAY - timedelta(days=1)) == BEFORE
    # A led both, and leads what they became once.
    assert leading(database, DAY) == AFTER
    with database.write() as session:
        continued = session.scalars(select(Post).where(Post.area_code == MERGED)).all()
        assert {post.held_since for post in continued} == {FIRST}
        undo_adjustment(session, number, author="t")
    assert leading(database, DAY) == BEFORE
    merge(database)
    assert leading(database, DAY) == AFTER


@pytest.mark.parametrize(("share", "heirs"), [(0.5, []), (0.4, [WEST]), (0.7, [EAST])])
def test_posts_at_a_parted_area_go_with_more_than_half_of_it_or_end(
    database: Database, officers: dict[str, int], share: float, heirs: list[str]
) -> None:
    parts = dict(zip(("440305001003", "440305001004"), halves(BOXES[WEST], share), strict=True))
    effects = import_areas(database, areas(parts), on=PAST).effects
    heir = {"": None, WEST: "440305001004", EAST: "440305001003"}["".join(heirs)]
    assert [tuple(each) for each in effects.posts.handed_on] == [(WEST, heir, 2)]
    assert effects.posts.vacant == tuple(code for code in parts if code != heir)
    expected = {TOWN: ["CA"], EAST: ["AA"]} | ({} if heir is None else {heir: ["AA", "BB"]})
    assert leading(database, TODAY) == expected
    assert effects.summary()["posts"] == [{"area_code": WEST, "successor": heir, "posts": 2}]
    assert any("end, for no area" in each for each in effects.sentences()) == (heir is None)
    assert sum("begin without a post" in each for each in effects.sentences()) == 1
    with database.write() as session:
        undo_adjustment(session, 2, author="t")
    assert leading(database, TODAY) == BEFORE


def test_a_post_is_listed_once_at_an_area_with_former_states(
    database: Database, officers: dict[str, int]
) -> None:
    import_areas(database, areas({WEST: BOXES[WEST]}).assign(name="新名"), on=PAST)

    def listed(day: date) -> list[Any]:
        request = ListRequest(None, "en", lambda officer: {}, False, day)
        with database.read() as session:
            page = read_posts(session, request, 10, 0)
        assert page.total == len(page.rows)
        return sorted(str(row["place_name"]) for row in page.rows)

    assert listed(PAST - timedelta(days=1)) == [TOWN, WEST, WEST, EAST]
    assert listed(TODAY) == [TOWN, EAST, "新名", "新名"]


def test_an_area_without_posts_hands_on_none(database: Database) -> None:
    import_areas(database, areas({TOWN: WHOLE} | BOXES))
    effects = import_areas(database, areas({MERGED: WHOLE}), on=DAY).effects
    assert effects.posts == ((), ())


def test_what_was_changed_since_holds_when_it_is_undone(database: Database, officers: dict[str, int]) -> None:
    number = merge(database, PAST)
    with database.write() as session:
        end_officer(session, officers["A"], 1)
        post = session.scalars(select(Post).where(Post.area_code == MERGED, Post.rank == "B")).one()
        change_post(session, post.id, 1, {"published_name": "值班室", "valid_to": DAY})
        undo_adjustment(session, number, author="t")
        restored = session.scalars(select(Post).where(Post.area_code == WEST, Post.rank == "B")).one()
        assert (restored.published_name, restored.valid_to) == ("值班室", DAY)
    assert leading(database, PAST) == BEFORE
    assert leading(database, TODAY) == {TOWN: ["CA"], WEST: ["BB"]}


def test_what_is_not_undone_beneath_a_post(database: Database, officers: dict[str, int]) -> None:
    """A post that somebody was given there since goes first; the posts that went on do not hinder."""
    number = merge(database, PAST)
    with database.write() as session:
        given = give(session, officers["C"], MERGED, PAST)
    with database.write() as session, pytest.raises(ConflictError, match=f"Post number {given} is at area"):
        undo_adjustment(session, number, author="t")
    assert leading(database, TODAY) == {TOWN: ["CA"], MERGED: ["AA", "CA", "BB"]}
    with database.write() as session:
        end_post(session, given, 1)
        undo_adjustment(session, number, author="t")
    assert leading(database, PAST) == leading(database, TODAY) == BEFORE


@pytest.mark.parametrize(
    ("area", "on", "until", "error", "said"),
    [
        (WEST, TODAY, None, ConflictError, f"Area '{WEST}' ends on {DAY}; give the post until that day"),
        (WEST, TODAY, DAY + timedelta(days=1), ConflictError, f"Area '{WEST}' ends on {DAY}"),
        (WEST, DAY, None, ConflictError, f"Area '{WEST}' has ended on {DAY}"),
        (MERGED, TODAY, None, InputError, f"Area '{MERGED}' is in force from {DAY} on"),
        (WEST, TODAY, DAY, None, ""),
        (MERGED, DAY, None, None, ""),
    ],
)
def test_a_post_is_given_at_an_area_only_while_there_is_one(
    database: Database,
    officers: dict[str, int],
    area: str,
    on: date,
    until: date | None,
    error: type[Exception] | None,
    said: str,
) -> None:
    merge(database)
    with database.write() as session:
        if error is None:
            post = session.get_one(Post, give(session, officers["C"], area, on, until=until))
            if until is not None:
                with pytest.raises(ConflictError, match=f"its area ends on {DAY}"):
                    change_post(session, post.id, 1, {"valid_to": None})
        else:
            with pytest.raises(error, match=said):
                give(session, officers["C"], area, on, until=until)


def test_a_group_lies_in_what_its_area_became(database: Database, officers: dict[str, int]) -> None:
    """Whoever may see that area sees it, and its officers stand between the cell and the community."""
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区网格")
        drawn = gpd.GeoDataFrame(
            {"code": ["w", "e"], "area_code": [WEST, EAST]}, geometry=list(BOXES.values()), crs=LONLAT
        )
        plan = create_draft(session, scheme.id, drawn, name="p", created_by="t")
        check_plan(session, plan.id, on=FIRST)
        publish(session, plan.id, FIRST)
        create_group(session, scheme, "g", "片", ["w"], on=FIRST)
        appoint_officer(
            session, officers["B"], scheme="community", group="g", duty="leader", rank="A", on=FIRST
        )
        number = scheme.id

    def place() -> str | None:
        with database.read() as session:
            return session.scalars(select(CellGroup.area_code)).one()

    def levels(day: date) -> list[str]:
        with database.read() as session:
            chain = read_area_timeline(session).chain(WEST, BOXES[WEST], day)
            found = read_responsibility(session, number, ["w"], [area.code for area in chain], day)
            return [each.code for each in found.levels(("w", "w"), chain)]

    merge(database, DAY)
    assert place() == WEST
    with database.write() as session:
        settle_entities(session, TODAY)
    assert place() == WEST
    assert levels(DAY) == ["w", "g", MERGED, TOWN]
    with database.write() as session:
        undo_adjustment(session, 2, author="t")
    merge(database, PAST)
    assert place() == MERGED
    assert (levels(PAST - timedelta(days=1)), levels(TODAY)) == (
        ["w", "g", WEST, TOWN],
        ["w", "g", MERGED, TOWN],
    )
    with database.write() as session:
        undo_adjustment(session, 3, author="t")
    assert place() == WEST
