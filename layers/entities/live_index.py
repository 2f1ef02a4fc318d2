"""The entities of the kinds that are asked for, in memory and as the database has them now."""

from threading import Lock

from layers.db.database import Database, current_revision
from layers.entities.spatial_index import EntityIndex


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
        Its revision, read with each question, shows whether an index must catch up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._by_kind: dict[str, _KindIndex] = {}

    def for_kind(self, kind: str) -> EntityIndex:
        """Return the index of a kind, with all that was written before the question.

        A question during a refresh waits for it. A kind without entities is not kept.
        """
        with self._lock:
            entry = self._by_kind.setdefault(kind, _KindIndex())
        index = entry.index
        if index is not None and entry.revision >= self._database.read_revision():
            return index
        with entry.refresh_lock, self._database.read() as session:
            revision = current_revision(session)
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
