"""The database that a command works on: the one of --database, else of the settings, and it must exist."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from layers.db.database import Database
    from layers.db.keyset import PageRequest

Row = TypeVar("Row")
_PAGE_SIZE = 1_000


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


def read_all(read_page: "Callable[[PageRequest], tuple[Sequence[Row], str | None]]") -> list[Row]:
    """Return all rows of a list that is read in pages."""
    from layers.db.keyset import PageRequest

    rows, cursor = read_page(PageRequest(_PAGE_SIZE))
    found = list(rows)
    while cursor is not None:
        rows, cursor = read_page(PageRequest(_PAGE_SIZE, cursor))
        found += rows
    return found
