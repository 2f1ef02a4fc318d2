"""Publishing looks at the entities near what has changed alone: as right as looking at all of them."""

from datetime import date

import pytest
import shapely
from pyproj import Geod
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.database import Database
from layers.entities.lifecycle import create_entity, update_entity
from layers.models import Assignment
from layers.plans.assignments import assign_entities
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.layers.squares import (
    COLUMNS,
    ROWS,
    SIZE,
    SOUTH,
    SQUARES,
    SQUARES_OF,
    WEST,
    WEST_TOWN,
    add_areas,
    add_entity,
    draft,
    owner_on,
    spot,
)

MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in (3, 4, 5, 6))
GEOD = Geod(ellps="WGS84")
REACH_M = 60.0
EAST, NORTH = WEST + COLUMNS * SIZE, SOUTH + ROWS * SIZE
MIDDLE_LON, MIDDLE_LAT = WEST + COLUMNS * SIZE / 2, SOUTH + ROWS * SIZE / 2

Square = tuple[int, int]

SIDES: dict[str, tuple[float, float, float, Square]] = {
    "west": (WEST, MIDDLE_LAT, 270.0, (0, 0)),
    "east": (EAST, MIDDLE_LAT, 90.0, (COLUMNS - 1, 0)),
    "south": (MIDDLE_LON, SOUTH, 180.0, (1, 0)),
    "north": (MIDDLE_LON, NORTH, 0.0, (1, ROWS - 1)),
    "southwest": (WEST, SOUTH, 225.0, (0, 0)),
    "northeast": (EAST, NORTH, 45.0, (COLUMNS - 1, ROWS - 1)),
}
"""For each side a point on the edge of all cells, the azimuth that leads away from it, and a square there."""


def place(side: str, metres: float) -> shapely.Point:
    lon, lat, azimuth, _square = SIDES[side]
    return shapely.Point(GEOD.fwd(lon, lat, azimuth, metres)[:2])


def make_scheme(database: Database, **rules: float) -> int:
    with database.write() as session:
        add_areas(session)
        return create_scheme(session, "community", "社区", rules=dict(rules)).id


def lasting_owners(session: Session) -> dict[int, str | None]:
    lasting = select(Assignment.entity_id, Assignment.cell_code).where(Assignment.valid_to.is_(None))
    return {entity: code for entity, code in session.execute(lasting)}  # noqa: C416


@pytest.mark.parametrize("side", SIDES)
def test_entities_up_to_the_greatest_distance_follow_the_cell_that_changes(
    database: Database, side: str
) -> None:
    scheme = make_scheme(database, max_distance_m=REACH_M)
    square = SIDES[side][3]
    before = dict.fromkeys(SQUARES, "a")
    after = {each: "b" if each[0] // 2 == square[0] // 2 else "a" for each in SQUARES}
    if side in {"south", "north"}:
        after = {each: "b" if each[1] == square[1] else "a" for each in SQUARES}
    with database.write() as session:
        publish(session, draft(session, scheme, before).id, MARCH)
        near = [
            create_entity(session, "sensor", f"near {metres}", geometry=place(side, metres), on=MARCH).id
            for metres in (0.5, REACH_M / 2, REACH_M - 1, REACH_M - 0.1)
        ]
        far = [
            create_entity(session, "sensor", f"far {metres}", geometry=place(side, metres), on=MARCH).id
            for metres in (REACH_M + 0.1, REACH_M + 1, 2 * REACH_M)
        ]
        owners = lasting_owners(session)
        assert [owners[entity] for entity in near] == ["a"] * len(near)
        assert [owners[entity] for entity in far] == [None] * len(far)
    with database.write() as session:
        published = publish(session, draft(session, scheme, after).id, APRIL)
        owners = lasting_owners(session)
        assert [owners[entity] for entity in near] == ["b"] * len(near)
        assert [owners[entity] for entity in far] == [None] * len(far)
        assert published.assignments == (len(near), len(near))
        assert assign_entities(session, scheme, MARCH) == (0, 0)


def test_what_lies_on_the_edge_of_the_changed_cells_follows_without_any_distance(database: Database) -> None:
    scheme = make_scheme(database)
    corners = [(lon, lat) for lon in (WEST, WEST + 2 * SIZE) for lat in (SOUTH, NORTH)]
    with database.write() as session:
        publish(session, draft(session, scheme, dict.fromkeys(SQUARES, "b")).id, MARCH)
        ids = [
            create_entity(session, "sensor", str(number), geometry=shapely.Point(corner), on=MARCH).id
            for number, corner in enumerate(corners)
        ]
    with database.write() as session:
        # On a border the lower code owns: all four corners of the town go over.
        owners = {each: "a" if each[0] < 2 else "b" for each in SQUARES}
        assert publish(session, draft(session, scheme, owners).id, APRIL).assignments == (4, 4)
        assert lasting_owners(session) == dict.fromkeys(ids, "a")
        assert assign_entities(session, scheme, MARCH) == (0, 0)


@pytest.mark.parametrize(("moves", "expected"), [(MAY, ("a", "b", "c")), (APRIL, ("a", "c", "c"))])
def test_what_was_there_and_has_left_by_now_follows_for_that_time(
    database: Database, moves: date, expected: tuple[str, str, str]
) -> None:
    scheme = make_scheme(database)
    with database.write() as session:
        first = {each: "a" if each[0] < 2 else "c" for each in SQUARES}
        publish(session, draft(session, scheme, first).id, MARCH)
        entity = create_entity(session, "sensor", "1", geometry=spot((0, 0)), on=MARCH)
        update_entity(session, entity.id, 1, {"geometry": spot((COLUMNS - 1, 0))}, on=moves)
    with database.write() as session:
        second = {each: "b" if each[0] < 2 else "c" for each in SQUARES}
        publish(session, draft(session, scheme, second).id, APRIL)
        owners = [owner_on(session, entity.id, scheme, on) for on in (MARCH, APRIL, JUNE)]
        assert tuple(owner and owner.cell_code for owner in owners) == expected
        assert assign_entities(session, scheme, MARCH) == (0, 0)


def test_many_cells_and_entities_are_brought_up_to_date_as_if_all_were_looked_at(database: Database) -> None:
    scheme = make_scheme(database, max_distance_m=REACH_M)
    with database.write() as session:
        publish(session, draft(session, scheme, {each: f"{each[0]}" for each in SQUARES}).id, MARCH)
        for side in SIDES:
            for metres in range(0, 121, 20):
                create_entity(session, "sensor", f"{side} {metres}", geometry=place(side, metres), on=MARCH)
        for each in SQUARES:
            create_entity(session, "household", str(each), geometry=spot(each), on=MARCH)
    codes = {each: f"{each[0]}" for each in SQUARES}
    for on, column in ((APRIL, 0), (MAY, COLUMNS - 1)):
        codes |= {each: f"new {column}" for each in SQUARES if each[0] == column}
        with database.write() as session:
            publish(session, draft(session, scheme, codes).id, on)
            assert assign_entities(session, scheme, MARCH) == (0, 0)


def test_what_another_scheme_has_assigned_is_assigned_here_too(database: Database) -> None:
    here = make_scheme(database)
    west = dict.fromkeys(SQUARES_OF[WEST_TOWN], "a")
    with database.write() as session:
        there = create_scheme(session, "safety", "安全").id
        publish(session, draft(session, here, west, area_code=WEST_TOWN).id, MARCH)
        entity = add_entity(session, "east", spot((COLUMNS - 1, 0)), MARCH).id
        publish(session, draft(session, there, dict.fromkeys(SQUARES, "a")).id, MARCH)
    changed = {square: "b" if square[0] else "a" for square in west}
    with database.write() as session:
        publish(session, draft(session, here, changed, area_code=WEST_TOWN).id, APRIL)
        found = owner_on(session, entity, here, APRIL)
        assert found is not None
        assert (found.cell_code, found.reason) == (None, "outside")
