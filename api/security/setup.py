"""Security, put around an application."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from fastapi import FastAPI
from starlette.middleware import Middleware

from api.security.auth_middleware import Gate
from api.security.credential_cache import Identities
from api.security.limits import BodyLimit, KnownHosts, SecurityHeaders
from api.security.requirements import demands
from layers.db.database import Database

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
IDLE, LASTING = timedelta(hours=2), timedelta(hours=12)
"""How long a browser session lasts without a request, and at most."""


def install(
    app: FastAPI,
    *,
    hosts: Collection[str] = LOCAL_HOSTS,
    body_bytes: int = 16 << 20,
    upload_bytes: int = 512 << 20,
    uploads: Collection[str] = (),
    surroundings: Sequence[Middleware] = (),
) -> None:
    """Put headers, known hosts, the limit of bodies and the gate around an application.

    Call it after the routes are mounted; middleware added before stands within. From outermost to innermost:
    headers, surroundings, hosts, gate, body limit.

    Parameters
    ----------
    app
        The application; `open_identities` gives it its identities when it starts.
    hosts
        The names by which the service is called; ``*`` stands for any.
    body_bytes, upload_bytes, uploads
        See `api.security.limits.BodyLimit`.
    surroundings
        What stands around all but the headers, the innermost first: its own answers carry them too.

    Raises
    ------
    UndeclaredRouteError
        If a route does not say who may call it.
    """
    demands(app)
    app.add_middleware(BodyLimit, body_bytes=body_bytes, upload_bytes=upload_bytes, uploads=uploads)
    app.add_middleware(Gate, routes=app)
    app.add_middleware(KnownHosts, hosts=hosts)
    for each in surroundings:
        app.add_middleware(each.cls, *each.args, **each.kwargs)
    app.add_middleware(SecurityHeaders)


def open_identities(app: FastAPI, database: Database) -> None:
    """Let an application know its callers by a database; call it as it starts."""
    app.state.identities = Identities(database, IDLE)
