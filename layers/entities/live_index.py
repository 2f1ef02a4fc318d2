"""The entities of the kinds that are asked for, in memory and as the database has them now."""

from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.database import Database
from layers.entities.spatial_index import EntityIndex
from layers.models import Revision


class _KindIndex:
    """The index of one kind, and the revision of the database that it has reached."""

    def __init__(self) -> None:
        self.refresh_lock = Lock()
        self.index: EntityIndex | None = None
        self.revision = -1


class LiveEntityIndexes:
    """Indexes of entities by kind, each loaded when it is first asked for and kept current from then on.

    Parameters
    ----------
    database
        The one truth. Its revision, read with each question, tells whether there is something to catch up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._by_kind: dict[str, _KindIndex] = {}

    def for_kind(self, kind: str) -> EntityIndex:
        """Return the index of a kind, with all that was written before the question.

        Who asks while another brings it up to date waits for that. A kind that nobody has is not kept.
        """
        with self._lock:
            entry = self._by_kind.setdefault(kind, _KindIndex())
        index = entry.index
        if index is not None and entry.revision >= self._database.read_revision():
            return index
        with entry.refresh_lock, self._database.read() as session:
            revision = _read_revision(session)
            if entry.index is None:
                entry.index = EntityIndex.load(session, [kind])
            elif entry.revision != revision:
                entry.index.catch_up(session, [kind])
            entry.revision = revision
            index = entry.index
        if not len(index):
            with self._lock:
                self._by_kind.pop(kind, None)
        return index


def _read_revision(session: Session) -> int:
    return session.scalars(select(Revision.number)).one()
