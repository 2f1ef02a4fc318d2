"""The commands `migrate`, `backup` and `restore`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    from layers.db.database import Database


@handle_errors
def migrate(database: options.DatabaseUrl = None) -> None:
    """Create the tables of a new database, or migrate those of an older version."""
    with _open_database(database) as opened:
        opened.migrate()
        print_result([f"{opened.display_name} is ready."], {}, as_json=False)


@handle_errors
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Write the whole database, as it is at this moment, to one GeoPackage; others may go on writing."""
    from layers.db import backup as storage

    with _open_database(database) as opened, progress_bar("backup") as progress:
        counts = storage.backup(opened, file, progress)
    rows = sum(counts.values())
    print_result(
        [f"{file}: {rows:,} rows of {opened.display_name}."],
        {"file": str(file), "rows": counts},
        as_json=as_json,
    )


@handle_errors
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `wangge backup` wrote.", show_default=False)],
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Restore a backup into an empty database, which stays empty if anything fails."""
    from layers.db import backup as storage

    with _open_database(database) as opened, progress_bar("restore") as progress:
        counts = storage.restore(file, opened, progress)
    rows = sum(counts.values())
    print_result(
        [f"{opened.display_name}: {rows:,} rows of {file}."],
        {"file": str(file), "rows": counts},
        as_json=as_json,
    )


@contextmanager
def _open_database(url: str | None) -> Iterator["Database"]:
    from api.settings import ServiceSettings
    from layers.db.database import Database

    with closing(Database(url or ServiceSettings().database)) as database:
        yield database
