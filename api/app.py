"""The application: what a process of the service opens, mounts and closes."""

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
from api.http.caller_slots import CallerSlots
from api.http.fast_path import FastPathMiddleware
from api.http.middleware import RequestContextMiddleware
from api.http.openapi import RouteRight, build_openapi
from api.http.openapi_tiles import tile_paths
from api.jobs.event_stream import JobStreams
from api.jobs.worker import Worker
from api.locate.contract import model_schemas as locate_schemas
from api.locate.openapi import locate_paths
from api.metrics import REQUEST_METRICS
from api.routes import FAST_PATHS, ROUTERS, SLOW_PATHS, UPLOAD_PATHS
from api.routes.maps import MAPS_AT_ONCE
from api.routes.web_page import load_assets
from api.security import setup
from api.security.requirements import route_requirements
from api.settings import ServiceSettings
from gis.errors import InputError
from layers.db.database import Database
from layers.entities.live_index import LiveEntityIndexes
from layers.snapshot import SnapshotHolder, follow_database
from layers.tilesets import TileCache, TileSetStore

_DESCRIPTION = (
    "Which cell owns a place, who is responsible, and how that came to be. "
    "Errors are problem+json (RFC 9457); lists are paged by cursor; a write takes `If-Match` with the `ETag` "
    "it was based on, and an `Idempotency-Key`. Coordinates are longitude, latitude in WGS 84."
)

log = structlog.get_logger("wangge.service")

_PRELOAD_DELAY_S = 10.0


class Service(FastAPI):
    """FastAPI with the description of `api.http.openapi`."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI of the service."""
        rights = [RouteRight(each.path, each.methods, each.rule.right) for each in route_requirements(self)]
        return build_openapi(self, {**locate_paths(), **tile_paths()}, locate_schemas(), rights)


def create_app(settings: ServiceSettings | None = None) -> FastAPI:
    """Build the application; nothing is opened before startup.

    Parameters
    ----------
    settings
        Read from the environment when not given.
    """
    service_settings = settings or ServiceSettings()
    app = Service(
        title="Wangge",
        version=version("wangge"),
        summary="Grid division and monitoring",
        description=_DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # Not by `include_router`, which would build each route a second time.
        routes=[route for router in ROUTERS for route in router.routes],
        # What fails may name a person: it goes to the log alone, without its text.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = service_settings
    problems.add_exception_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(FastPathMiddleware, routes=FAST_PATHS)
    setup.add_security(
        app,
        hosts=service_settings.hosts,
        body_bytes=service_settings.body_bytes,
        upload_bytes=service_settings.upload_bytes,
        upload_paths=UPLOAD_PATHS,
        uploads_at_once=service_settings.uploads_at_once,
        outer_middleware=[
            Middleware(RequestContextMiddleware, request_s=service_settings.request_s, slow_paths=SLOW_PATHS)
        ],
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: ServiceSettings = app.state.settings
    logs.configure()
    database = Database(settings.database)
    snapshots = SnapshotHolder(database)
    stop = Event()
    uploads = settings.uploads or Path(tempfile.mkdtemp(prefix="wangge-uploads-"))
    worker = Worker(database, settings, uploads)
    tile_sets = TileSetStore(database, snapshots)
    follower = Thread(
        target=follow_database,
        args=(database, snapshots, stop),
        kwargs={"on_refresh": tile_sets.wake},
        name="follow",
        daemon=True,
    )
    preloader = Thread(target=_preload_modules, args=(stop,), name="imports", daemon=True)
    metrics_task = asyncio.create_task(REQUEST_METRICS.flush_periodically())
    try:
        app.state.database, app.state.snapshots, app.state.uploads = database, snapshots, uploads
        app.state.live_entities = LiveEntityIndexes(database)
        app.state.tile_sets, app.state.tile_cache = tile_sets, TileCache()
        app.state.job_streams = JobStreams(database, settings.streams)
        app.state.map_slots = CallerSlots(
            MAPS_AT_ONCE, f"{MAPS_AT_ONCE} maps are being drawn for you already; wait until one has come."
        )
        setup.open_credential_cache(app, database)
        await run_in_threadpool(require_migrated, database)
        await run_in_threadpool(snapshots.refresh)
        await run_in_threadpool(load_assets)
        follower.start()
        worker.start()
        tile_sets.start()
        preloader.start()
        log.info("started", database=database.url.get_backend_name())
        yield
        log.info("stopping")
    finally:
        metrics_task.cancel()
        stop.set()
        await run_in_threadpool(worker.stop)
        # An import that is still running when the interpreter exits raises an error.
        for thread in (follower, preloader):
            if thread.ident is not None:
                await run_in_threadpool(thread.join, 5)
        await run_in_threadpool(tile_sets.stop)
        database.close()
        if settings.uploads is None:
            shutil.rmtree(uploads, ignore_errors=True)


def _preload_modules(stop: Event) -> None:
    """Import what the first drawn map needs."""
    # Otherwise the first user of a new service would wait seconds for it.
    if not stop.wait(_PRELOAD_DELAY_S):
        import layers.maps  # noqa: F401


def require_migrated(database: Database) -> int:
    """Return the revision of a database; raise unless it is ready to be served.

    Raises
    ------
    InputError
        If it cannot be reached or has not been migrated.
    """
    try:
        return database.read_revision()
    except SQLAlchemyError as error:
        raise InputError(
            f"{database.display_name} is not a database that Wangge can open; "
            "run wangge migrate, or correct its URL."
        ) from error
