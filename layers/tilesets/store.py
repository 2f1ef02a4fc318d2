"""The tile sets in use: each built once for a state, shared by all requests, rebuilt in the background."""

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from threading import Event, Lock, Thread

from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from layers.db.database import Database
from layers.entities import counts
from layers.gc_pause import paused_gc
from layers.models import GapRun
from layers.snapshot import CellsInForce, Snapshot, SnapshotHolder
from layers.tilesets import areas, basemap, cells, entities, gaps
from layers.tilesets.cells import CellLayers
from layers.tilesets.tile_set import MAXZOOM, TileSet

_log = logging.getLogger(__name__)

MAX_DATED_CELLS = 300_000
"""The most cells of former dates that are kept ready to be drawn, over all sets."""

MAX_TILE_SETS = 24
"""The most sets kept in addition to the cells of today, the areas and the base map."""

_REST_FACTOR = 4.0
_MAX_REST_S = 5.0
# Rebuilding sets may take a fifth of the time, or a little more, however often entities change.


@dataclass(frozen=True, slots=True)
class TileSetKey:
    """The key of a set.

    Attributes
    ----------
    name
        areas, base, cells, entities or gaps.
    scheme
        The scheme of cells and gaps, and of the cells that entities name.
    day
        The day of areas or cells; today when None.
    kind
        Of entities; all when None.
    run
        Of gaps.
    """

    name: str
    scheme: str | None = None
    day: date | None = None
    kind: str | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A set with the state it shows: of the snapshot, and of what it was read from.

    The former one is drawn at zooms that are not ready yet.
    """

    tiles: TileSet
    version: tuple[int, date]
    cells: CellsInForce | None
    fingerprint: object
    previous: "_Entry | None" = None


class TileSetStore:
    """The tile sets of a process, for any number of readers and threads.

    An existing set is returned even if something has changed since: the request has it rebuilt, and what is
    drawn catches up zoom by zoom, the lowest first. Only a missing set is waited for.

    Parameters
    ----------
    database
        The source of all sets.
    holder
        The holder of the current snapshot.
    max_dated_cells
        Limit of the cells of former dates; the last requested set is always kept.
    """

    def __init__(
        self, database: Database, holder: SnapshotHolder, *, max_dated_cells: int = MAX_DATED_CELLS
    ) -> None:
        self._database = database
        self._holder = holder
        self._max_dated_cells = max_dated_cells
        self._entries: OrderedDict[TileSetKey, _Entry] = OrderedDict()
        self._build_locks: dict[TileSetKey, Lock] = {}
        self._stale: set[TileSetKey] = set()
        self._lock = Lock()
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="tiles", daemon=True)

    def start(self) -> None:
        """Start building sets in the background."""
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop the background thread after the set it is building."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def wake(self) -> None:
        """Note that there is another snapshot."""
        self._wake.set()

    def get(self, key: TileSetKey, snapshot: Snapshot, zoom: int | None = None) -> TileSet | None:
        """Return a set if it is built, without waiting.

        Parameters
        ----------
        key, snapshot
            Which, and in which state.
        zoom
            The zoom of the requested tile: the former set is returned while the new one is not ready for it.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        if key.scheme is not None and key.scheme not in snapshot.schemes:
            raise NotFoundError(f"There is no scheme '{key.scheme}'.")
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        if entry is None:
            return None
        if key.name != "gaps" and entry.version != _version(snapshot):
            # Good enough for this request; the next ones should have a newer one.
            self._stale.add(key)
            self._wake.set()
        if zoom is not None and entry.previous is not None and not entry.tiles.is_ready(zoom):
            return entry.previous.tiles
        return entry.tiles

    def get_or_build(self, key: TileSetKey, snapshot: Snapshot) -> TileSet:
        """Return a set, built now if it is not ready.

        Raises
        ------
        NotFoundError
            If there is no such scheme or run.
        """
        found = self.get(key, snapshot)
        if found is not None:
            return found
        # Many requests for one set wait for a single read.
        with self._build_lock(key):
            found = self.get(key, snapshot)
            return self._build(key, snapshot).tiles if found is None else found

    def revision(self, key: TileSetKey, snapshot: Snapshot) -> int:
        """Return the revision that a set shows at every zoom; the snapshot's if it is not built."""
        entry = self._entries.get(key)
        if entry is None:
            return snapshot.revision
        return (entry if entry.previous is None else entry.previous).version[0]

    def get_or_build_cells(self, scheme: str, day: date | None, snapshot: Snapshot) -> cells.CellTileSet:
        """Return the set of the cells of a scheme, built now if it is not ready.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        found = self.get_or_build(TileSetKey("cells", scheme, day), snapshot)
        assert isinstance(found, cells.CellTileSet)
        return found

    def _is_current(self, entry: _Entry, key: TileSetKey, snapshot: Snapshot) -> bool:
        if key.name != "cells" or key.scheme is None:
            return True
        return entry.cells is self._holder.cached_cells(snapshot, key.scheme, key.day)

    @contextmanager
    def _build_lock(self, key: TileSetKey) -> Iterator[None]:
        """Let one thread at a time build a set."""
        with self._lock:
            making = self._build_locks.setdefault(key, Lock())
        try:
            with making:
                yield
        finally:
            # There may be as many sets as days and kinds, so no lock is kept: those who wait for one hold it.
            with self._lock:
                self._build_locks.pop(key, None)

    def _build(self, key: TileSetKey, snapshot: Snapshot) -> _Entry:
        """Read a set unless its source is unchanged."""
        before = self._entries.get(key)
        in_force: CellsInForce | None = None
        if key.name == "cells" and key.scheme is not None:
            in_force = self._holder.get_cells(snapshot, key.scheme, key.day)
        with self._database.read() as session:
            fingerprint = _fingerprint(session, key, snapshot, in_force)
            if before is not None and before.fingerprint == fingerprint and before.cells is in_force:
                tiles = before.tiles
            else:
                tiles = self._read_tile_set(session, key, snapshot, in_force)
            previous = None
            if before is not None and before.cells is not in_force:
                previous = before if before.previous is None else before.previous
            entry = _Entry(tiles, _version(snapshot), in_force, fingerprint, previous)
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            self._evict()
        return entry

    def _read_tile_set(
        self, session: Session, key: TileSetKey, snapshot: Snapshot, in_force: CellsInForce | None
    ) -> TileSet:
        if key.name == "areas":
            return areas.read_areas(session, key.day or snapshot.day)
        if key.name == "base":
            return basemap.read_basemap(session)
        scheme_id = snapshot.schemes[key.scheme].id if key.scheme is not None else None
        if key.name == "entities":
            return entities.read_entities(session, key.kind, scheme_id)
        assert scheme_id is not None
        if key.name == "gaps":
            assert key.run is not None
            run = session.get(GapRun, key.run)
            if run is None or run.scheme_id != scheme_id:
                raise NotFoundError(f"There is no run number {key.run} of scheme '{key.scheme}'.")
            return gaps.read_gaps(session, key.run)
        assert in_force is not None
        cell_layers = next((each for each in self._all_cell_layers() if each.cells is in_force), None)
        if cell_layers is None:
            with paused_gc():
                cell_layers = CellLayers(in_force)
        found = counts.read_counts(session, scheme_id, key.day or snapshot.day)
        return cell_layers.make_tile_set(
            counts.align_counts(found, cell_layers.codes), _area_names(in_force, snapshot)
        )

    def _all_cell_layers(self) -> list[CellLayers]:
        """Return the layers that the sets of cells are drawn from, each once."""
        with self._lock:
            kept = [each.tiles for each in self._entries.values()]
        return list(dict.fromkeys(each.cell_layers for each in kept if isinstance(each, cells.CellTileSet)))

    def _evict(self) -> None:
        """Drop the least recently used sets; the lock is held."""
        lasting = [each for each in self._entries if not _is_permanent(each)]
        dated = sum(
            len(kept.cells) for each, kept in self._entries.items() if each.day and kept.cells is not None
        )
        for each in lasting[:-1]:
            if len(lasting) <= MAX_TILE_SETS and dated <= self._max_dated_cells:
                break
            gone = self._entries.pop(each)
            lasting = lasting[1:]
            dated -= len(gone.cells) if each.day and gone.cells is not None else 0

    def _run(self) -> None:
        """Rebuild what is stale, each time that it is woken."""
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                self._rebuild_stale()
            except Exception as error:
                # Whatever it is, requests are still answered, and build what they need themselves.
                _log.warning("tiles not rebuilt: %s", type(error).__name__)
            self._stop.wait(min(_REST_FACTOR * (time.monotonic() - began), _MAX_REST_S))

    def _rebuild_stale(self) -> None:
        snapshot = self._holder.current
        stale, self._stale = self._stale, set()
        schemes = [TileSetKey("cells", code) for code in snapshot.schemes]
        for key in dict.fromkeys([TileSetKey("areas"), TileSetKey("base"), *schemes, *stale]):
            if self._stop.is_set():
                return
            if key.scheme is not None and key.scheme not in snapshot.schemes:
                continue
            entry = self._entries.get(key)
            # A set that is not asked for need not follow every change of an entity.
            if entry is not None and key not in stale and self._is_current(entry, key, snapshot):
                continue
            with self._build_lock(key):
                self._build(key, snapshot)
        self._prepare_zooms()

    def _prepare_zooms(self) -> None:
        """Prepare the geometries of all zooms, the lowest first, and drop the former set."""
        for zoom in range(MAXZOOM + 1):
            for cell_layers in self._all_cell_layers():
                if self._stop.is_set():
                    return
                if zoom in cell_layers.likely_zooms:
                    with paused_gc():
                        cell_layers.prepare(zoom)
        with paused_gc(), self._lock:
            for key, entry in self._entries.items():
                if entry.previous is not None:
                    self._entries[key] = replace(entry, previous=None)


def _version(snapshot: Snapshot) -> tuple[int, date]:
    return snapshot.revision, snapshot.day


def _is_permanent(key: TileSetKey) -> bool:
    """Return whether a set is always kept."""
    return key.name == "base" or (key.name in {"areas", "cells"} and key.day is None)


def _area_names(cells: CellsInForce, snapshot: Snapshot) -> dict[str, str]:
    chains = ((code, snapshot.areas.chain(code)) for code in set(cells.area_codes.tolist()))
    return {code: chain[0].name for code, chain in chains if chain}


def _fingerprint(
    session: Session, key: TileSetKey, snapshot: Snapshot, in_force: CellsInForce | None
) -> object:
    """Return a value that changes whenever a set would, apart from the cells themselves."""
    if key.name == "areas":
        return areas.areas_fingerprint(session, key.day or snapshot.day)
    if key.name == "base":
        return basemap.basemap_fingerprint(session)
    if key.name == "gaps":
        return key.run
    scheme = snapshot.schemes[key.scheme] if key.scheme is not None else None
    belongings = None if scheme is None else counts.assignments_fingerprint(session, scheme.id)
    if key.name == "entities":
        return entities.entities_fingerprint(session), belongings
    assert in_force is not None
    return belongings, key.day or snapshot.day, _area_names(in_force, snapshot)
