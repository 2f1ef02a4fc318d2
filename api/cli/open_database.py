"""The database that a command works on: the one of --database, else of the settings, and it must exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.db.database import Database


@contextmanager
def open_database(url: str | None) -> Iterator["Database"]:
    """Open a database that has been migrated.

    Raises
    ------
    InputError
        If it cannot be reached, does not exist, or lacks the tables of this version.
    """
    from contextlib import closing

    from api.settings import ServiceSettings
    from layers.db.database import Database

    with closing(Database(url if url is not None else ServiceSettings().database)) as database:
        database.read_revision()
        yield database
