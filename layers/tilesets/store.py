"""The tile sets in use: each made once for a state, shared by all requests, renewed in the background."""

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
from layers.gc_pause import at_rest
from layers.models import GapRun
from layers.snapshot import CellsInForce, Snapshot, SnapshotHolder
from layers.tilesets import areas, basemap, cells, entities, gaps
from layers.tilesets.cells import CellGround
from layers.tilesets.tile_set import MAXZOOM, TileSet

_log = logging.getLogger(__name__)

KEPT_CELLS = 300_000
"""Cells of former dates that are kept ready to be drawn, all together."""

KEPT_SETS = 24
"""Sets kept beside the cells of today, the areas and the base map."""

_REST = 4.0
_LONGEST_REST_S = 5.0
# Making sets anew may take one part of the time in five, or a little more, however often entities change.


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which set is meant.

    Attributes
    ----------
    layer
        areas, base, cells, entities or gaps.
    scheme
        The scheme of cells and gaps, and the one whose cells entities name.
    day
        The day of cells; today when None.
    kind
        Of entities; all when None.
    run
        Of gaps.
    """

    layer: str
    scheme: str | None = None
    day: date | None = None
    kind: str | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A set with the state it shows: of the snapshot, and of what it was read from.

    The `former` one is drawn at the zooms that are not ready yet.
    """

    tiles: TileSet
    moment: tuple[int, date]
    cells: CellsInForce | None
    source: object
    former: "_Kept | None" = None


class Shelf:
    """The tile sets of a process, for any number of readers and threads.

    A set that is there is answered, also when something has changed since: being asked for is what makes it
    be made anew, and what is drawn catches up zoom by zoom, the lowest first. Only a set that is not there is
    waited for.

    Parameters
    ----------
    database
        Where everything is.
    holder
        The snapshot in use.
    kept_cells
        Bound of the cells of former dates; the last asked for stay in any case.
    """

    def __init__(self, database: Database, holder: SnapshotHolder, *, kept_cells: int = KEPT_CELLS) -> None:
        self._database = database
        self._holder = holder
        self._kept_cells = kept_cells
        self._kept: OrderedDict[Wanted, _Kept] = OrderedDict()
        self._making: dict[Wanted, Lock] = {}
        self._stale: set[Wanted] = set()
        self._lock = Lock()
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._work, name="tiles", daemon=True)

    def start(self) -> None:
        """Begin to make sets in the background."""
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        """End the background's work; what is being made is finished first."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def wake(self) -> None:
        """Tell that there is another snapshot."""
        self._wake.set()

    def held(self, wanted: Wanted, snapshot: Snapshot, zoom: int | None = None) -> TileSet | None:
        """Return a set if it is there, without waiting for anything.

        Parameters
        ----------
        wanted, snapshot
            Which, and in which state.
        zoom
            Of the tile that is asked for: the former set is returned while the new one is not ready for it.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        if wanted.scheme is not None and wanted.scheme not in snapshot.schemes:
            raise NotFoundError(f"There is no scheme '{wanted.scheme}'.")
        with self._lock:
            kept = self._kept.get(wanted)
            if kept is not None:
                self._kept.move_to_end(wanted)
        if kept is None:
            return None
        if wanted.layer != "gaps" and kept.moment != _moment(snapshot):
            # Good enough for this request; the next ones shall have a newer.
            self._stale.add(wanted)
            self._wake.set()
        if zoom is not None and kept.former is not None and not kept.tiles.ready(zoom):
            return kept.former.tiles
        return kept.tiles

    def take(self, wanted: Wanted, snapshot: Snapshot) -> TileSet:
        """Return a set, made now where it is not ready.

        Raises
        ------
        NotFoundError
            If there is no such scheme or run.
        """
        found = self.held(wanted, snapshot)
        if found is not None:
            return found
        # Many requests for one set wait for one reading.
        with self._making_alone(wanted):
            found = self.held(wanted, snapshot)
            return self._make(wanted, snapshot).tiles if found is None else found

    def revision(self, wanted: Wanted, snapshot: Snapshot) -> int:
        """Return the revision that a set shows at every zoom; the snapshot's where it is not there."""
        kept = self._kept.get(wanted)
        if kept is None:
            return snapshot.revision
        return (kept if kept.former is None else kept.former).moment[0]

    def cells(self, scheme: str, day: date | None, snapshot: Snapshot) -> cells.CellTiles:
        """Return the set of the cells of a scheme, made now where it is not ready.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        found = self.take(Wanted("cells", scheme, day), snapshot)
        assert isinstance(found, cells.CellTiles)
        return found

    def _fits(self, kept: _Kept, wanted: Wanted, snapshot: Snapshot) -> bool:
        if wanted.layer != "cells" or wanted.scheme is None:
            return True
        return kept.cells is self._holder.held(snapshot, wanted.scheme, wanted.day)

    @contextmanager
    def _making_alone(self, wanted: Wanted) -> Iterator[None]:
        """Let one thread at a time make a set."""
        with self._lock:
            making = self._making.setdefault(wanted, Lock())
        try:
            with making:
                yield
        finally:
            # Sets are as many as days and kinds can be written: no lock is kept. Who waits for it holds it.
            with self._lock:
                self._making.pop(wanted, None)

    def _make(self, wanted: Wanted, snapshot: Snapshot) -> _Kept:
        """Read a set, unless what it would be read from is as it was."""
        before = self._kept.get(wanted)
        in_force: CellsInForce | None = None
        if wanted.layer == "cells" and wanted.scheme is not None:
            in_force = self._holder.cells(snapshot, wanted.scheme, wanted.day)
        with self._database.read() as session:
            source = _source(session, wanted, snapshot, in_force)
            if before is not None and before.source == source and before.cells is in_force:
                tiles = before.tiles
            else:
                tiles = self._read(session, wanted, snapshot, in_force)
            former = None
            if before is not None and before.cells is not in_force:
                former = before if before.former is None else before.former
            kept = _Kept(tiles, _moment(snapshot), in_force, source, former)
        with self._lock:
            self._kept[wanted] = kept
            self._kept.move_to_end(wanted)
            self._forget()
        return kept

    def _read(
        self, session: Session, wanted: Wanted, snapshot: Snapshot, in_force: CellsInForce | None
    ) -> TileSet:
        if wanted.layer == "areas":
            return areas.read_areas(session)
        if wanted.layer == "base":
            return basemap.read_base(session)
        scheme_id = snapshot.schemes[wanted.scheme].id if wanted.scheme is not None else None
        if wanted.layer == "entities":
            return entities.read_entities(session, wanted.kind, scheme_id)
        assert scheme_id is not None
        if wanted.layer == "gaps":
            assert wanted.run is not None
            run = session.get(GapRun, wanted.run)
            if run is None or run.scheme_id != scheme_id:
                raise NotFoundError(f"There is no run number {wanted.run} of scheme '{wanted.scheme}'.")
            return gaps.read_gaps(session, wanted.run)
        assert in_force is not None
        ground = next((each for each in self._grounds() if each.cells is in_force), None)
        if ground is None:
            with at_rest():
                ground = CellGround(in_force)
        found = counts.read_counts(session, scheme_id, wanted.day or snapshot.day)
        return ground.tile_set(counts.counts_of(found, ground.codes), _area_names(in_force, snapshot))

    def _grounds(self) -> list[CellGround]:
        """Return what the sets of cells are drawn from, each once."""
        with self._lock:
            kept = [each.tiles for each in self._kept.values()]
        return list(dict.fromkeys(each.ground for each in kept if isinstance(each, cells.CellTiles)))

    def _forget(self) -> None:
        """Let go of what has not been asked for longest; the lock is held."""
        lasting = [each for each in self._kept if not _standing(each)]
        dated = sum(
            len(kept.cells) for each, kept in self._kept.items() if each.day and kept.cells is not None
        )
        for each in lasting[:-1]:
            if len(lasting) <= KEPT_SETS and dated <= self._kept_cells:
                break
            gone = self._kept.pop(each)
            lasting = lasting[1:]
            dated -= len(gone.cells) if each.day and gone.cells is not None else 0

    def _work(self) -> None:
        """Make anew what is stale, each time that it is told to."""
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                self._renew()
            except Exception as error:
                # Whatever it is, requests go on being answered, and make what they need themselves.
                _log.warning("tiles not made anew: %s", type(error).__name__)
            self._stop.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST_S))

    def _renew(self) -> None:
        snapshot = self._holder.current
        asked, self._stale = self._stale, set()
        schemes = [Wanted("cells", code) for code in snapshot.schemes]
        for wanted in dict.fromkeys([Wanted("areas"), Wanted("base"), *schemes, *asked]):
            if self._stop.is_set():
                return
            if wanted.scheme is not None and wanted.scheme not in snapshot.schemes:
                continue
            kept = self._kept.get(wanted)
            # What nobody asks for need not follow every change of an entity.
            if kept is not None and wanted not in asked and self._fits(kept, wanted, snapshot):
                continue
            with self._making_alone(wanted):
                self._make(wanted, snapshot)
        self._prepare()

    def _prepare(self) -> None:
        """Make ready what tiles are cut from, all low zooms first, and let go of what was drawn meanwhile."""
        for zoom in range(MAXZOOM + 1):
            for ground in self._grounds():
                if self._stop.is_set():
                    return
                if zoom in ground.likely:
                    with at_rest():
                        ground.prepare(zoom)
        with at_rest(), self._lock:
            for wanted, kept in self._kept.items():
                if kept.former is not None:
                    self._kept[wanted] = replace(kept, former=None)


def _moment(snapshot: Snapshot) -> tuple[int, date]:
    return snapshot.revision, snapshot.day


def _standing(wanted: Wanted) -> bool:
    """Tell whether a set is always kept."""
    return wanted.layer in {"areas", "base"} or (wanted.layer == "cells" and wanted.day is None)


def _area_names(cells: CellsInForce, snapshot: Snapshot) -> dict[str, str]:
    chains = ((code, snapshot.areas.chain(code)) for code in set(cells.area_codes.tolist()))
    return {code: chain[0].name for code, chain in chains if chain}


def _source(session: Session, wanted: Wanted, snapshot: Snapshot, in_force: CellsInForce | None) -> object:
    """Return what differs whenever a set would, beside the cells themselves."""
    if wanted.layer == "areas":
        return areas.state_of_areas(session)
    if wanted.layer == "base":
        return basemap.state_of_base(session)
    if wanted.layer == "gaps":
        return wanted.run
    scheme = snapshot.schemes[wanted.scheme] if wanted.scheme is not None else None
    belongings = None if scheme is None else counts.state_of_assignments(session, scheme.id)
    if wanted.layer == "entities":
        return entities.state_of_entities(session), belongings
    assert in_force is not None
    return belongings, wanted.day or snapshot.day, _area_names(in_force, snapshot)
