"""The command `demo`: the main job on the sample district, in files, in a database, and served."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli import serve as service
from api.cli.console import reporting, say, tell
from api.cli.maps import Language


@reporting
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")] = Path("demo"),
    seed: Annotated[int | None, typer.Option(help="Another seed makes another district.", min=0)] = None,
    scale: Annotated[
        float, typer.Option(help="Size of the district, 1 for about 25 km².", min=0.05, max=1)
    ] = 1.0,
    size: Annotated[float, typer.Option(help="Side of a cell in metres.", min=20)] = 100.0,
    language: Annotated[Language, typer.Option(help="Language of map and report.")] = Language.zh,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the database until interrupted.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0 takes a free one.", min=0, max=65535, show_default="8000 or a free one"),
    ] = None,
) -> None:
    """Make a synthetic district, divide it, assign everything, find the gaps, draw the map, and serve it all.

    Files and a database go to the folder; an earlier demonstration there is replaced. No network is used.
    """
    from api.demo.database import build_database, invite, require_replaceable
    from api.demo.files import demonstrate, timed
    from api.demo.report import write_up
    from api.settings import DataSettings, ServiceSettings
    from gis.errors import InputError
    from layers.db.database import Database
    from layers.formats import write_text
    from layers.sample import SEED

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder.")
    file = output / "wangge.gpkg"
    require_replaceable(file)
    listening = _listening(port) if serve else None
    shown = demonstrate(
        output,
        DataSettings().tables(),
        say=say,
        seed=SEED if seed is None else seed,
        scale=scale,
        size_m=size,
        language=language.value,
    )
    published = build_database(file, shown.sample, shown.areas, shown.cells, size_m=size, say=timed(say))
    report = output / "report.md"
    write_text(report, write_up(shown, language.value, published))
    typer.echo(f"Look at {shown.map.resolve()} in a browser, and at {report.resolve()}.")
    del shown

    url = f"sqlite:///{file}"
    address = ServiceSettings().address if listening is None else service.address_of(listening)
    with closing(Database(url)) as database:
        come = invite(database, address)
    lines = [
        "Open the map, signed in as demo; the link works once, within twelve hours:",
        f"    {come.link}",
        "Or ask which cell owns a place, as another system does:",
        f"    {come.curl}",
        f"The token {come.token} may do everything, for seven days.",
    ]
    if listening is None:
        tell([f"Serve it with: wangge serve --database {url}", *lines], {}, as_json=False)
        return
    # The service and its jobs read the settings anew.
    os.environ |= {"WANGGE_DATABASE": url, "WANGGE_WORKERS": "1"}
    log = output / "service.log"
    lines.append(f"Ctrl-C ends the service; it keeps its log in {log}.")
    with _errors_into(log):
        service.run(ServiceSettings(), listening, lambda: tell(lines, {}, as_json=False))


@contextmanager
def _errors_into(log: Path) -> Iterator[None]:
    """Send to a file what the block and its threads write to standard error.

    Beneath the line of every request the link and the token would soon be out of sight.
    """
    shown = os.dup(2)
    try:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)


def _listening(port: int | None) -> socket.socket:
    """Take the port asked for, or the usual one if it is free and else another."""
    from api.settings import ServiceSettings
    from gis.errors import InputError

    settings = ServiceSettings()
    if port is not None:
        return service.listen(settings.host, port)
    try:
        return service.listen(settings.host, settings.port)
    except InputError as error:
        say(f"note: {error}")
        return service.listen(settings.host, 0)
