"""Areas from a day on: what changes is told, taken, read on both sides of the day, and undone."""

from datetime import date, timedelta

import geopandas as gpd
import pytest
import shapely

from gis.area_changes import AreaChangeKind
from gis.crs import LONLAT
from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.locator import AreaLocator
from layers.areas.queries import area_codes, find_area
from layers.db.database import Database
from layers.entities.history import visible_states
from layers.entities.lifecycle import create_entity, find_entity
from layers.imports.area_undo import undo_adjustment
from layers.imports.areas import AreaImportSummary, import_areas

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
