"""Entities one by one: versions, stale writes, ends, and the cells that follow."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis.crs import LONLAT
from gis.errors import ConflictError, InputError, NotFoundError, StaleError
from layers.db.database import Database
from layers.entities.history import visible_states
from layers.entities.lifecycle import create_entity, end_entity, find_entity, update_entity
from layers.fields.personal import is_personal
from layers.imports.areas import import_areas
from layers.models import Assignment
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme

DAY, NEXT, LATER = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
WEST = shapely.box(113.9, 22.5, 113.91, 22.51)
EAST = shapely.box(113.91, 22.5, 113.92, 22.51)


@pytest.fixture
def divided(database: Database) -> Database:
    """Two communities, each one cell of a published plan."""
    codes = ["440305001001", "440305001002"]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=[WEST, EAST], crs=LONLAT)
    import_areas(database, frame.assign(name="", level="village", parent=None))
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区")
        cells = frame.assign(code=frame["code"] + "001", name="", kind="square")
        plan = create_draft(session, scheme.id, cells, name="first", created_by="test")
        check_plan(session, plan.id)
        publish(session, plan.id, DAY)
    return database


def owners(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as session:
        rows = session.query(Assignment).order_by(Assignment.valid_from, Assignment.id)
        return [(each.cell_code, each.valid_from, each.valid_to) for each in rows]


def test_a_move_changes_area_and_cell(divided: Database) -> None:
    with divided.write() as session:
        entity = create_entity(
            session, "sensor", "S1", attributes={"range_m": 25}, geometry=WEST.centroid, on=DAY
        )
        assert entity.area_code == "440305001001"
    with divided.write() as session:
        moved = update_entity(session, entity.id, 1, {"geometry": EAST.centroid}, on=NEXT)
        assert (moved.version, moved.area_code, moved.attributes) == (2, "440305001002", {"range_m": 25})
    with divided.write() as session:
        assert end_entity(session, entity.id, 2, on=LATER).version == 3
    assert owners(divided) == [("440305001001001", DAY, NEXT), ("440305001002001", NEXT, LATER)]
    with divided.read() as session:
        states = [
            (each.area_code, each.valid_from, each.valid_to)
            for each in visible_states(session, find_entity(session, entity.id), None)
        ]
    assert states == [("440305001001", DAY, NEXT), ("440305001002", NEXT, LATER)]


def test_a_change_that_changes_nothing_makes_no_version(divided: Database) -> None:
    with divided.write() as session:
        entity = create_entity(session, "sensor", "S1", attributes={"a": 1}, geometry=WEST.centroid, on=DAY)
        same = {"attributes": {"a": 1, "b": None}, "geometry": WEST.centroid}
        assert update_entity(session, entity.id, 1, same, on=NEXT).version == 1
        assert len(visible_states(session, find_entity(session, entity.id), None)) == 1


def test_a_stale_write_is_refused(divided: Database) -> None:
    with divided.write() as session:
        entity = create_entity(session, "sensor", "S1", on=DAY)
        update_entity(session, entity.id, 1, {"name": "a"}, on=NEXT)
    for late in (update_entity, end_entity):
        arguments: tuple[Any, ...] = ({"name": "b"},) if late is update_entity else ()
        with pytest.raises(StaleError, match="version 2, not 1"), divided.write() as session:
            late(session, entity.id, 1, *arguments, on=NEXT)
    with divided.read() as session:
        assert find_entity(session, entity.id).name == "a"


def test_two_changes_on_one_day_keep_both_states(divided: Database) -> None:
    with divided.write() as session:
        entity = create_entity(session, "sensor", "S1", name="a", on=DAY)
        update_entity(session, entity.id, 1, {"name": "b"}, on=DAY)
        update_entity(session, entity.id, 2, {"name": "c"}, on=DAY)
        assert [
            (each.name, each.valid_from, each.valid_to)
            for each in visible_states(session, find_entity(session, entity.id), None)
        ] == [
            ("a", DAY, DAY),
            ("b", DAY, DAY),
            ("c", DAY, None),
        ]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"kind": "household"}, InputError),
        ({"area_code": "1"}, InputError),
        ({"geometry": shapely.Point(500, 1)}, InputError),
        ({"geometry": shapely.Point(float("nan"), 1)}, InputError),
        ({"name": "a\0b"}, InputError),
        ({"attributes": {"a": 2**70}}, InputError),
    ],
)
def test_what_cannot_be_kept_changes_nothing(
    divided: Database, changes: Mapping[str, Any], error: type[Exception]
) -> None:
    with divided.write() as session:
        entity = create_entity(session, "sensor", "S1", on=DAY)
    with pytest.raises(error), divided.write() as session:
        update_entity(session, entity.id, 1, changes, on=NEXT)
    with divided.read() as session:
        assert len(visible_states(session, find_entity(session, entity.id), None)) == 1


def test_conflicts_and_what_is_not_there(divided: Database) -> None:
    with divided.write() as session:
        entity = create_entity(session, "sensor", "S1", on=NEXT)
        with pytest.raises(ConflictError, match="The sensor 'S1' is there already"):
            create_entity(session, "sensor", "S1")
        with pytest.raises(InputError):
            create_entity(session, "sensor", " ")
        with pytest.raises(ConflictError, match="after"):
            update_entity(session, entity.id, 1, {"name": "a"}, on=DAY)
        end_entity(session, entity.id, 1, on=LATER)
        with pytest.raises(ConflictError, match="ended"):
            end_entity(session, entity.id, 2, on=LATER)
        with pytest.raises(NotFoundError):
            find_entity(session, 99)
        with pytest.raises(NotFoundError):
            update_entity(session, 99, 1, {})


@pytest.mark.parametrize(
    ("field", "kind", "personal"),
    [
        ("姓名", "enterprise", True),
        ("联系电话1", "enterprise", True),
        ("owner_phone", "enterprise", True),
        ("ID Number", "household", True),
        ("身份证号码", "household", True),
        ("name", "household", True),
        ("name", "enterprise", False),
        ("名称", "enterprise", False),
        ("id", "household", False),
        ("address", "household", False),
        ("persons", "household", False),
        ("统一社会信用代码", "enterprise", False),
    ],
)
def test_which_fields_are_personal(field: str, kind: str, personal: bool) -> None:
    assert is_personal(field, "x", kind) is personal
    assert is_personal(field, "x", kind, declared=[field])
