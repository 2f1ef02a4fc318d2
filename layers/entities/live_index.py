"""The entities of the kinds that are asked for, in memory and as the database has them now."""

from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.database import Database
from layers.entities.spatial_index import EntityIndex
from layers.models import Revision


class _Followed:
    """The index of one kind, and the revision of the database that it has reached."""

    def __init__(self) -> None:
        self.catching_up = Lock()
        self.index: EntityIndex | None = None
        self.revision = -1


class LiveEntities:
    """Indexes of entities by kind, each loaded when it is first asked for and kept current from then on.

    Parameters
    ----------
    database
        The one truth. Its revision, read with each question, tells whether there is something to catch up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._kinds: dict[str, _Followed] = {}

    def of(self, kind: str) -> EntityIndex:
        """Return the index of a kind, with all that was written before the question.

        Who asks while another brings it up to date waits for that. A kind that nobody has is not kept.
        """
        with self._lock:
            followed = self._kinds.setdefault(kind, _Followed())
        index = followed.index
        if index is not None and followed.revision >= self._database.revision():
            return index
        with followed.catching_up, self._database.read() as session:
            revision = _revision(session)
            if followed.index is None:
                followed.index = EntityIndex.load(session, [kind])
            elif followed.revision != revision:
                followed.index.catch_up(session, [kind])
            followed.revision = revision
            index = followed.index
        if not len(index):
            with self._lock:
                self._kinds.pop(kind, None)
        return index


def _revision(session: Session) -> int:
    return session.scalars(select(Revision.number)).one()
