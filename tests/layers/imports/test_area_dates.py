"""Areas from a day on: what changes is told, taken, read on both sides of the day, and undone."""

from datetime import date, timedelta

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.area_changes import AreaChangeKind
from gis.crs import LONLAT
from gis.errors import ConflictError, CoverageError, InputError, NotFoundError, WanggeError
from layers.areas.hierarchy import read_hierarchy
from layers.areas.locator import AreaLocator
from layers.areas.queries import area_codes, find_area
from layers.areas.scope import beneath
from layers.db.database import Database
from layers.entities.history import visible_states
from layers.entities.lifecycle import create_entity, find_entity
from layers.imports.area_settlement import settle_entities
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import AreaImportSummary, import_areas
from layers.plans.schemes import create_scheme

TOWN, WEST, EAST, NORTH = "440305001", "440305001001", "440305001002", "440305001003"
MERGED = "440305001601"
SOUTH_WEST, SOUTH_EAST = shapely.box(113.9, 22.5, 113.91, 22.51), shapely.box(113.91, 22.5, 113.92, 22.51)
TOP = shapely.box(113.9, 22.51, 113.92, 22.52)
DAY = date.today() - timedelta(days=30)


def areas(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    codes = [code.removeprefix("a") for code in shapes]
    level = {6: "county", 9: "town", 12: "village"}
    return gpd.GeoDataFrame(
        {"code": codes, "name": codes, "level": [level[len(code)] for code in codes], "parent": None},
        geometry=list(shapes.values()),
        crs=LONLAT,
    )


def town() -> gpd.GeoDataFrame:
    shapes = {WEST: SOUTH_WEST, EAST: SOUTH_EAST, NORTH: TOP}
    whole = shapely.union_all(list(shapes.values()))
    return areas(**{f"a{code}": shape for code, shape in {TOWN: whole, **shapes}.items()})


def merged() -> gpd.GeoDataFrame:
    return areas(**{f"a{MERGED}": shapely.union(SOUTH_WEST, SOUTH_EAST)})


def located(database: Database, day: date) -> list[str | None]:
    points = shapely.points([(113.905, 22.505), (113.915, 22.505), (113.91, 22.515)])
    with database.read() as session:
        return AreaLocator(session, on=day).locate(points).tolist()


def test_two_communities_merge_on_a_day_and_are_two_again(database: Database) -> None:
    import_areas(database, town())
    with database.write() as session:
        home = create_entity(
            session, "household", "1", geometry=shapely.Point(113.905, 22.505), on=date(2026, 1, 1)
        ).id
    told = import_areas(database, merged(), on=DAY, dry_run=True)
    assert located(database, DAY) == [WEST, EAST, NORTH]
    assert (told.inserted, told.ended, told.adjustment) == (1, 2, None)
    done = import_areas(database, merged(), on=DAY)
    assert done == AreaImportSummary(1, 0, 0, 1, ended=2)
    assert {change.code: change.kinds for change in done.changes.changes} == {
        MERGED: (AreaChangeKind.merged, AreaChangeKind.founded),
        WEST: (AreaChangeKind.ended,),
        EAST: (AreaChangeKind.ended,),
    }
    assert located(database, DAY - timedelta(days=1)) == [WEST, EAST, NORTH]
    assert located(database, DAY) == [MERGED, MERGED, NORTH]
    with database.read() as session:
        with pytest.raises(NotFoundError, match=f"ended on {DAY} and became {MERGED}"):
            find_area(session, WEST)
        assert find_area(session, WEST, on=DAY - timedelta(days=1)).valid_to == DAY
        states = visible_states(session, find_entity(session, home), None)
        assert [(each.area_code, each.valid_to) for each in states] == [(WEST, DAY), (MERGED, None)]
    assert import_areas(database, merged(), on=DAY) == AreaImportSummary(0, 0, 1, 0)
    assert done.adjustment is not None
    with database.write() as session:
        undo_adjustment(session, done.adjustment, author="t")
    assert located(database, DAY) == [WEST, EAST, NORTH]
    with database.read() as session:
        assert area_codes(session, date(2000, 1, 1)) == {TOWN, WEST, EAST, NORTH}
        assert find_entity(session, home).area_code == WEST
    with database.write() as session, pytest.raises(ConflictError, match="undone already"):
        undo_adjustment(session, done.adjustment, author="t")


def test_areas_end_only_on_a_day_that_is_named(database: Database) -> None:
    import_areas(database, town())
    with pytest.raises(InputError, match=r"2 areas would end.*--on"):
        import_areas(database, merged())
    assert located(database, date.today()) == [WEST, EAST, NORTH]


def kinds(done: AreaImportSummary) -> dict[str, set[str]]:
    return {change.code: {str(kind) for kind in change.kinds} for change in done.changes.changes}


def with_parent(frame: gpd.GeoDataFrame, parent: str) -> gpd.GeoDataFrame:
    return frame.assign(parent=[parent] * len(frame))


def test_each_kind_of_change_is_told_with_the_ground_that_moves(database: Database) -> None:
    import_areas(database, town())
    days = [DAY + timedelta(days=number) for number in range(6)]
    middle = 113.905
    halves = [shapely.box(113.9, 22.5, middle, 22.51), shapely.box(middle, 22.5, 113.91, 22.51)]
    split = areas(a440305001004=halves[0], a440305001005=halves[1])
    done = import_areas(database, split, on=days[0])
    assert kinds(done) == {
        WEST: {"ended"},
        "440305001004": {"founded", "split"},
        "440305001005": {"founded", "split"},
    }
    # A part of one that goes on becomes another.
    rest, part = shapely.box(113.91, 22.5, 113.915, 22.51), shapely.box(113.915, 22.5, 113.92, 22.51)
    done = import_areas(database, areas(**{f"a{EAST}": rest, "a440305001006": part}), on=days[1])
    assert kinds(done) == {EAST: {"redrawn", "split"}, "440305001006": {"founded", "split"}}
    # The border between two that go on moves.
    wider = shapely.union(halves[0], shapely.box(middle, 22.5, 113.906, 22.51))
    narrower = shapely.box(113.906, 22.5, 113.91, 22.51)
    done = import_areas(database, areas(a440305001004=wider, a440305001005=narrower), on=days[2])
    assert kinds(done) == {"440305001004": {"redrawn"}, "440305001005": {"redrawn"}}
    moved = {(each["from"], each["to"]): each["area_m2"] for each in done.report()["ground"]}
    assert moved.keys() == {("440305001005", "440305001004")}
    assert moved["440305001005", "440305001004"] == pytest.approx(114_000, rel=0.02)
    # One goes to another, which goes on; a new code for the same ground; another name.
    both = shapely.union(wider, narrower)
    done = import_areas(database, areas(a440305001004=both), on=days[3])
    assert kinds(done) == {"440305001004": {"merged", "redrawn"}, "440305001005": {"ended"}}
    done = import_areas(database, areas(a440305001601=both).assign(name="新名"), on=days[4])
    assert kinds(done) == {"440305001601": {"founded", "renumbered"}, "440305001004": {"ended"}}
    done = import_areas(database, areas(a440305001601=both), on=days[5])
    assert kinds(done) == {"440305001601": {"renamed"}}
    with database.read() as session:
        assert area_codes(session, days[0]) == {TOWN, EAST, NORTH, "440305001004", "440305001005"}
        assert area_codes(session) == {TOWN, EAST, NORTH, "440305001006", "440305001601"}
        assert find_area(session, "440305001601", on=days[4]).name == "新名"


def test_what_lay_beneath_an_area_that_ends_lies_beneath_the_one_that_takes_its_ground(
    database: Database,
) -> None:
    import_areas(database, town())
    whole = areas(a440305009=shapely.union_all([SOUTH_WEST, SOUTH_EAST, TOP]))
    done = import_areas(database, whole, on=DAY)
    assert kinds(done) == {
        TOWN: {"ended"},
        "440305009": {"founded", "renumbered"},
        WEST: {"moved"},
        EAST: {"moved"},
        NORTH: {"moved"},
    }
    with database.read() as session:
        assert read_hierarchy(session).subtree("440305009") == {"440305009", WEST, EAST, NORTH}
        assert read_hierarchy(session, DAY - timedelta(days=1)).subtree(TOWN) == {TOWN, WEST, EAST, NORTH}
        # Who is bound to the former street keeps what it became.
        assert read_hierarchy(session).covers(TOWN, WEST)
        assert set(session.scalars(beneath(TOWN))) >= {WEST, "440305009"}
        assert TOWN in set(session.scalars(beneath("440305009")))


def test_rights_follow_the_ground_and_leave_what_moves_away(database: Database) -> None:
    """Community WEST moves to another street; EAST and NORTH merge."""
    other = areas(a440305002=shapely.box(113.88, 22.5, 113.9, 22.51))
    import_areas(database, pd_concat(town(), other))
    changed = areas(
        **{f"a{TOWN}": shapely.union(SOUTH_EAST, TOP), "a440305002": shapely.box(113.88, 22.5, 113.91, 22.51)}
    )
    west = areas(**{f"a{WEST}": SOUTH_WEST}).assign(parent="440305002")
    first = areas(a440305002009=shapely.box(113.88, 22.5, 113.9, 22.51)).assign(parent="440305002")
    import_areas(database, pd_concat(changed, west, first), on=DAY)
    import_areas(database, with_parent(areas(a440305001601=shapely.union(SOUTH_EAST, TOP)), TOWN), on=DAY)
    with database.read() as session:
        assert set(session.scalars(beneath(TOWN))) == {TOWN, EAST, NORTH, "440305001601"}
        before = set(session.scalars(beneath(TOWN, DAY - timedelta(days=1))))
        # With the one that is to come.
        assert before == {TOWN, WEST, EAST, NORTH, "440305001601"}
        assert set(session.scalars(beneath("440305002"))) == {"440305002", WEST, "440305002009"}
        assert set(session.scalars(beneath(EAST))) == {EAST, NORTH, "440305001601"}
        hierarchy = read_hierarchy(session)
        for scope in (TOWN, "440305002", EAST, WEST, "440305001601"):
            seen = set(session.scalars(beneath(scope)))
            codes = (TOWN, WEST, EAST, NORTH, "440305002", "440305001601", "440305002009")
            assert {code for code in codes if hierarchy.covers(scope, code)} == seen & set(codes)


def pd_concat(*frames: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=LONLAT)


@pytest.mark.parametrize(
    ("frame", "on", "said"),
    [
        (areas(a440305001001=SOUTH_EAST), DAY, "overlaps|lies|cover twice|leave"),
        (areas(a440305001009=TOP.buffer(-0.001)), DAY, "leave"),
        (areas(a440305001001=SOUTH_WEST), DAY + timedelta(days=5), "named other ground|leave|cover twice"),
    ],
)
def test_a_bad_import_changes_nothing(
    database: Database, frame: gpd.GeoDataFrame, on: date, said: str
) -> None:
    import_areas(database, town())
    import_areas(database, merged(), on=DAY)
    with pytest.raises(WanggeError, match=said):
        import_areas(database, frame, on=on)
    assert located(database, DAY) == [MERGED, MERGED, NORTH]


def test_a_code_names_one_ground_for_ever_and_changes_come_in_the_order_of_their_days(
    database: Database,
) -> None:
    import_areas(database, town())
    import_areas(database, merged(), on=DAY)
    with pytest.raises(ConflictError, match=f"changes on {DAY} already"):
        import_areas(database, areas(**{f"a{WEST}": SOUTH_WEST}).assign(name="x"), on=DAY - timedelta(days=9))
    elsewhere = areas(**{f"a{WEST}": shapely.box(113.905, 22.5, 113.92, 22.51)}).assign(name="y")
    rest = areas(a440305001008=shapely.box(113.9, 22.5, 113.905, 22.51))
    with pytest.raises(ConflictError, match=f"'{WEST}' named other ground until {DAY}"):
        import_areas(database, pd_concat(elsewhere, rest), on=DAY + timedelta(days=1))
    # On its own ground a code may return.
    again = pd_concat(areas(**{f"a{WEST}": SOUTH_WEST, f"a{EAST}": SOUTH_EAST}))
    import_areas(database, again, on=DAY + timedelta(days=1))
    assert located(database, DAY) == [MERGED, MERGED, NORTH]
    assert located(database, DAY + timedelta(days=1)) == [WEST, EAST, NORTH]


def test_entities_follow_on_the_day_and_not_before(database: Database) -> None:
    import_areas(database, town())
    with database.write() as session:
        home = create_entity(session, "household", "1", geometry=shapely.Point(113.905, 22.505), on=DAY).id
    day = date.today() + timedelta(days=20)
    done = import_areas(database, merged(), on=day)
    assert done.moved == 0
    with database.write() as session:
        assert find_entity(session, home).area_code == WEST
        assert settle_entities(session) == 0
        assert settle_entities(session, day) == 1
        assert find_entity(session, home).area_code == MERGED
        assert find_entity(session, home).valid_from == day
        assert settle_entities(session, day) == 0


def test_borders_that_do_not_fit_are_made_to_fit(database: Database) -> None:
    import_areas(database, town())
    torn = areas(**{f"a{MERGED}": shapely.box(113.8999, 22.5, 113.92, 22.51)})
    with pytest.raises(CoverageError, match="made from their children"):
        import_areas(database, torn, on=DAY)
    done = import_areas(database, torn, on=DAY, parents_from_children=True)
    assert done.parents_m2 == {TOWN: pytest.approx(11_400, rel=0.02)}
    assert kinds(done)[TOWN] == {"redrawn"}
    with database.read() as session:
        assert shapely.area(
            shapely.symmetric_difference(
                find_area(session, TOWN).geometry, shapely.union(torn.geometry[0], TOP)
            )
        ) == pytest.approx(0)


def test_merged_communities_are_numbered_as_the_profile_of_a_scheme_numbers_them(database: Database) -> None:
    import_areas(database, town())
    with database.write() as session:
        create_scheme(session, "police", "警务", rules={"profile": "cjt349"})
    both = areas(a440305001009=shapely.union(SOUTH_WEST, SOUTH_EAST))
    notes: list[str] = []
    import_areas(database, both, on=DAY, dry_run=True, note=notes.append)
    assert [MERGED in note and "--number-merged" in note for note in notes] == [True]
    import_areas(database, both, on=DAY, number_merged=True)
    assert located(database, DAY) == [MERGED, MERGED, NORTH]
    whole = areas(a440305001010=shapely.union_all([SOUTH_WEST, SOUTH_EAST, TOP]))
    import_areas(database, whole, on=DAY + timedelta(days=1), number_merged=True)
    assert set(located(database, date.today())) == {"440305001602"}
