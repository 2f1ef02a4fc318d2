"""The command `serve`: the service as one process or several."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import reporting, say

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.settings import ServiceSettings


_LAST_S = 2.0
# Seconds to end as a process ends, once the service has.

_SILENT_S = 30
# Seconds after which a worker that does not answer is killed for another. One that begins on a busy machine,
# or computes without a pause, must not be.


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
    from api.app import open_database
    from api.settings import ServiceSettings
    from layers.db.database import Database

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
    run(settings, listen(settings.host, settings.port))


def listen(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes a free one.

    Raises
    ------
    InputError
        If it cannot be had.
    """
    from gis.errors import InputError

    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        taken = socket.socket(family, kind, protocol)
        try:
            # A service that was just ended leaves connections behind, which hold the port for a while.
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
        except OSError:
            taken.close()
            raise
    except OSError as error:
        raise InputError(f"{host} port {port} cannot be listened on: {error.strerror}.") from error
    taken.set_inheritable(True)
    return taken


def address_of(taken: socket.socket) -> str:
    """Return the address of what listens on a socket, as a URL."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def create_worker() -> "FastAPI":
    """Build the application of one process; among several it ends with the one that watches over them."""
    from api.app import create_app

    supervisor = multiprocessing.parent_process()
    if supervisor is not None:

        def follow() -> None:
            # Killed, it tells nobody; its workers would go on and keep the port from who follows.
            supervisor.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, name="supervisor", daemon=True).start()
    return create_app()


def run(
    settings: "ServiceSettings", listening: socket.socket, started: Callable[[], None] | None = None
) -> None:
    """Serve on a socket until interrupted.

    Parameters
    ----------
    settings
        What the environment says, which worker processes read anew.
    listening
        Where to serve.
    started
        Called when one process alone serves and the first request would be answered.

    Raises
    ------
    Exit
        With code 3 if the service does not start.
    """
    import tempfile

    import uvicorn
    from uvicorn.supervisors import Multiprocess

    class Server(uvicorn.Server):
        """Tells when it has started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and started is not None:
                started()

    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        if settings.workers > 1:
            # What one worker counts or receives, another tells or imports.
            for variable in ("PROMETHEUS_MULTIPROC_DIR", "WANGGE_UPLOADS"):
                if variable not in os.environ:
                    (Path(folder) / variable).mkdir()
                    os.environ[variable] = str(Path(folder) / variable)
        config = uvicorn.Config(
            "api.cli.serve:create_worker",
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
            timeout_worker_healthcheck=_SILENT_S,
        )
        say(f"Wangge serves {address_of(listening)} ({settings.workers} worker(s))")
        server = Server(config)
        try:
            if settings.workers > 1:
                Multiprocess(config, sockets=[listening]).run()
            else:
                server.run(sockets=[listening])
        except KeyboardInterrupt:
            # Being ended is how a service ends; only one that never came up was interrupted.
            if settings.workers == 1 and not server.started:
                raise
            say("Wangge has stopped.")
            # The threads of requests that were given up keep nothing, and the process would wait for them.
            last = threading.Timer(_LAST_S, os._exit, (0,))
            last.daemon = True
            last.start()
            return
        if settings.workers == 1 and not server.started:
            raise typer.Exit(3)
