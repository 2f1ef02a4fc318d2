"""The commands `migrate`, `backup` and `restore`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    from api.security.revived import Revival
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
    replaces: Annotated[
        str | None,
        typer.Option(
            help="The present database: tokens revoked and accounts disabled in it since the backup stay so.",
            show_default="WANGGE_DATABASE, if --database names another",
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Restore a backup into an empty database, which stays empty if anything fails.

    Browser sessions, sign-in links, failed sign-ins and kept answers are not restored, and jobs that had not
    ended have failed.
    """
    from api.security.revived import Revival, end_again
    from layers.db import backup as storage

    found: list[Revival] = []
    with (
        _open_database(database) as opened,
        _open_present(opened, replaces) as present,
        progress_bar("restore") as progress,
        present.read() if present is not None else nullcontext() as before,
    ):
        restored = storage.restore(
            file, opened, progress, before_commit=lambda session: found.append(end_again(session, before))
        )
    (revival,) = found
    rows = sum(restored.rows.values())
    lines = [f"{opened.display_name}: {rows:,} rows of {file}."]
    if restored.left_out:
        lines.append(f"Left out, for it is not Wangge's: {', '.join(restored.left_out)}.")
    lines += _review_lines(revival, None if present is None else present.display_name)
    print_result(
        lines,
        {"file": str(file), "rows": restored.rows, "left_out": restored.left_out, "review": asdict(revival)},
        as_json=as_json,
    )


def _review_lines(revival: "Revival", present: str | None) -> Iterator[str]:
    """Tell the operator who may enter a restored database."""
    if revival.revoked or revival.disabled:
        ended = [
            *(f"token {each}" for each in revival.revoked),
            *(f"account {each}" for each in revival.disabled),
        ]
        yield f"Ended in {present} since the backup, and ended here too: {', '.join(ended)}."
    if revival.passwords:
        yield (
            f"Their passwords were changed in {present} since, and are the former ones again: "
            f"{', '.join(revival.passwords)}; `wangge account password NAME` changes one."
        )
    if revival.ended_before:
        yield f"Had ended before the backup, and stay so: {', '.join(revival.ended_before)}."
    if revival.tokens or revival.accounts:
        valid = [
            *(f"token {each}" for each in revival.tokens),
            *(f"account {each}" for each in revival.accounts),
        ]
        yield f"Valid as in the backup: {', '.join(valid)}."
        yield "Review them: `wangge token revoke` and `wangge account disable` end what should have ended."
    if present is None:
        yield "No present database was compared (--replaces): what has ended since the backup is not known."


@contextmanager
def _open_present(restored: "Database", replaces: str | None) -> Iterator["Database | None"]:
    """Open the database that a restored one replaces; None if there is none."""
    from api.settings import ServiceSettings
    from gis.errors import InputError
    from layers.db.database import Database

    with closing(Database(replaces or ServiceSettings().database)) as present:
        is_other = present.url != restored.url
        if replaces is not None or (is_other and present.is_readable()):
            if not is_other:
                raise InputError(
                    "--replaces names the database that is to be restored; name the present one."
                )
            present.check_migrated()
            yield present
        else:
            yield None


@contextmanager
def _open_database(url: str | None) -> Iterator["Database"]:
    from api.settings import ServiceSettings
    from layers.db.database import Database

    with closing(Database(url or ServiceSettings().database)) as database:
        yield database
