"""SQLite files about to be replaced: journals beside them, and programs that have them open."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gis.errors import InputError

_JOURNAL_SUFFIXES = ("-wal", "-shm", "-journal")


def sqlite_journals(path: Path) -> list[Path]:
    """Return the journals that SQLite keeps beside a file, those that exist."""
    journals = (path.with_name(path.name + suffix) for suffix in _JOURNAL_SUFFIXES)
    return [journal for journal in journals if journal.exists()]


def require_closed(path: Path) -> None:
    """Refuse a SQLite file with journals that another program has open.

    What a killed program left in a journal is written into the file first, so that the file is whole should
    the replacement fail. A file without journals is held by nobody, or by a reader who keeps the former file.

    Raises
    ------
    InputError
        If another program has it open.
    """
    if not path.exists() or not sqlite_journals(path):
        return
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)
        ) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            # Leaving the write-ahead log takes the file alone; so does a transaction where there is none.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
            connection.rollback()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            return
        raise InputError(
            f"{path} is open in another program; close it there, or name another file."
        ) from None
    except sqlite3.DatabaseError:
        # No database, or a damaged one: its journals say nothing about the file that replaces it.
        return
