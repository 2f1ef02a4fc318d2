"""The command `demo`: the main job on the sample district, in files, in a database, and served."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli import serve as service
from api.cli.console import handle_errors, print_message, print_result


@handle_errors
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")] = Path("demo"),
    seed: Annotated[int | None, typer.Option(help="Another seed gives another district.", min=0)] = None,
    scale: Annotated[
        float, typer.Option(help="Size of the district, 1 for about 25 km².", min=0.05, max=1)
    ] = 1.0,
    size: Annotated[float, typer.Option(help="Side of a cell in metres.", min=20)] = 100.0,
    language: Annotated[
        options.Language, typer.Option("--language", "--lang", help="Language of map and report.")
    ] = options.Language.zh,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the database until interrupted.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(help="Port; 0 takes a free one.", min=0, max=65535, show_default="8000 or a free one"),
    ] = None,
) -> None:
    """Create a synthetic district, divide it, assign all entities, find the gaps, draw the map, and serve it.

    Files and a database are written to the folder and replace an earlier demonstration. No network is used.
    """
    from api.demo.database import build_database, create_demo_access, require_replaceable
    from api.demo.files import run_demo, with_timing
    from api.demo.report import render_report
    from api.settings import DataSettings, ServiceSettings
    from gis.errors import InputError
    from layers.db.database import Database
    from layers.formats import write_text
    from layers.sample import SEED

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder.")
    file = output / "wangge.gpkg"
    require_replaceable(file)
    sock = _bind_socket(port) if serve else None
    result = run_demo(
        output,
        DataSettings().code_tables_folder(),
        on_step=print_message,
        seed=SEED if seed is None else seed,
        scale=scale,
        size_m=size,
        language=language.value,
    )
    published = build_database(
        file, result.sample, result.areas, result.cells, size_m=size, on_step=with_timing(print_message)
    )
    report = output / "report.md"
    write_text(report, render_report(result, language.value, published))
    typer.echo(f"Look at {result.map.resolve()} in a browser, and at {report.resolve()}.")
    del result

    url = f"sqlite:///{file}"
    address = ServiceSettings().address if sock is None else service.socket_url(sock)
    with closing(Database(url)) as database:
        access = create_demo_access(database, address)
    lines = [
        "Open the map, signed in as demo; the link works once, within twelve hours:",
        f"    {access.link}",
        "Or ask which cell owns a place, as another system does:",
        f"    {access.curl}",
        f"The token {access.token} may do everything, for seven days.",
    ]
    if sock is None:
        print_result([f"Serve it with: wangge serve --database {url}", *lines], {}, as_json=False)
        return
    # The service and its jobs read the settings again.
    os.environ |= {"WANGGE_DATABASE": url, "WANGGE_WORKERS": "1"}
    log = output / "service.log"
    lines.append(f"Ctrl-C ends the service; it keeps its log in {log}.")
    with _redirect_stderr(log):
        service.run_server(ServiceSettings(), sock, lambda: print_result(lines, {}, as_json=False))


@contextmanager
def _redirect_stderr(log: Path) -> Iterator[None]:
    """Redirect standard error of the block and its threads to a file.

    Otherwise the log of requests would soon scroll the link and the token away.
    """
    saved_stderr = os.dup(2)
    try:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(saved_stderr)


def _bind_socket(port: int | None) -> socket.socket:
    """Return the requested port; by default the usual one if it is free, else another."""
    from api.settings import ServiceSettings
    from gis.errors import InputError

    settings = ServiceSettings()
    if port is not None:
        return service.bind_socket(settings.host, port)
    try:
        return service.bind_socket(settings.host, settings.port)
    except InputError as error:
        print_message(f"note: {error}")
        return service.bind_socket(settings.host, 0)
