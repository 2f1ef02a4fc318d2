from datetime import date
from threading import Event, Thread

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from sqlalchemy import delete, select

from gis.errors import InputError
from layers.entities.spatial_index import EntityIndex, IndexedEntity
from layers.models import Entity

GEOD = Geod(ellps="WGS84")
KINDS = ("sensor", "component")

places = st.tuples(
    st.one_of(st.floats(113.9, 114.1), st.sampled_from([114.0, 114.05])),
    st.one_of(st.floats(22.4, 22.6), st.sampled_from([22.5])),
)


def indexed(number, place, version=1):
    return IndexedEntity(number, KINDS[number % 2], version, shapely.Point(place), AREAS[number % 3])


def naive_nearest(held, lon, lat, kind, within_m, covered=None):
    found = []
    for entity in held.values():
        if kind in (None, entity.kind) and (covered is None or entity.area_code in covered):
            metres = GEOD.inv(lon, lat, entity.geometry.x, entity.geometry.y)[2]
            if within_m is None or metres <= within_m:
                found.append((metres, entity.id))
    return [(number, metres) for metres, number in sorted(found)]


AREAS = ("a", "b", None)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(places, max_size=30),
    st.lists(st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 40), places), max_size=30),
    st.lists(
        st.tuples(
            places,
            st.integers(1, 50),
            st.sampled_from([None, *KINDS]),
            st.sampled_from([None, 0.0, 900.0, 30_000.0]),
            st.sampled_from([None, {"a"}, {"a", "b"}, set()]),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_nearest_equals_a_walk_over_all_after_any_changes(first, changes, questions):
    held = {number: indexed(number, place) for number, place in enumerate(first)}
    index = EntityIndex(held.values())
    for version, (what, number, place) in enumerate(changes, 2):
        if what == "put":
            held[number] = indexed(number, place, version)
            index.apply([held[number]])
        else:
            removed = held.pop(number, None)
            index.apply(removed={number: 0 if removed is None else removed.version})
    assert len(index) == len(held)
    for (lon, lat), count, kind, within_m, covered in questions:
        naive = naive_nearest(held, lon, lat, kind, within_m, covered)[:count]
        found = index.nearest(lon, lat, count, kind=kind, within_m=within_m, area_codes=covered)
        assert [near.distance_m for near in found] == pytest.approx([metres for _, metres in naive], abs=1e-6)
        assert [near.id for near in found] == [number for number, _ in naive]


def test_the_nearest_of_an_area_are_found_behind_thousands_of_others():
    others = [
        IndexedEntity(number, "sensor", 1, shapely.Point(114 + number * 1e-6, 22.5), "b")
        for number in range(20_000)
    ]
    own = [
        IndexedEntity(30_000 + number, "sensor", 1, shapely.Point(114.1 + number, 22.5), "a")
        for number in range(3)
    ]
    index = EntityIndex([*others, *own])
    found = index.nearest(114.0, 22.5, 2, area_codes={"a"})
    assert [near.id for near in found] == [30_000, 30_001]
    assert index.nearest(114.0, 22.5, 2, area_codes={"c"}) == []


@pytest.mark.parametrize("lat", [0.0, 60.0, 84.0, -89.0])
def test_nearest_is_by_metres_not_by_degrees(lat):
    random = np.random.default_rng(3)
    points = np.column_stack([random.uniform(10, 20, 300), random.uniform(lat - 0.9, lat + 0.9, 300)])
    held = {number: indexed(number, place) for number, place in enumerate(points.tolist())}
    found = EntityIndex(held.values()).nearest(15.0, lat, 20)
    assert [near.id for near in found] == [row[0] for row in naive_nearest(held, 15.0, lat, None, None)[:20]]


def test_lines_and_polygons_are_near_where_they_are_nearest():
    index = EntityIndex(
        [
            IndexedEntity(1, "component", 1, shapely.LineString([(113.0, 22.5), (115.0, 22.5)])),
            IndexedEntity(2, "component", 1, shapely.box(114.0, 22.6, 114.1, 22.7)),
            IndexedEntity(3, "component", 1, shapely.Point(114.05, 22.55)),
            IndexedEntity(4, "component", 1, shapely.Point()),
        ]
    )
    assert len(index) == 3
    assert [(near.id, near.distance_m) for near in index.nearest(114.05, 22.65, 1)] == [(2, 0.0)]
    found = index.nearest(114.02, 22.52, 3)
    assert [near.id for near in found] == [1, 3, 2]
    truth = GEOD.inv(114.02, 22.52, 114.02, 22.5)[2]
    assert found[0].distance_m == pytest.approx(truth, rel=0.01)


def test_an_older_version_changes_nothing():
    index = EntityIndex([indexed(2, (114.0, 22.5), version=5)])
    index.apply([indexed(2, (113.0, 22.5), version=4)])
    assert index.nearest(114.0, 22.5)[0].distance_m == 0.0
    index.apply(removed={2: 4})
    assert len(index) == 1
    index.apply([IndexedEntity(2, "component", 6, shapely.Point(114.0, 22.6))])
    assert index.nearest(114.0, 22.5, within_m=11_000.0) == []
    assert index.nearest(114.0, 22.6)[0].kind == "component"
    index.apply([IndexedEntity(2, "component", 7, shapely.Point())])
    assert len(index) == 0
    assert index.nearest(114.0, 22.6) == []
    index.apply(removed={2: 7})
    assert len(index) == 0


def test_senseless_questions_are_refused():
    index = EntityIndex()
    for wrong in (
        lambda: index.nearest(200.0, 22.5),
        lambda: index.nearest(float("nan"), 22.5),
        lambda: index.nearest(114.0, 22.5, 0),
        lambda: index.nearest(114.0, 22.5, within_m=-1.0),
    ):
        with pytest.raises(InputError):
            wrong()


def test_many_threads_ask_and_write_at_once():
    index = EntityIndex(indexed(number, (114.0 + number * 1e-5, 22.5)) for number in range(400))
    stop, faults = Event(), []

    def ask():
        while not stop.is_set():
            found = index.nearest(114.0, 22.5, 10, kind="sensor")
            # Even keys stay; they are 2e-5 degrees apart.
            if [near.id for near in found] != list(range(0, 20, 2)):
                faults.append(found)

    def write(first):
        for _ in range(15):
            for number in range(first, 400, 4):
                index.apply(removed={number: 1})
            for number in range(first, 400, 4):
                index.apply([indexed(number, (114.0 + number * 1e-5, 22.5))])

    askers = [Thread(target=ask) for _ in range(2)]
    writers = [Thread(target=write, args=(first,)) for first in (1, 3)]
    for thread in askers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in askers:
        thread.join()
    assert faults == []
    assert len(index) == 400


def test_it_follows_the_database(database):
    def add(session, number, geometry, kind="sensor"):
        session.add(
            Entity(
                kind=kind,
                external_id=str(number),
                attributes={},
                personal={},
                valid_from=date(2024, 1, 1),
                version=1,
                geometry=geometry,
            )
        )

    with database.write() as session:
        for number in range(5):
            add(session, number, shapely.Point(114.0 + number * 0.01, 22.5))
        add(session, 5, None)
        add(session, 6, shapely.Point(114.0, 22.5), kind="household")
    with database.read() as session:
        index = EntityIndex.load(session, kinds=["sensor"])
        everything = EntityIndex.load(session)
    assert (len(index), len(everything)) == (5, 6)
    assert everything.nearest(114.0, 22.5, kind="household")[0].distance_m == 0.0
    with database.read() as session:
        assert index.catch_up(session, kinds=["sensor"]) == 0

    with database.write() as session:
        moved, ended, located = (
            session.scalars(select(Entity).where(Entity.external_id == number)).one() for number in "045"
        )
        moved.geometry, moved.version = shapely.Point(115.0, 23.0), 2
        ended.valid_to, ended.version = date(2024, 2, 1), 2
        located.geometry, located.version = shapely.Point(116.0, 24.0), 2
    with database.read() as session:
        assert index.catch_up(session, kinds=["sensor"]) == 3
    assert len(index) == 5
    assert index.nearest(115.0, 23.0)[0] == (moved.id, "sensor", 0.0)
    assert index.nearest(116.0, 24.0)[0] == (located.id, "sensor", 0.0)
    assert index.nearest(114.04, 22.5, within_m=900.0) == []
    # What others do to other kinds, and what is written in blocks of keys far away, is no change and one.
    with database.write() as session:
        add(session, 7, shapely.Point(117.0, 22.5), kind="household")
    with database.read() as session:
        assert index.catch_up(session, kinds=["sensor"]) == 0
        assert everything.catch_up(session) == 4


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["add", "move", "end", "back"]), st.integers(0, 11)), max_size=20))
def test_catching_up_ends_where_loading_again_does(database, deeds):
    with database.write() as session:
        session.execute(delete(Entity))
    with database.read() as session:
        index = EntityIndex.load(session)
    for step, (deed, number) in enumerate(deeds):
        with database.write() as session:
            # Some keys are in other blocks.
            key = 1 + number * 700
            entity = session.get(Entity, key)
            if entity is None and deed == "add":
                place = None if number == 5 else shapely.Point(114 + number * 0.01, 22.5)
                session.add(
                    Entity(
                        id=key, kind=KINDS[number % 2], external_id=str(key), attributes={}, personal={},
                        valid_from=date(2024, 1, 1), version=1, geometry=place, area_code="a",
                    )
                )  # fmt: skip
            elif entity is not None and deed != "add":
                entity.version += 1
                if deed == "move":
                    entity.geometry, entity.area_code = shapely.Point(115 + step * 0.01, 22.5), "b"
                else:
                    entity.valid_to = date(2024, 2, 1) if deed == "end" else None
        if step % 3 == 2 or step == len(deeds) - 1:
            with database.read() as session:
                index.catch_up(session)
                anew = EntityIndex.load(session)
            for covered in (None, {"a"}, {"b"}):
                assert index.nearest(114, 22.5, 50, area_codes=covered) == anew.nearest(
                    114, 22.5, 50, area_codes=covered
                )
