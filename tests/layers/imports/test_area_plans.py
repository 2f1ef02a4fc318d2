"""Plans and areas of other days: told at the import, checked for their day, published, followed, located."""

from datetime import date, timedelta

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from gis.crs import LONLAT
from gis.errors import ConflictError
from layers.db.database import Database
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import import_areas
from layers.models import Cell, Plan
from layers.plans.cells import cells_as_of
from layers.plans.check import check_plan, examine_plan
from layers.plans.copies import copy_in_force
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.plans.take_back import take_back
from layers.snapshot import SnapshotHolder
from layers.snapshot.read import read_area_timeline

TOWN, WEST, EAST, MERGED = "440305001", "440305001001", "440305001002", "440305001601"
BOXES = {
    WEST: shapely.box(113.9, 22.5, 113.91, 22.51),
    EAST: shapely.box(113.91, 22.5, 113.92, 22.51),
}
WHOLE = shapely.coverage_union_all(list(BOXES.values()))
TODAY = date.today()
FIRST, DAY = TODAY - timedelta(days=60), TODAY + timedelta(days=10)


def areas(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    codes = [code.removeprefix("a") for code in shapes]
    level = {9: "town", 12: "village"}
    return gpd.GeoDataFrame(
        {"code": codes, "name": codes, "level": [level[len(code)] for code in codes], "parent": None},
        geometry=list(shapes.values()),
        crs=LONLAT,
    )


def cells(*codes: str, area: str | None = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": [f"{code}001" for code in codes], "area_code": [area or code for code in codes]},
        geometry=[BOXES[code] for code in codes],
        crs=LONLAT,
    )


@pytest.fixture
def plan(database: Database) -> int:
    """A plan in force that has a cell in each of two communities."""
    import_areas(database, areas(a440305001=WHOLE, **{f"a{code}": shape for code, shape in BOXES.items()}))
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区网格")
        made = create_draft(session, scheme.id, cells(WEST, EAST), name="p", created_by="t")
        check_plan(session, made.id, on=FIRST)
        publish(session, made.id, FIRST)
        return made.id


def scheme_id(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Plan.scheme_id)).first() or 0


def merge(database: Database, on: date = DAY):
    return import_areas(database, areas(a440305001601=WHOLE), on=on)


def test_an_import_tells_which_plans_and_cells_it_concerns(database: Database, plan: int) -> None:
    with database.write() as session:
        draft = create_draft(
            session, scheme_id(database), cells(WEST), name="d", created_by="t", area_code=WEST
        ).id
    told = import_areas(database, areas(a440305001601=WHOLE), on=DAY, dry_run=True).effects
    assert [(each.plan, each.state, each.ended, each.cells) for each in told.plans] == [
        (plan, "published", 2, (f"{WEST}001", f"{EAST}001")),
        (draft, "draft", 1, (f"{WEST}001",)),
    ]
    assert told.sentences()[0].startswith(
        f"2 cells of plan {plan} of scheme 'community' (published) name areas"
    )


def test_a_plan_is_checked_with_the_areas_of_its_day(database: Database, plan: int) -> None:
    merge(database)
    with database.write() as session:
        same = create_draft(session, scheme_id(database), cells(WEST, EAST), name="s", created_by="t").id
        found = examine_plan(session, same, on=DAY)
        assert found.report.is_valid
        assert [each[:45] for each in found.hindrances] == [
            f"Cell {WEST}001 names area '{WEST}'"[:45],
            f"Cell {EAST}001 names area '{EAST}'"[:45],
        ]
        assert examine_plan(session, same, on=DAY - timedelta(days=1)).hindrances == []
        check_plan(session, same, on=DAY - timedelta(days=1))
        with pytest.raises(
            ConflictError, match=rf"others on {DAY} than .*without {WEST}, {EAST}, with {MERGED}"
        ):
            publish(session, same, DAY)


def test_a_plan_of_the_merged_area_follows_those_of_its_parts(database: Database, plan: int) -> None:
    """Published for the day on which the areas merge; taken back, everything is as it was."""
    merge(database)
    with database.write() as session:
        draft = copy_in_force(session, "community", name="new", area_code=MERGED, on=DAY)
        assert set(session.scalars(select(Cell.area_code).where(Cell.plan_id == draft.id))) == {MERGED}
        check_plan(session, draft.id, on=DAY)
        done = publish(session, draft.id, DAY)
        assert (done.kept, done.ended, done.begun, done.superseded) == (0, 2, 2, (plan,))
        assert cells_as_of(session, draft.scheme_id, DAY)["area_code"].tolist() == [MERGED, MERGED]
        before = cells_as_of(session, draft.scheme_id, DAY - timedelta(days=1))
        assert before["area_code"].tolist() == [WEST, EAST]
    with database.write() as session, pytest.raises(ConflictError, match=f"Plan {draft.id} .* is built upon"):
        undo_adjustment(session, 2, author="t")
    with database.write() as session:
        take_back(session, session.get_one(Plan, draft.id), author="t")
        assert session.get_one(Plan, plan).valid_to is None
        assert cells_as_of(session, draft.scheme_id, DAY)["area_code"].tolist() == [WEST, EAST]


def test_a_plan_of_one_area_does_not_end_that_of_the_other_before_they_merge(
    database: Database, plan: int
) -> None:
    merge(database)
    with database.write() as session:
        one = create_draft(
            session, scheme_id(database), cells(WEST), name="w", created_by="t", area_code=WEST
        ).id
        check_plan(session, one)
        assert publish(session, one, TODAY).superseded == ()
        other = create_draft(
            session, scheme_id(database), cells(EAST), name="e", created_by="t", area_code=EAST
        ).id
        check_plan(session, other)
        assert publish(session, other, TODAY).superseded == (plan,)


def test_a_border_that_moved_asks_for_a_plan_of_both_sides(database: Database, plan: int) -> None:
    wider, narrower = shapely.box(113.9, 22.5, 113.912, 22.51), shapely.box(113.912, 22.5, 113.92, 22.51)
    done = import_areas(database, areas(**{f"a{WEST}": wider, f"a{EAST}": narrower}), on=DAY)
    assert [(each.plan, each.ended, each.changed) for each in done.effects.plans] == [(plan, 0, 2)]
    drawn = cells(WEST, EAST).set_geometry(gpd.GeoSeries([wider, narrower], crs=LONLAT))
    with database.write() as session:
        alone = create_draft(
            session, scheme_id(database), drawn.iloc[[0]], name="w", created_by="t", area_code=WEST
        ).id
        check_plan(session, alone, on=DAY)
        with pytest.raises(ConflictError, match=f"reaches into area {WEST} from outside"):
            publish(session, alone, DAY)
        both = create_draft(session, scheme_id(database), drawn, name="b", created_by="t", area_code=TOWN).id
        check_plan(session, both, on=DAY)
        publish(session, both, DAY)
        shapes = cells_as_of(session, scheme_id(database), DAY).geometry
        assert shapely.area(shapely.union_all(shapes)) == pytest.approx(shapely.area(WHOLE))


def test_a_cell_is_followed_where_what_took_its_area_gave_that_away(database: Database, plan: int) -> None:
    """Also where its area had given that ground away before it ended."""
    del plan
    north, south = shapely.box(113.91, 22.505, 113.92, 22.51), shapely.box(113.91, 22.5, 113.92, 22.505)
    first, second, third = (TODAY - timedelta(days=days) for days in (30, 20, 10))
    import_areas(database, areas(**{"a440305001003": north, f"a{EAST}": south}), on=first)
    import_areas(database, areas(**{f"a{WEST}": shapely.union(BOXES[WEST], south)}), on=second)
    import_areas(database, areas(**{"a440305001004": south, f"a{WEST}": BOXES[WEST]}), on=third)
    with database.read() as session:
        timeline = read_area_timeline(session)
    for shape, expected in (
        (north, (EAST, "440305001003", "440305001003")),
        (south, (EAST, WEST, "440305001004")),
    ):
        found = [timeline.chain(EAST, shape, day)[0].code for day in (first, second, third)]
        assert tuple(found) == expected


def test_a_location_is_answered_with_the_areas_of_its_day(database: Database, plan: int) -> None:
    del plan
    parts = areas(
        a440305001003=shapely.box(113.9, 22.5, 113.905, 22.51),
        a440305001004=shapely.box(113.905, 22.5, 113.91, 22.51),
    )
    import_areas(database, parts, on=TODAY)
    merged = shapely.union(BOXES[EAST], parts.geometry[1])
    import_areas(database, areas(a440305001601=merged), on=DAY)
    holder = SnapshotHolder(database)
    holder.refresh()

    def codes(day: date) -> list[str]:
        snapshot = holder.current
        placed = snapshot.area_timeline.place(holder.get_cells(snapshot, "community", day), day)
        return [
            snapshot.areas_on(day).chain(code)[0].code if code else "" for code in placed.area_codes.tolist()
        ]

    assert codes(TODAY - timedelta(days=1)) == [WEST, EAST]
    # The cell of the former community lies across both that it became: in the one in which its middle lies.
    assert codes(TODAY)[0] in {"440305001003", "440305001004"}
    assert codes(TODAY)[1] == EAST
    assert codes(DAY)[1] == MERGED
