"""The command `serve`: the service as one process or several.

It owns sockets, workers and how they stop; the application is `api.app`.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.outcome import reporting, say


@reporting
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535, show_default="8000")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.", min=1, max=64, show_default="1")] = None,
    database: options.DatabaseUrl = None,
) -> None:
    """Serve the HTTP interface until interrupted; running requests are finished first.

    Options not given are read from WANGGE_HOST, WANGGE_PORT, WANGGE_WORKERS and WANGGE_DATABASE.
    """
    import tempfile

    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from api.app import open_database
    from api.settings import ServiceSettings
    from layers.storage.database import Database

    given = {"host": host, "port": port, "workers": workers, "database": database}
    for name, value in given.items():
        if value is not None:
            # Worker processes read the settings anew.
            os.environ[f"WANGGE_{name.upper()}"] = str(value)
    settings = ServiceSettings()
    opened = Database(settings.database)
    try:
        open_database(opened)
    finally:
        opened.close()
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        if settings.workers > 1:
            # What one worker counts or receives, another tells or imports.
            for variable in ("PROMETHEUS_MULTIPROC_DIR", "WANGGE_UPLOADS"):
                if variable not in os.environ:
                    (Path(folder) / variable).mkdir()
                    os.environ[variable] = str(Path(folder) / variable)
        config = uvicorn.Config(
            "api.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="auto",
            http="auto",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.grace_s,
        )
        listening = config.bind_socket()
        address = f"[{settings.host}]" if ":" in settings.host else settings.host
        say(f"Wangge serves http://{address}:{listening.getsockname()[1]} ({settings.workers} worker(s))")
        if settings.workers > 1:
            Multiprocess(config, sockets=[listening]).run()
        else:
            server = uvicorn.Server(config)
            server.run(sockets=[listening])
            if not server.started:
                raise typer.Exit(3)
