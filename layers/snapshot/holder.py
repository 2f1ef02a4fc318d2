"""The holder of the current snapshot, replaced by a single assignment, and a cache of former states."""

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from gis.errors import NotFoundError, WanggeError
from layers.db.database import Database, current_revision
from layers.gc_pause import paused_gc
from layers.snapshot import read
from layers.snapshot.cells import CellsInForce
from layers.snapshot.snapshot import SchemeTimeline, Snapshot

_log = logging.getLogger(__name__)

MAX_FORMER_CELLS = 300_000
"""The most cells of former states kept in memory, over all schemes; about 1.5 kB each."""


@dataclass(frozen=True)
class SnapshotHealth:
    """How current the snapshot is.

    Attributes
    ----------
    revision, day, read_at
        Of the snapshot in use, None before the first.
    failure
        The error of the last attempt to rebuild, without data; None if it succeeded.
    """

    revision: int | None
    day: date | None
    read_at: datetime | None
    failure: str | None


class SnapshotHolder:
    """The current snapshot, for any number of readers and threads.

    A reader takes `current` once and answers from it alone, so that no answer mixes two states.

    Parameters
    ----------
    database
        Where the published plans are.
    today
        Returns the day whose cells are in force; the local date by default.
    kept_cells
        Limit of the former states kept, in cells; the last one requested is always kept.
    """

    def __init__(
        self,
        database: Database,
        *,
        today: Callable[[], date] = date.today,
        kept_cells: int = MAX_FORMER_CELLS,
    ) -> None:
        self._database = database
        self._today = today
        self._kept_cells = kept_cells
        self._snapshot: Snapshot | None = None
        self._failure: str | None = None
        self._refresh_lock = Lock()
        self._read_lock = Lock()
        # By scheme and versions: a publication in one scheme, or for today, does not affect former states.
        self._former: OrderedDict[tuple[int, bytes], CellsInForce] = OrderedDict()
        # Which of them belongs to a period, valid for one snapshot.
        self._period_keys: dict[tuple[int, str, int], tuple[int, bytes]] = {}

    @property
    def current(self) -> Snapshot:
        """The current snapshot.

        Raises
        ------
        NotFoundError
            Before the first was built.
        """
        if self._snapshot is None:
            raise NotFoundError("The published plans are not loaded yet; ask again in a moment.")
        return self._snapshot

    @property
    def health(self) -> SnapshotHealth:
        """How current the snapshot is."""
        snapshot = self._snapshot
        if snapshot is None:
            return SnapshotHealth(None, None, None, self._failure)
        return SnapshotHealth(snapshot.revision, snapshot.day, snapshot.read_at, self._failure)

    def is_outdated(self, revision: int) -> bool:
        """Return whether the database has moved on, or the day has, or following either has failed."""
        snapshot = self._snapshot
        if snapshot is None or self._failure is not None:
            return True
        return snapshot.revision != revision or snapshot.day != self._today()

    def refresh(self) -> Snapshot:
        """Read the current state and replace the snapshot; what has not changed is reused.

        A failure keeps the old snapshot, is shown in `health` and is raised.
        """
        with self._refresh_lock:
            try:
                with paused_gc():
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
                # What is alive now lives long: the garbage collector need not walk it again at every request.
                del before
                gc.collect()
                gc.freeze()
            _log.info("snapshot of revision %d in use", snapshot.revision)
            return snapshot

    def try_refresh(self) -> bool:
        """Refresh if the database can be read, and return whether it could; `health` tells of a failure."""
        try:
            self.refresh()
        except (SQLAlchemyError, WanggeError):
            return False
        return True

    def cached_cells(self, snapshot: Snapshot, scheme: str, day: date | None) -> CellsInForce | None:
        """Return the cells in force on a day if they are in memory, without waiting for anything.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        changes = _get_scheme(snapshot, scheme)
        found = snapshot.cells_on(scheme, day)
        if found is not None or day is None:
            return found
        key = self._period_keys.get((snapshot.revision, scheme, changes.period_index(day)))
        return None if key is None else self._former.get(key)

    def get_cells(self, snapshot: Snapshot, scheme: str, day: date | None) -> CellsInForce:
        """Return the cells in force on a day, read from the database where they are not in memory.

        Raises
        ------
        NotFoundError
            If there is no such scheme.
        """
        changes = _get_scheme(snapshot, scheme)
        found = self.cached_cells(snapshot, scheme, day)
        if found is not None or day is None:
            return snapshot.cells[scheme] if found is None else found
        # One at a time: many requests for one date wait for a single read.
        with self._read_lock:
            found = self.cached_cells(snapshot, scheme, day)
            return self._read_former(snapshot, changes, day) if found is None else found

    def _read_former(self, snapshot: Snapshot, changes: SchemeTimeline, day: date) -> CellsInForce:
        with self._database.read() as session:
            seen = current_revision(session)
            versions = read.read_version_ids(session, changes.id, day)
            key = (changes.id, versions.tobytes())
            found = self._former.get(key)
            if found is None:
                found = read.read_cells_in_force(session, changes.id, day)
        self._former[key] = found
        self._former.move_to_end(key)
        while len(self._former) > 1 and sum(map(len, self._former.values())) > self._kept_cells:
            self._former.popitem(last=False)
        if seen == snapshot.revision:
            self._period_keys = {
                period: kept
                for period, kept in self._period_keys.items()
                if kept in self._former and period[0] == seen
            }
            self._period_keys[seen, changes.code, changes.period_index(day)] = key
        return found

    def _build(self, before: Snapshot | None) -> Snapshot:
        day = self._today()
        schemes: dict[str, SchemeTimeline] = {}
        cells: dict[str, CellsInForce] = {}
        with self._database.read() as session:
            revision = current_revision(session)
            timeline = read.read_area_timeline(session)
            published = read.read_publications(session)
            for number, code, name in read.read_schemes(session):
                previous = _previous_scheme(before, number)
                publications = published.get(number, ())
                if previous is not None and previous[0].publications == publications:
                    changes = SchemeTimeline(number, code, name, publications, previous[0].change_dates)
                else:
                    changes = SchemeTimeline(
                        number, code, name, publications, read.read_change_dates(session, number)
                    )
                schemes[code] = changes
                in_force = _reuse_cells(before, previous, changes, day)
                if in_force is None:
                    in_force = read.read_cells_in_force(session, number, day, previous and previous[1])
                cells[code] = in_force
        return Snapshot(revision, day, datetime.now(UTC), timeline.on(day), timeline, schemes, cells)


PreviousScheme = tuple[SchemeTimeline, CellsInForce]


def _previous_scheme(before: Snapshot | None, scheme_id: int) -> PreviousScheme | None:
    if before is None:
        return None
    found = (each for each in before.schemes.values() if each.id == scheme_id)
    return next(((each, before.cells[each.code]) for each in found), None)


def _reuse_cells(
    before: Snapshot | None, previous: PreviousScheme | None, changes: SchemeTimeline, day: date
) -> CellsInForce | None:
    """Return the cells of the previous snapshot if nothing was published and no date was reached since."""
    if before is None or previous is None or previous[0].publications != changes.publications:
        return None
    return previous[1] if changes.period_index(before.day) == changes.period_index(day) else None


def _get_scheme(snapshot: Snapshot, code: str) -> SchemeTimeline:
    try:
        return snapshot.schemes[code]
    except KeyError:
        raise NotFoundError(f"There is no scheme '{code}'.") from None
