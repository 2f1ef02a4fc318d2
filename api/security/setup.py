"""Security, put around an application."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from fastapi import FastAPI
from starlette.middleware import Middleware

from api.security.auth_middleware import AuthMiddleware
from api.security.credential_cache import CredentialCache
from api.security.limits import BodyLimitMiddleware, SecurityHeadersMiddleware, TrustedHostMiddleware
from api.security.requirements import route_requirements
from layers.db.database import Database

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SESSION_IDLE_TIMEOUT, SESSION_LIFETIME = timedelta(hours=2), timedelta(hours=12)
"""How long a browser session lasts without a request, and at most."""


def add_security(
    app: FastAPI,
    *,
    hosts: Collection[str] = LOCAL_HOSTS,
    body_bytes: int = 16 << 20,
    upload_bytes: int = 512 << 20,
    upload_paths: Collection[str] = (),
    uploads_at_once: int = 4,
    outer_middleware: Sequence[Middleware] = (),
) -> None:
    """Put headers, known hosts, the limit of bodies and the gate around an application.

    Call it after the routes are mounted; middleware added before stands within. From outermost to innermost:
    headers, surroundings, hosts, gate, body limit.

    Parameters
    ----------
    app
        The application; `open_credential_cache` gives it its identities when it starts.
    hosts
        The names by which the service is called; ``*`` stands for any.
    body_bytes, upload_bytes, upload_paths, uploads_at_once
        See `api.security.limits.BodyLimitMiddleware`.
    outer_middleware
        What stands around all but the headers, the innermost first: its own answers carry them too.

    Raises
    ------
    UndeclaredRouteError
        If a route does not say who may call it.
    """
    route_requirements(app)
    app.add_middleware(
        BodyLimitMiddleware,
        body_bytes=body_bytes,
        upload_bytes=upload_bytes,
        upload_paths=upload_paths,
        uploads_at_once=uploads_at_once,
    )
    app.add_middleware(AuthMiddleware, routes=app)
    app.add_middleware(TrustedHostMiddleware, hosts=hosts)
    for each in outer_middleware:
        app.add_middleware(each.cls, *each.args, **each.kwargs)
    app.add_middleware(SecurityHeadersMiddleware)


def open_credential_cache(app: FastAPI, database: Database) -> None:
    """Let an application know its callers by a database; call it as it starts."""
    app.state.credentials = CredentialCache(database, SESSION_IDLE_TIMEOUT)
