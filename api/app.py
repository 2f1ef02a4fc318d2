"""The application: what a process of the service opens, mounts and closes.

Routes live in `api.routes`, who may call them in `api.security`; `api.cli.serve` runs it.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import logs, problems
from api.http.fast_path import Direct
from api.http.middleware import Surroundings
from api.http.openapi import describe
from api.jobs.worker import Worker
from api.metrics import TALLY
from api.routes import DIRECT, PATIENT, ROUTERS, UPLOADS
from api.routes.web_page import assets
from api.security import setup
from api.settings import ServiceSettings
from gis.errors import InputError
from layers.db.database import Database
from layers.entities.live_index import LiveEntities
from layers.snapshot import SnapshotHolder, follow
from layers.tilesets import Shelf, TileCache

_DESCRIPTION = (
    "Which cell owns a place, who is responsible, and how that came to be. "
    "Errors are problem+json (RFC 9457); lists are paged by cursor; a write takes `If-Match` with the `ETag` "
    "it was based on, and an `Idempotency-Key`. Coordinates are longitude, latitude in WGS 84."
)

log = structlog.get_logger("wangge.service")

_QUIET_S = 10.0


class Service(FastAPI):
    """FastAPI with the description of `api.http.openapi`."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI of the service."""
        return describe(self)


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Build the application; nothing is opened before it starts.

    Parameters
    ----------
    settings
        Read from the environment when not given.
    """
    chosen = settings or ServiceSettings()
    app = Service(
        title="Wangge",
        version=version("wangge"),
        summary="Grid division and monitoring",
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # What fails may name a person: it goes to the log alone, without its text.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = chosen
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Direct, routes=DIRECT)
    setup.install(
        app,
        hosts=chosen.hosts,
        body_bytes=chosen.body_bytes,
        upload_bytes=chosen.upload_bytes,
        uploads=UPLOADS,
        surroundings=[Middleware(Surroundings, request_s=chosen.request_s, patient=PATIENT)],
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServiceSettings = app.state.settings
    logs.configure()
    database = Database(settings.database)
    holder = SnapshotHolder(database)
    stop = Event()
    uploads = settings.uploads or Path(tempfile.mkdtemp(prefix="wangge-uploads-"))
    worker = Worker(database, settings, uploads)
    shelf = Shelf(database, holder)
    follower = Thread(
        target=follow, args=(database, holder, stop), kwargs={"after": shelf.wake}, name="follow", daemon=True
    )
    imports = Thread(target=_import_later, args=(stop,), name="imports", daemon=True)
    counting = asyncio.create_task(TALLY.keep_handing_over())
    try:
        app.state.database, app.state.snapshots, app.state.uploads = database, holder, uploads
        app.state.live_entities = LiveEntities(database)
        app.state.shelf, app.state.tiles = shelf, TileCache()
        setup.open_identities(app, database)
        await run_in_threadpool(open_database, database)
        await run_in_threadpool(holder.refresh)
        await run_in_threadpool(assets)
        follower.start()
        worker.start()
        shelf.start()
        imports.start()
        log.info("started", database=database.url.get_backend_name())
        yield
        log.info("stopping")
    finally:
        counting.cancel()
        stop.set()
        await run_in_threadpool(worker.stop)
        # An import that the interpreter's end overtakes is an error.
        for thread in (follower, imports):
            if thread.ident is not None:
                await run_in_threadpool(thread.join, 5)
        await run_in_threadpool(shelf.stop)
        database.close()
        if settings.uploads is None:
            shutil.rmtree(uploads, ignore_errors=True)


def _import_later(stop: Event) -> None:
    """Import what the first classes of a measure and the first drawn map need, unless they were asked for."""
    # Seconds that whoever opens the page on a new service would otherwise wait beside.
    if not stop.wait(_QUIET_S):
        import mapclassify  # noqa: F401

        import layers.maps  # noqa: F401


def open_database(database: Database) -> int:
    """Read the revision of a database that is ready to serve.

    Raises
    ------
    InputError
        If it cannot be reached or has not been migrated.
    """
    try:
        return database.revision()
    except SQLAlchemyError as error:
        raise InputError(
            f"{database.name} is no database of Wangge that opens; run wangge migrate, or mend its URL."
        ) from error
