"""Importing areas: written where they differ, checked as one hierarchy, entities follow."""

from datetime import date

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from gis.crs import LONLAT
from gis.errors import CoverageError, InputError
from layers.areas.versions import areas_in_force
from layers.db.database import Database
from layers.entities.history import visible_states
from layers.entities.lifecycle import create_entity, find_entity
from layers.imports.areas import AreaImportSummary, import_areas
from layers.models import Area, Entity

EAST, WEST = shapely.box(113.91, 22.5, 113.92, 22.51), shapely.box(113.9, 22.5, 113.91, 22.51)
WHOLE = shapely.box(113.9, 22.5, 113.92, 22.51)


def areas(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    codes = [code.removeprefix("a") for code in shapes]
    level = {6: "county", 9: "town", 12: "village"}
    return gpd.GeoDataFrame(
        {
            "code": codes,
            "name": codes,
            "level": [level[len(code)] for code in codes],
            "parent": [None] * len(codes),
        },
        geometry=list(shapes.values()),
        crs=LONLAT,
    )


TOWN = areas(a440305001=WHOLE, a440305001001=WEST, a440305001002=EAST)


def test_a_second_import_changes_nothing(database: Database) -> None:
    assert import_areas(database, TOWN) == AreaImportSummary(3, 0, 0, 0)
    revision = database.read_revision()
    assert import_areas(database, TOWN) == AreaImportSummary(0, 0, 3, 0)
    assert database.read_revision() == revision
    with database.read() as session:
        parents = {row.code: row.parent for row in session.execute(select(Area.code, Area.parent))}
    assert parents == {"440305001": None, "440305001001": "440305001", "440305001002": "440305001"}


def test_a_changed_area_is_updated_and_others_stay(database: Database) -> None:
    import_areas(database, TOWN)
    renamed = TOWN.iloc[[1]].reset_index(drop=True).assign(name="海湾社区")
    assert import_areas(database, renamed) == AreaImportSummary(0, 1, 0, 0)
    with database.read() as session:
        # The former version stays in the table, ended.
        present = select(Area.code, Area.name, Area.parent).where(areas_in_force())
        names = {tuple(row) for row in session.execute(present)}
    assert ("440305001001", "海湾社区", "440305001") in names
    assert len(names) == 3


def test_old_and_new_areas_must_nest_together(database: Database) -> None:
    import_areas(database, TOWN)
    with pytest.raises(CoverageError):
        import_areas(database, areas(a440305001001=shapely.box(113.9, 22.5, 113.905, 22.51)))
    with pytest.raises(InputError, match="unique"):
        import_areas(database, areas(a440305002=EAST).loc[[0, 0]].reset_index(drop=True))
    assert import_areas(database, TOWN) == AreaImportSummary(0, 0, 3, 0)


def test_entities_follow_the_areas(database: Database) -> None:
    day = date(2026, 1, 1)
    with database.write() as session:
        here = create_entity(session, "sensor", "1", geometry=shapely.Point(113.901, 22.501), on=day).id
        away = create_entity(session, "sensor", "2", geometry=shapely.Point(114, 23), on=day).id
        create_entity(session, "sensor", "3", on=day)
    assert import_areas(database, TOWN, on=date(2026, 2, 1)).moved == 1
    with database.read() as session:
        states = [
            (state.area_code, state.valid_from, state.valid_to)
            for state in visible_states(session, find_entity(session, here), None)
        ]
        assert states == [(None, day, date(2026, 2, 1)), ("440305001001", date(2026, 2, 1), None)]
        assert session.get_one(Entity, away).version == 1
