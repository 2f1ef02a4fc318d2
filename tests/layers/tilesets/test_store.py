"""Tile sets in use: built once, rebuilt in the background, bounded."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from weakref import ref

import pytest

from gis.errors import NotFoundError
from layers.db.database import Database, bump_revision
from layers.models import Assignment, Entity, Scheme
from layers.snapshot import SnapshotHolder
from layers.tiles import Tile
from layers.tilesets import CellTileSet, TileSetKey, TileSetStore
from layers.tilesets.store import MAX_TILE_SETS
from tests.layers.snapshot.published import coded, lattice, publish

DAYS = [date(2026, month, 1) for month in range(1, 7)]
TODAY = date(2026, 12, 1)
WORLD = Tile(0, 0, 0)


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
def shelf(database: Database, holder: SnapshotHolder) -> Iterator[TileSetStore]:
    shelf = TileSetStore(database, holder, max_dated_cells=20)
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


def sensors(tiles: CellTileSet) -> int:
    return int(tiles.values["sensors"].sum())


def eventually(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_set_is_made_once(shelf: TileSetStore, holder: SnapshotHolder) -> None:
    snapshot = holder.current
    wanted = TileSetKey("cells", "community")
    assert shelf.get(wanted, snapshot) is None
    made = shelf.get_or_build(wanted, snapshot)
    assert shelf.get(wanted, snapshot) is made
    assert shelf.get_or_build(wanted, snapshot) is made
    assert len(shelf.get_or_build_cells("community", None, snapshot).cell_layers) == 24


def test_former_cells_are_drawn_until_the_new_ones_are_ready(
    shelf: TileSetStore, holder: SnapshotHolder, database: Database
) -> None:
    before = shelf.get_or_build_cells("community", None, holder.current)
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    holder.refresh()
    assert shelf.get_or_build(TileSetKey("cells", "community"), holder.current) is before
    shelf.start()
    eventually(lambda: len(shelf.get_or_build_cells("community", None, holder.current).cell_layers) == 2)


def test_a_new_set_is_drawn_zoom_by_zoom_as_it_is_ready(
    shelf: TileSetStore, holder: SnapshotHolder, database: Database
) -> None:
    wanted = TileSetKey("cells", "community")
    before, shown = shelf.get_or_build(wanted, holder.current), holder.current.revision
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    snapshot = holder.refresh()
    assert snapshot.revision > shown
    # What the thread in the background does first, so that the case can look between its steps.
    made = shelf._build(wanted, snapshot).tiles
    assert isinstance(made, CellTileSet)
    assert shelf.get(wanted, snapshot) is made
    first = made.cell_layers.likely_zooms[0]
    made.cell_layers.prepare(first)
    drawn = {zoom: shelf.get(wanted, snapshot, zoom) for zoom in range(17)}
    assert [zoom for zoom, tiles in drawn.items() if tiles is made] == [first]
    assert {tiles for zoom, tiles in drawn.items() if zoom != first} == {before}
    # Who follows the revision requests tiles again once all of them are there.
    assert shelf.revision(wanted, snapshot) == shown
    shelf.start()
    eventually(lambda: shelf.revision(wanted, snapshot) == snapshot.revision)
    assert all(shelf.get(wanted, snapshot, zoom) is made for zoom in range(17))
    assert all(map(made.is_ready, made.cell_layers.likely_zooms))


def test_nothing_is_left_of_a_set_that_is_followed(
    shelf: TileSetStore, holder: SnapshotHolder, database: Database
) -> None:
    before = ref(shelf.get_or_build_cells("community", None, holder.current).cell_layers)
    held = ref(holder.current.cells["community"])
    shelf.start()
    eventually(lambda: (found := before()) is not None and all(map(found.is_ready, found.likely_zooms)))
    publish(database, "community", coded(lattice(2, 1)), date(2026, 9, 1))
    holder.refresh()
    shelf.wake()
    # Without the collector, which passes over what has lived long.
    eventually(lambda: before() is None and held() is None)


def test_what_has_not_changed_is_taken_over(
    shelf: TileSetStore, holder: SnapshotHolder, database: Database
) -> None:
    kept = {
        name: shelf.get_or_build(TileSetKey("cells", name), holder.current)
        for name in ("community", "safety")
    }
    areas = shelf.get_or_build(TileSetKey("areas"), holder.current)
    assign_one(database)
    holder.refresh()
    shelf.start()
    # A request is what has a stale set rebuilt.
    eventually(
        lambda: shelf.get_or_build(TileSetKey("cells", "community"), holder.current) is not kept["community"]
    )
    for wanted, held in ((TileSetKey("cells", "safety"), kept["safety"]), (TileSetKey("areas"), areas)):
        for _ in range(5):
            assert shelf.get_or_build(wanted, holder.current) is held
            time.sleep(0.02)
    fresh = shelf.get_or_build_cells("community", None, holder.current)
    old = kept["community"]
    assert isinstance(old, CellTileSet)
    assert fresh.cell_layers is old.cell_layers
    assert (sensors(old), sensors(fresh)) == (0, 1)


def test_sets_are_ready_before_they_are_asked_for(shelf: TileSetStore, holder: SnapshotHolder) -> None:
    shelf.start()
    for wanted in (
        TileSetKey("cells", "community"),
        TileSetKey("cells", "safety"),
        TileSetKey("areas"),
        TileSetKey("base"),
    ):
        eventually(lambda wanted=wanted: shelf.get(wanted, holder.current) is not None)  # type: ignore[misc]


def test_former_dates_are_forgotten_when_there_are_too_many(
    shelf: TileSetStore, holder: SnapshotHolder
) -> None:
    snapshot = holder.current
    today = shelf.get_or_build(TileSetKey("cells", "community"), snapshot)
    for number, day in enumerate(DAYS[:-1]):
        found = shelf.get_or_build_cells("community", day, snapshot)
        assert len(found.cell_layers) == 4 * (1 + number)
    held = [day for day in DAYS[:-1] if shelf.get(TileSetKey("cells", "community", day), snapshot)]
    assert held == [DAYS[4]]
    assert shelf.get(TileSetKey("cells", "community"), snapshot) is today
    assert shelf.get_or_build_cells("community", date(2020, 1, 1), snapshot).encode_tile(WORLD, None) == b""


def test_nothing_is_kept_of_days_and_kinds_that_anybody_can_invent(
    shelf: TileSetStore, holder: SnapshotHolder
) -> None:
    for number in range(40):
        shelf.get_or_build(TileSetKey("entities", kind=f"kind {number}"), holder.current)
    assert len(shelf._entries) <= MAX_TILE_SETS + 3
    eventually(lambda: not shelf._build_locks)


def test_what_there_is_not_is_not_found(shelf: TileSetStore, holder: SnapshotHolder) -> None:
    with pytest.raises(NotFoundError, match="scheme 'none'"):
        shelf.get_or_build(TileSetKey("cells", "none"), holder.current)
    with pytest.raises(NotFoundError, match="run number 5"):
        shelf.get_or_build(TileSetKey("gaps", "community", run=5), holder.current)
