"""SQLite files: what a file from elsewhere may make SQLite compute, and journals of one that is replaced."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile, is_zipfile

from gis.errors import InputError

_MAGIC = b"SQLite format 3\0"
_RTREE = re.compile(r"\bUSING\s+\"?rtree", re.IGNORECASE)
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


def require_stored_rows(path: Path) -> None:
    """Refuse a database, whatever its extension, whose rows are computed and not stored.

    A view, a computed column or a table of another module can be of any length and take any time to read.

    Raises
    ------
    InputError
        If there is one, or an archive holds a database.
    """
    if is_zipfile(path):
        with ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    if file.read(len(_MAGIC)) == _MAGIC:
                        raise InputError(
                            f"{path} holds a database, '{member.filename}'; give it by itself, as .gpkg."
                        )
        return
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            computed = _computed(connection)
    except sqlite3.DatabaseError:
        # Damaged: whoever reads it says so.
        return
    if computed is not None:
        raise InputError(f"{path}: {computed}; give tables only, as a new file.")


def _computed(connection: sqlite3.Connection) -> str | None:
    """Say which of a database's rows are computed; None where all are stored."""
    objects = connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    for kind, name, sql in objects:
        if kind == "view":
            return f"'{name}' is a view"
        if kind == "table" and sql.upper().startswith("CREATE VIRTUAL") and not _RTREE.search(sql):
            return f"'{name}' is a virtual table"
    for kind, name, sql in objects:
        if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL"):
            found = connection.execute(
                "SELECT name FROM pragma_table_xinfo(?) WHERE hidden > 1", (name,)
            ).fetchone()
            if found is not None:
                return f"the column '{found[0]}' of '{name}' is computed"
    return None
