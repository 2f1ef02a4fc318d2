"""Tile sets in use: made once, made anew in the background, bounded."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from weakref import ref

import pytest

from gis.errors import NotFoundError
from layers.db.database import Database, bump_revision
from layers.models import Assignment, Entity, Scheme
from layers.snapshot import SnapshotHolder
from layers.tiles import Address
from layers.tilesets import CellTiles, Shelf, Wanted
from layers.tilesets.store import KEPT_SETS
from tests.layers.snapshot.published import coded, lattice, publish

DAYS = [date(2026, month, 1) for month in range(1, 7)]
TODAY = date(2026, 12, 1)
WORLD = Address(0, 0, 0)


@pytest.fixture
def holder(database: Database) -> SnapshotHolder:
    """Six plans of one scheme, each of other cells, and one of another."""
    for number, day in enumerate(DAYS):
        publish(database, "community", coded(lattice(4, 1 + number)), day)
    publish(database, "safety", coded(lattice(2, 2)), DAYS[0])
    holder = SnapshotHolder(database, today=lambda: TODAY)
    holder.refresh()
    return holder


@pytest.fixture
def shelf(database: Database, holder: SnapshotHolder) -> Iterator[Shelf]:
    shelf = Shelf(database, holder, kept_cells=20)
    yield shelf
    shelf.stop()


def assign_one(database: Database) -> None:
    """Let one more sensor belong to the first cell."""
    with database.write() as session:
        entity = Entity(
            kind="sensor", external_id=f"s{time.monotonic_ns()}", attributes={}, personal={},
            valid_from=DAYS[0], version=1,
        )  # fmt: skip
        session.add(entity)
        session.flush()
        scheme = session.query(Scheme).filter_by(code="community").one()
        session.add(
            Assignment(
                entity_id=entity.id, scheme_id=scheme.id, cell_code="001", share=1.0, method="inside",
                valid_from=DAYS[0],
            )
        )  # fmt: skip
        bump_revision(session)


def sensors(tiles: CellTiles) -> int:
    return int(tiles.counts["sensors"].sum())


def eventually(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_set_is_made_once(shelf: Shelf, holder: SnapshotHolder) -> None:
    snapshot = holder.current
    wanted = Wanted("cells", "community")
    assert shelf.held(wanted, snapshot) is None
    made = shelf.take(wanted, snapshot)
    assert shelf.held(wanted, snapshot) is made
    assert shelf.take(wanted, snapshot) is made
    assert len(shelf.cells("community", None, snapshot).ground) == 24


def test_former_cells_are_drawn_until_the_new_ones_are_ready(
    shelf: Shelf, holder: SnapshotHolder, database: Database
) -> None:
    before = shelf.cells("community", None, holder.current)
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    holder.refresh()
    assert shelf.take(Wanted("cells", "community"), holder.current) is before
    shelf.start()
    eventually(lambda: len(shelf.cells("community", None, holder.current).ground) == 2)


def test_a_new_set_is_drawn_zoom_by_zoom_as_it_is_ready(
    shelf: Shelf, holder: SnapshotHolder, database: Database
) -> None:
    wanted = Wanted("cells", "community")
    before, shown = shelf.take(wanted, holder.current), holder.current.revision
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    snapshot = holder.refresh()
    assert snapshot.revision > shown
    # What the thread in the background does first, so that the case can look between its steps.
    made = shelf._make(wanted, snapshot).tiles
    assert isinstance(made, CellTiles)
    assert shelf.held(wanted, snapshot) is made
    first = made.ground.likely[0]
    made.ground.prepare(first)
    drawn = {zoom: shelf.held(wanted, snapshot, zoom) for zoom in range(17)}
    assert [zoom for zoom, tiles in drawn.items() if tiles is made] == [first]
    assert {tiles for zoom, tiles in drawn.items() if zoom != first} == {before}
    # Who follows the revision asks for tiles anew when all of them are there.
    assert shelf.revision(wanted, snapshot) == shown
    shelf.start()
    eventually(lambda: shelf.revision(wanted, snapshot) == snapshot.revision)
    assert all(shelf.held(wanted, snapshot, zoom) is made for zoom in range(17))
    assert all(map(made.ready, made.ground.likely))


def test_nothing_is_left_of_a_set_that_is_followed(
    shelf: Shelf, holder: SnapshotHolder, database: Database
) -> None:
    before = ref(shelf.cells("community", None, holder.current).ground)
    held = ref(holder.current.cells["community"])
    shelf.start()
    eventually(lambda: (found := before()) is not None and all(map(found.ready, found.likely)))
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    holder.refresh()
    shelf.wake()
    # Without the collector, which passes over what has lived long.
    eventually(lambda: before() is None and held() is None)


def test_what_has_not_changed_is_taken_over(shelf: Shelf, holder: SnapshotHolder, database: Database) -> None:
    kept = {name: shelf.take(Wanted("cells", name), holder.current) for name in ("community", "safety")}
    areas = shelf.take(Wanted("areas"), holder.current)
    assign_one(database)
    holder.refresh()
    shelf.start()
    # Asking is what makes a stale set be made anew.
    eventually(lambda: shelf.take(Wanted("cells", "community"), holder.current) is not kept["community"])
    for wanted, held in ((Wanted("cells", "safety"), kept["safety"]), (Wanted("areas"), areas)):
        for _ in range(5):
            assert shelf.take(wanted, holder.current) is held
            time.sleep(0.02)
    fresh = shelf.cells("community", None, holder.current)
    old = kept["community"]
    assert isinstance(old, CellTiles)
    assert fresh.ground is old.ground
    assert (sensors(old), sensors(fresh)) == (0, 1)


def test_sets_are_ready_before_they_are_asked_for(shelf: Shelf, holder: SnapshotHolder) -> None:
    shelf.start()
    for wanted in (Wanted("cells", "community"), Wanted("cells", "safety"), Wanted("areas"), Wanted("base")):
        eventually(lambda wanted=wanted: shelf.held(wanted, holder.current) is not None)  # type: ignore[misc]


def test_former_dates_are_forgotten_when_there_are_too_many(shelf: Shelf, holder: SnapshotHolder) -> None:
    snapshot = holder.current
    today = shelf.take(Wanted("cells", "community"), snapshot)
    for number, day in enumerate(DAYS[:-1]):
        found = shelf.cells("community", day, snapshot)
        assert len(found.ground) == 4 * (1 + number)
    held = [day for day in DAYS[:-1] if shelf.held(Wanted("cells", "community", day), snapshot)]
    assert held == [DAYS[4]]
    assert shelf.held(Wanted("cells", "community"), snapshot) is today
    assert shelf.cells("community", date(2020, 1, 1), snapshot).tile(WORLD, None) == b""


def test_nothing_is_kept_of_days_and_kinds_that_anybody_can_invent(
    shelf: Shelf, holder: SnapshotHolder
) -> None:
    for number in range(40):
        shelf.take(Wanted("entities", kind=f"kind {number}"), holder.current)
    assert len(shelf._kept) <= KEPT_SETS + 3
    eventually(lambda: not shelf._making)


def test_what_there_is_not_is_not_found(shelf: Shelf, holder: SnapshotHolder) -> None:
    with pytest.raises(NotFoundError, match="scheme 'none'"):
        shelf.take(Wanted("cells", "none"), holder.current)
    with pytest.raises(NotFoundError, match="run number 5"):
        shelf.take(Wanted("gaps", "community", run=5), holder.current)
