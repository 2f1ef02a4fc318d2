"""The command `serve`: the service as one process or several."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from api.cli import options
from api.cli.console import handle_errors, print_message

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from fastapi import FastAPI

    from api.settings import ServiceSettings


_EXIT_GRACE_S = 2.0
# Seconds for the process to exit after the service has stopped.

_HEALTHCHECK_TIMEOUT_S = 30
# Seconds after which a worker that does not answer is replaced. uvicorn allows 5, but a worker that starts or
# computes on a busy machine is not dead. The price: a worker that hangs is replaced so much later.


@handle_errors
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
    from api.app import require_migrated
    from api.jobs.launcher import shared_launcher
    from api.settings import ServiceSettings
    from layers.db.database import Database

    overrides = {"host": host, "port": port, "workers": workers, "database": database}
    for name, value in overrides.items():
        if value is not None:
            # Worker processes read the settings again.
            os.environ[f"WANGGE_{name.upper()}"] = str(value)
    settings = ServiceSettings()
    opened = Database(settings.database)
    try:
        require_migrated(opened)
    finally:
        opened.close()
    if settings.workers == 1:
        # Before there is a thread or a socket that it would inherit.
        shared_launcher().fork()
    run_server(settings, bind_socket(settings.host, settings.port))


def bind_socket(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free port.

    Raises
    ------
    InputError
        If the address is not available.
    """
    from gis.errors import InputError

    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sock = socket.socket(family, kind, protocol)
        try:
            # A service that has just stopped leaves connections behind, which block the port for a while.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise InputError(f"{host} port {port} cannot be listened on: {error.strerror}.") from error
    sock.set_inheritable(True)
    return sock


def socket_url(sock: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def create_worker_app() -> "FastAPI":
    """Build the application of one process; one of several ends with its supervisor."""
    from api.app import create_app

    supervisor = multiprocessing.parent_process()
    if supervisor is not None:

        def exit_with_supervisor() -> None:
            # A killed supervisor cannot stop its workers, which would go on and keep the port from the next
            # service.
            supervisor.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=exit_with_supervisor, name="supervisor", daemon=True).start()
    return create_app()


def server_config(settings: "ServiceSettings") -> "uvicorn.Config":
    """Return how uvicorn serves the application, in this process or in several."""
    import uvicorn

    from api.http.connections import ImpatientProtocol

    proxies = [str(each) for each in settings.proxies]
    return uvicorn.Config(
        "api.cli.serve:create_worker_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="auto",
        http=cast("type[asyncio.Protocol]", partial(ImpatientProtocol, header_s=settings.header_s)),
        # By itself uvicorn believes whoever connects from this machine.
        forwarded_allow_ips=proxies or os.environ.get("FORWARDED_ALLOW_IPS", []),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_s,
        timeout_worker_healthcheck=_HEALTHCHECK_TIMEOUT_S,
    )


def run_server(
    settings: "ServiceSettings", sock: socket.socket, on_started: Callable[[], None] | None = None
) -> None:
    """Serve on a socket until interrupted.

    Parameters
    ----------
    settings
        The settings of the environment, which worker processes read again.
    sock
        The listening socket.
    on_started
        Called when the service has started, if it has only one process.

    Raises
    ------
    Exit
        With code 3 if the service does not start.
    """
    import tempfile

    import uvicorn
    from uvicorn.supervisors import Multiprocess

    class Server(uvicorn.Server):
        """A server that reports when it has started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and on_started is not None:
                on_started()

    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        if settings.workers > 1:
            # Workers share their metrics and uploads: any of them may report or import those of another.
            for variable in ("PROMETHEUS_MULTIPROC_DIR", "WANGGE_UPLOADS"):
                if variable not in os.environ:
                    (Path(folder) / variable).mkdir()
                    os.environ[variable] = str(Path(folder) / variable)
        config = server_config(settings)
        print_message(f"Wangge serves {socket_url(sock)} ({settings.workers} worker(s))")
        server = Server(config)
        try:
            if settings.workers > 1:
                Multiprocess(config, sockets=[sock]).run()
            else:
                server.run(sockets=[sock])
        except KeyboardInterrupt:
            # Being stopped is the normal end of a service; only one that never started was interrupted.
            if settings.workers == 1 and not server.started:
                raise
            print_message("Wangge has stopped.")
            # The threads of abandoned requests store nothing, and the process would wait for them.
            exit_timer = threading.Timer(_EXIT_GRACE_S, os._exit, (0,))
            exit_timer.daemon = True
            exit_timer.start()
            return
        if settings.workers == 1 and not server.started:
            raise typer.Exit(3)
