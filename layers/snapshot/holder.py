"""The snapshot in use, exchanged by a single assignment, and former states while they are asked for."""

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock

from gis.errors import NotFoundError
from layers.db.database import Database
from layers.gc_pause import at_rest
from layers.snapshot import read
from layers.snapshot.cells import CellsInForce
from layers.snapshot.snapshot import SchemeChanges, Snapshot

_log = logging.getLogger(__name__)

KEPT_CELLS = 300_000
"""Cells of former states kept in memory, all schemes together; about 1.5 kB each."""


@dataclass(frozen=True)
class Health:
    """How current the snapshot is.

    Attributes
    ----------
    revision, day, read_at
        Of the snapshot in use, None before the first.
    failure
        What the last attempt to rebuild failed with, None when it succeeded. It holds no data.
    """

    revision: int | None
    day: date | None
    read_at: datetime | None
    failure: str | None


class SnapshotHolder:
    """The snapshot in use, for any number of readers and threads.

    A reader takes `current` once and answers from it alone, so that no answer mixes two states.

    Parameters
    ----------
    database
        Where the published plans are.
    today
        Tells the day whose cells are in force; the local date by default.
    kept_cells
        Bound of the former states kept, in cells; the last one asked for stays in any case.
    """

    def __init__(
        self, database: Database, *, today: Callable[[], date] = date.today, kept_cells: int = KEPT_CELLS
    ) -> None:
        self._database = database
        self._today = today
        self._kept_cells = kept_cells
        self._snapshot: Snapshot | None = None
        self._failure: str | None = None
        self._building = Lock()
        self._reading = Lock()
        # By scheme and versions: a publish in one scheme, or of today, leaves former states as they are.
        self._former: OrderedDict[tuple[int, bytes], CellsInForce] = OrderedDict()
        # Which of them answers for a period, as long as the snapshot is the one it was found for.
        self._periods: dict[tuple[int, str, int], tuple[int, bytes]] = {}

    @property
    def current(self) -> Snapshot:
        """The snapshot in use.

        Raises
        ------
        NotFoundError
            Before the first was built.
        """
        if self._snapshot is None:
            raise NotFoundError("The published plans are not loaded yet; ask again in a moment.")
        return self._snapshot

    @property
    def health(self) -> Health:
        """How current the snapshot is."""
        held = self._snapshot
        if held is None:
            return Health(None, None, None, self._failure)
        return Health(held.revision, held.day, held.read_at, self._failure)

    def outdated(self, revision: int) -> bool:
        """Tell whether the database has moved on, or the day has, or following either has failed."""
        held = self._snapshot
        if held is None or self._failure is not None:
            return True
        return held.revision != revision or held.day != self._today()

    def refresh(self) -> Snapshot:
        """Read the present state and put it in use; what has not changed is taken over.

        A failure leaves the snapshot in use as it is, shows in `health` and is raised.
        """
        with self._building:
            try:
                with at_rest():
                    snapshot = self._build(self._snapshot)
            except Exception as error:
                # Only the kind: the text of a database error repeats the values of a record.
                self._failure = f"{type(error).__name__} at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
                _log.error("snapshot not rebuilt: %s", type(error).__name__)
                raise
            before, self._snapshot = self._snapshot, snapshot
            self._failure = None
            if before is None or any(
                each is not before.cells.get(code) for code, each in snapshot.cells.items()
            ):
                # What lives now lives long: the collector need not walk it again at every request.
                del before
                gc.collect()
                gc.freeze()
            _log.info("snapshot of revision %d in use", snapshot.revision)
            return snapshot

    def held(self, snapshot: Snapshot, scheme: str, day: date | None) -> CellsInForce | None:
        """Return the cells in force on a day if they are in memory, without waiting for anything.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        changes = _scheme(snapshot, scheme)
        found = snapshot.in_force(scheme, day)
        if found is not None or day is None:
            return found
        key = self._periods.get((snapshot.revision, scheme, changes.period(day)))
        return None if key is None else self._former.get(key)

    def cells(self, snapshot: Snapshot, scheme: str, day: date | None) -> CellsInForce:
        """Return the cells in force on a day, read from the database where they are not in memory.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        changes = _scheme(snapshot, scheme)
        found = self.held(snapshot, scheme, day)
        if found is not None or day is None:
            return snapshot.cells[scheme] if found is None else found
        # One at a time: many requests for one date wait for one reading.
        with self._reading:
            found = self.held(snapshot, scheme, day)
            return self._read_former(snapshot, changes, day) if found is None else found

    def _read_former(self, snapshot: Snapshot, changes: SchemeChanges, day: date) -> CellsInForce:
        with self._database.read() as session:
            seen = read.revision(session)
            versions = read.versions_in_force(session, changes.id, day)
            key = (changes.id, versions.tobytes())
            found = self._former.get(key)
            if found is None:
                found = read.cells_in_force(session, changes.id, day)
        self._former[key] = found
        self._former.move_to_end(key)
        while len(self._former) > 1 and sum(map(len, self._former.values())) > self._kept_cells:
            self._former.popitem(last=False)
        if seen == snapshot.revision:
            self._periods = {
                period: kept
                for period, kept in self._periods.items()
                if kept in self._former and period[0] == seen
            }
            self._periods[seen, changes.code, changes.period(day)] = key
        return found

    def _build(self, before: Snapshot | None) -> Snapshot:
        day = self._today()
        schemes: dict[str, SchemeChanges] = {}
        cells: dict[str, CellsInForce] = {}
        with self._database.read() as session:
            revision = read.revision(session)
            areas = read.areas(session)
            published = read.publications(session)
            for number, code, name in read.schemes(session):
                known = _known(before, number)
                publications = published.get(number, ())
                if known is not None and known[0].publications == publications:
                    changes = SchemeChanges(number, code, name, publications, known[0].days)
                else:
                    changes = SchemeChanges(number, code, name, publications, read.changes(session, number))
                schemes[code] = changes
                same = _take_over(before, known, changes, day)
                if same is None:
                    same = read.cells_in_force(session, number, day, known and known[1])
                cells[code] = same
        return Snapshot(revision, day, datetime.now(UTC), areas, schemes, cells)


Known = tuple[SchemeChanges, CellsInForce]


def _known(before: Snapshot | None, scheme_id: int) -> Known | None:
    if before is None:
        return None
    found = (each for each in before.schemes.values() if each.id == scheme_id)
    return next(((each, before.cells[each.code]) for each in found), None)


def _take_over(
    before: Snapshot | None, known: Known | None, changes: SchemeChanges, day: date
) -> CellsInForce | None:
    """Return the cells of the snapshot before where nothing was published and no date has come."""
    if before is None or known is None or known[0].publications != changes.publications:
        return None
    return known[1] if changes.period(before.day) == changes.period(day) else None


def _scheme(snapshot: Snapshot, code: str) -> SchemeChanges:
    try:
        return snapshot.schemes[code]
    except KeyError:
        raise NotFoundError(f"There is no scheme '{code}'.") from None
