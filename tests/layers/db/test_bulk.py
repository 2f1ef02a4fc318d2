"""Conditions and rows: what is in force on a date, keys without end, rows in bulk."""

from datetime import date, timedelta

import pytest
import shapely
from sqlalchemy import select

from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, id_in, in_force, insert_rows, raw_geometry, read_in_batches
from layers.db.database import Database
from layers.models import Area, Entity

DAY = date(2026, 3, 1)
ONE = timedelta(days=1)


def entity(
    external_id: str, start: date, end: date | None, geometry: shapely.Geometry | None = None
) -> Entity:
    return Entity(
        kind="sensor",
        external_id=external_id,
        name="",
        attributes={},
        personal={},
        geometry=geometry,
        valid_from=start,
        valid_to=end,
        version=1,
    )


def test_what_begins_on_a_day_is_in_force_and_what_ends_on_it_is_not(database: Database) -> None:
    spans = {
        "begins": (DAY, None),
        "begins tomorrow": (DAY + ONE, None),
        "ends": (DAY - ONE, DAY),
        "ends tomorrow": (DAY - ONE, DAY + ONE),
        "one day": (DAY, DAY + ONE),
        "empty": (DAY, DAY),
    }
    with database.write() as session:
        session.add_all(entity(name, *span) for name, span in spans.items())
    with database.read() as session:
        condition = in_force(Entity.valid_from, Entity.valid_to, DAY)
        found = sorted(session.scalars(select(Entity.external_id).where(condition)))
    assert found == ["begins", "ends tomorrow", "one day"]


@pytest.mark.parametrize(
    "edge", [BBox(0, 0, 1, 1), BBox(3, 2, 4, 4), BBox(1, 0, 3, 1), BBox(1, 2, 3, 4), BBox(3, 2, 3, 2)]
)
def test_a_box_meets_what_it_touches(database: Database, edge: BBox) -> None:
    with database.write() as session:
        session.add(entity("a", DAY, None, shapely.box(1, 1, 3, 2)))
    with database.read() as session:
        found = list(
            session.scalars(select(Entity.external_id).where(bbox_intersects(session, Entity, edge)))
        )
    assert found == ["a"]


@pytest.mark.parametrize(
    "beside", [BBox(0, 1, 0.9, 2), BBox(3.1, 1, 4, 2), BBox(1, 0, 3, 0.9), BBox(1, 2.1, 3, 3)]
)
def test_a_box_beside_meets_nothing(database: Database, beside: BBox) -> None:
    with database.write() as session:
        session.add(entity("a", DAY, None, shapely.box(1, 1, 3, 2)))
    with database.read() as session:
        found = session.scalars(select(Entity.id).where(bbox_intersects(session, Entity, beside))).all()
    assert found == []


def test_rows_come_back_as_they_went_in(database: Database) -> None:
    geometries = [shapely.box(0, 0, 1, 1), None, shapely.MultiPoint([(1, 2), (3, 4)])]
    rows = [
        {"code": str(number), "name": "å", "level": "", "parent": None, "geometry": geometry}
        for number, geometry in enumerate([geometries[0], geometries[2]])
    ]
    with database.write() as session:
        insert_rows(session, Area.metadata.tables["areas"], rows)
        insert_rows(session, Area.metadata.tables["areas"], [])
        session.add_all(entity(str(k), DAY, None, each) for k, each in enumerate(geometries))
    with database.read() as session:
        areas = session.execute(
            select(Area.code, raw_geometry(session, Area.geometry)).order_by(Area.code)
        ).all()
        entities = session.scalars(
            select(raw_geometry(session, Entity.geometry)).order_by(Entity.external_id)
        ).all()
        assert [row[0] for row in areas] == ["0", "1"]
        assert list(decode_geometries(session, [row[1] for row in areas])) == [geometries[0], geometries[2]]
        assert list(decode_geometries(session, entities)) == geometries
        assert len(decode_geometries(session, [])) == 0


def test_many_keys_are_one_parameter(database: Database) -> None:
    with database.write() as session:
        session.add_all(entity(str(number), DAY, None) for number in range(3))
    with database.read() as session:
        keys = sorted(session.scalars(select(Entity.id)))
        for chosen in ([], keys[:1], keys[1:], [*keys, *range(10**6, 10**6 + 40_000)]):
            found = session.scalars(select(Entity.id).where(id_in(session, Entity.id, chosen)))
            assert sorted(found) == sorted(set(chosen) & set(keys))
        batches = [len(rows) for rows in read_in_batches(session, select(Entity.id))]
    assert batches == [3]
