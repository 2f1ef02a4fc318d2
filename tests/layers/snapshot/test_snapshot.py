import sys
import time
from datetime import date
from pathlib import Path
from threading import Event, Thread
from weakref import ref

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import select, text

from gis.errors import NotFoundError
from gis.locate import PointLocator
from layers.db.database import Database, bump_revision
from layers.models import Area, Cell, Scheme
from layers.snapshot import AreaTree, SnapshotHolder, follow_database
from tests.layers.snapshot.published import (
    AREAS,
    DAYS,
    coded,
    lattice,
    note_publishing,
    publish,
    telling_points,
)

TODAY = date(2024, 7, 1)
PATIENCE_S = 60.0


def holder_of(database, day=TODAY, **options):
    holder = SnapshotHolder(database, today=lambda: day, **options)
    holder.refresh()
    return holder


def locator_of(cells):
    codes, polygons = zip(*cells, strict=True)
    return PointLocator(gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4326))


def owner_codes(cells, points):
    owners = cells.locator.find_owners(points[:, 0], points[:, 1])
    return [cells.locator.codes[owner] if owner >= 0 else None for owner in owners]


def test_answers_as_the_locator_of_the_published_cells(database):
    grid, fine = coded(lattice(4, 3)), coded(lattice(8, 6, step=2.0**-11), prefix="s")
    publish(database, "community", grid, DAYS[0])
    publish(database, "safety", fine, DAYS[0])
    snapshot = holder_of(database).current

    assert list(snapshot.schemes) == ["community", "safety"]
    for scheme, cells in (("community", grid), ("safety", fine)):
        points = telling_points(cells)
        oracle = locator_of(cells)
        held = snapshot.cells[scheme]
        expected = [oracle.locate(*point) for point in points]
        assert owner_codes(held, points) == expected
        assert None in expected
        positions = [held.position(*point) for point in points]
        assert [held.locator.codes[p] if p >= 0 else None for p in positions] == expected
        assert list(held.names) == [f"网格 {code}" for code in held.locator.codes]


def test_drafts_ended_and_coming_cells_own_nothing(database):
    publish(database, "community", coded(lattice(2, 1), start=1), DAYS[0])
    publish(database, "community", coded(lattice(2, 1), start=11), DAYS[1])
    publish(database, "community", coded(lattice(2, 1), start=21), date(2030, 1, 1))
    with database.write() as session:
        draft = session.scalars(select(Cell).where(Cell.code == "001")).one()
        session.expunge(draft)
        session.add(
            Cell(
                **{
                    name: getattr(draft, name)
                    for name in Cell.__table__.columns.keys()  # noqa: SIM118
                    if name not in {"id", "valid_from", "valid_to", "code"}
                },
                code="000",
                valid_from=None,
                valid_to=None,
            )
        )
    assert list(holder_of(database).current.cells["community"].locator.codes) == ["011", "012"]


@pytest.mark.parametrize("kept_cells", [0, 1000])
def test_as_of_each_day(database, kept_cells):
    plans = {day: coded(lattice(2 + number, 2), start=100 * number + 1) for number, day in enumerate(DAYS)}
    for day, cells in plans.items():
        publish(database, "community", cells, day)
    holder = holder_of(database, kept_cells=kept_cells)
    snapshot = holder.current
    points = telling_points(plans[DAYS[2]])
    asked = {
        date(2023, 12, 31): None,
        date(2024, 1, 1): DAYS[0],
        date(2024, 2, 29): DAYS[0],
        date(2024, 3, 1): DAYS[1],
        date(2024, 5, 31): DAYS[1],
        date(2024, 6, 1): DAYS[2],
        TODAY: DAYS[2],
        date(2099, 1, 1): DAYS[2],
    }
    for _ in range(2):
        for day, plan in asked.items():
            expected = [None] * len(points)
            if plan is not None:
                oracle = locator_of(plans[plan])
                expected = [oracle.locate(*point) for point in points]
            assert owner_codes(holder.get_cells(snapshot, "community", day), points) == expected
    assert holder.get_cells(snapshot, "community", DAYS[2]) is snapshot.cells["community"]


def test_former_states_are_read_once_and_survive_a_publish_elsewhere(database):
    publish(database, "community", coded(lattice(2, 1), start=1), DAYS[0])
    publish(database, "community", coded(lattice(2, 1), start=11), DAYS[1])
    holder = holder_of(database)
    first = holder.current
    assert holder.cached_cells(first, "community", date(2024, 1, 5)) is None
    former = holder.get_cells(first, "community", date(2024, 1, 5))
    assert holder.cached_cells(first, "community", date(2024, 2, 5)) is former

    publish(database, "safety", coded(lattice(1, 1)), DAYS[2])
    second = holder.refresh()
    assert second.cells["community"] is first.cells["community"]
    assert holder.get_cells(second, "community", date(2024, 2, 5)) is former
    assert "safety" not in first.cells


def test_a_former_state_written_anew_is_read_anew(database):
    publish(database, "community", coded(lattice(2, 1), start=1), DAYS[0])
    publish(database, "community", coded(lattice(2, 1), start=11), DAYS[1])
    holder = holder_of(database)
    day = date(2024, 1, 5)
    assert len(holder.get_cells(holder.current, "community", day)) == 2
    with database.write() as session:
        gone = session.scalars(select(Cell).where(Cell.code == "001")).one()
        session.delete(gone)
        note_publishing(session)
    # The old snapshot does not remember what it has never stood for.
    assert len(holder.get_cells(holder.refresh(), "community", day)) == 1


def test_what_was_not_published_anew_is_taken_over(database):
    publish(database, "community", coded(lattice(2, 1)), DAYS[0])
    publish(database, "safety", coded(lattice(2, 1)), DAYS[0])
    holder = holder_of(database)
    first = holder.current
    with database.write() as session:
        bump_revision(session)
        session.scalars(select(Area).where(Area.code == "440305")).one().name = "Nanshan"
    second = holder.refresh()
    assert second.revision == first.revision + 1
    assert all(second.cells[scheme] is first.cells[scheme] for scheme in ("community", "safety"))
    assert second.areas.chain("440305001001")[-1].name == "Nanshan"
    publish(database, "safety", coded(lattice(2, 1), start=11), DAYS[1])
    third = holder.refresh()
    assert third.cells["community"] is first.cells["community"]
    assert list(third.cells["safety"].locator.codes) == ["011", "012"]


def test_versions_that_go_on_are_not_read_again_and_answer_alike(database):
    first = coded(lattice(6, 4))
    publish(database, "community", first, DAYS[0])
    holder = holder_of(database)
    before = holder.current.cells["community"]
    with database.write() as session:
        # Two cells become one, another is renamed; the rest go on.
        for code in ("001", "002", "005"):
            session.scalars(select(Cell).where(Cell.code == code)).one().valid_to = DAYS[1]
        session.flush()
        united = first[0][1].union(first[1][1])
        for code, name, polygon in (("900", "united", united), ("005", "renamed", first[4][1])):
            old = session.scalars(select(Cell).where(Cell.code == "005")).first()
            values = {
                column: getattr(old, column)
                for column in Cell.__table__.columns.keys()  # noqa: SIM118
                if column not in {"id", "code", "name", "valid_from", "valid_to", "geometry"}
            }
            session.add(Cell(**values, code=code, name=name, valid_from=DAYS[1], geometry=polygon))
        note_publishing(session)
    after = holder.refresh().cells["community"]
    anew = holder_of(database).current.cells["community"]
    now = [("900", united), *first[2:]]
    points = telling_points(now)
    assert owner_codes(after, points) == owner_codes(anew, points)
    assert owner_codes(after, points) == [locator_of(now).locate(*point) for point in points]
    assert owner_codes(before, points) == [locator_of(first).locate(*point) for point in points]
    for attribute in ("names", "area_codes", "areas_m2"):
        assert getattr(after, attribute).tolist() == getattr(anew, attribute).tolist()
    assert "renamed" in after.names
    assert "renamed" not in before.names


def test_a_replaced_state_is_let_go(database):
    publish(database, "community", coded(lattice(2, 1)), DAYS[0])
    holder = holder_of(database)
    replaced = ref(holder.current.cells["community"])
    publish(database, "community", coded(lattice(2, 1), start=11), DAYS[1])
    holder.refresh()
    assert replaced() is None


def test_a_new_day_brings_other_cells_into_force(database):
    publish(database, "community", coded(lattice(2, 1), start=1), DAYS[0])
    publish(database, "community", coded(lattice(2, 1), start=11), DAYS[1])
    days = [date(2024, 2, 29)]
    holder = SnapshotHolder(database, today=lambda: days[-1])
    assert list(holder.refresh().cells["community"].locator.codes) == ["001", "002"]
    assert not holder.is_outdated(database.read_revision())
    days.append(date(2024, 3, 1))
    assert holder.is_outdated(database.read_revision())
    assert list(holder.refresh().cells["community"].locator.codes) == ["011", "012"]


def test_a_scheme_without_cells_owns_nothing(database):
    publish(database, "community", coded(lattice(1, 1)), date(2030, 1, 1))
    snapshot = holder_of(database).current
    assert snapshot.cells["community"].position(114.0, 22.5) == -1
    assert len(snapshot.cells["community"]) == 0


def test_unknown_schemes_and_a_holder_without_snapshot_say_so(database):
    holder = SnapshotHolder(database)
    with pytest.raises(NotFoundError, match="not loaded yet"):
        _ = holder.current
    assert holder.health.revision is None
    snapshot = holder.refresh()
    assert len(snapshot.schemes) == 0
    with pytest.raises(NotFoundError, match="no scheme 'safety'"):
        holder.get_cells(snapshot, "safety", None)


def test_area_chains_lead_up_and_end():
    tree = AreaTree(AREAS)
    assert [area.name for area in tree.chain("440305001002")] == ["田厦社区", "南头街道", "南山区"]
    assert tree.chain(None) == tree.chain("999") == ()
    circle = AreaTree([("a", "A", "", "b"), ("b", "B", "", "a")])
    assert [area.code for area in circle.chain("a")] == ["a", "b"]


def test_cells_are_covered_by_their_areas(database):
    areas = ("440305001001", "440306001", None)
    publish(database, "community", coded(lattice(3, 2)), DAYS[0], areas=areas)
    asked = []

    def covers(code):
        asked.append(code)
        return code == "440306001"

    cells = holder_of(database).current.cells["community"]
    assert cells.area_mask(covers).tolist() == [False, True, False] * 2
    assert len(asked) == 3


def test_a_failed_rebuild_keeps_the_old_one(database):
    publish(database, "community", coded(lattice(2, 1)), DAYS[0])
    holder = holder_of(database)
    before = holder.current
    with database.write() as session:
        session.execute(text("UPDATE cells SET code = '' WHERE code = '001'"))
        session.execute(text("UPDATE cells SET id = id + 1000 WHERE code = ''"))
        note_publishing(session)
    with pytest.raises(Exception, match="has no code"):
        holder.refresh()
    assert holder.current is before
    assert holder.health.failure.startswith("InputError at ")
    assert holder.health.revision == before.revision
    with database.write() as session:
        session.execute(text("UPDATE cells SET code = '001' WHERE code = ''"))
    assert holder.refresh().revision == database.read_revision()
    assert holder.health.failure is None


def test_no_answer_mixes_two_states_while_plans_are_published(database):
    """Both schemes of a state carry its number in the names of all their cells, and so does the answer."""
    points = telling_points(coded(lattice(6, 6)), count=100)
    inside = points[-100:]
    for scheme in ("community", "safety"):
        publish(database, scheme, coded(lattice(6, 6)), DAYS[0], name="0")
    holder = holder_of(database)
    stop, mixed, answers = Event(), [], [0] * 3

    def ask(reader):
        while not stop.is_set():
            snapshot = holder.current
            told = set()
            for scheme in snapshot.schemes:
                cells = holder.get_cells(snapshot, scheme, None)
                owners = cells.locator.find_owners(inside[:, 0], inside[:, 1])
                told |= {name.split()[0] for name in cells.names[owners[owners >= 0]]}
            told |= {str(len(snapshot.schemes) and _number(snapshot))}
            if len(told) != 1:
                mixed.append(told)
            answers[reader] += 1

    readers = [Thread(target=ask, args=(reader,)) for reader in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for reader in readers:
            reader.start()
        for number in range(1, 13):
            # One transaction for both: whoever sees one scheme's new name must see the other's.
            with database.write() as session:
                for scheme in session.scalars(select(Scheme)):
                    _rename(session, scheme.id, number)
                note_publishing(session)
            holder.refresh()
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)
    assert mixed == []
    assert min(answers) > 3
    assert _number(holder.current) == 12


def _number(snapshot):
    return int(snapshot.cells["safety"].names[0].split()[0])


def _rename(session, scheme_id, number):
    for old in session.scalars(
        select(Cell).where(Cell.scheme_id == scheme_id, Cell.valid_to.is_(None))
    ).all():
        values = {
            name: getattr(old, name)
            for name in Cell.__table__.columns.keys()  # noqa: SIM118
            if name not in {"id", "name", "valid_from"}
        }
        day = date.fromordinal(old.valid_from.toordinal() + 1)
        session.add(Cell(**values, name=f"{number} {old.code}", valid_from=day))
        old.valid_to = day


@pytest.fixture
def following():
    """Follow a database in a thread that ends with the test."""
    stop, threads = Event(), []

    def start(database, holder, **options):
        threads.append(Thread(target=follow_database, args=(database, holder, stop), kwargs=options))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def _wait(condition):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.01)


def test_two_processes_worth_of_holders_see_a_publish(database, following):
    publish(database, "community", coded(lattice(3, 3)), DAYS[0])
    others = [Database(database.url.render_as_string(hide_password=False)) for _ in range(2)]
    rebuilt = []
    try:
        holders = [SnapshotHolder(other, today=lambda: TODAY) for other in others]
        for other, holder in zip(others, holders, strict=True):
            following(other, holder, on_refresh=lambda: rebuilt.append(time.monotonic()))
        _wait(lambda: all(holder.health.revision is not None for holder in holders))
        publish(database, "community", coded(lattice(3, 3), start=101), DAYS[1])
        revision = database.read_revision()
        _wait(lambda: all(holder.health.revision == revision for holder in holders))
        assert all(holder.current.cells["community"].locator.codes[0] == "101" for holder in holders)
        _wait(lambda: len(rebuilt) == 4)
    finally:
        for other in others:
            other.close()


def test_following_outlives_a_database_that_cannot_be_read(tmp_path: Path, following):
    database = Database(f"sqlite:///{tmp_path / 'wangge.gpkg'}")
    holder = SnapshotHolder(database, today=lambda: TODAY)
    following(database, holder, poll_s=0.05)
    time.sleep(0.2)
    assert holder.health.revision is None
    database.migrate()
    publish(database, "community", coded(lattice(1, 1)), DAYS[0])
    _wait(lambda: holder.health.revision is not None)
    database.close()


def test_shapes_come_back_exactly(database):
    wavy = shapely.Polygon([(114.0, 22.5), (114.1, 22.5 + 1e-9), (114.1, 22.6), (114.0 + 1e-12, 22.6)])
    publish(database, "community", [("1", shapely.MultiPolygon([wavy]))], DAYS[0])
    cells = holder_of(database).current.cells["community"]
    assert np.array_equal(shapely.get_coordinates(cells.locator.geometries[0]), shapely.get_coordinates(wavy))
