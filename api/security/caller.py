"""The caller of a request, for the routes."""

import ipaddress
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from api.http.request_scope import CALLER_KEY
from api.security.principal import Principal
from gis.errors import ForbiddenError, UnauthorizedError

_FOREIGN_SITES = frozenset({b"cross-site", b"same-site"})


def set_principal(scope: Scope, principal: Principal) -> None:
    """Leave the caller in a request's scope."""
    scope[CALLER_KEY] = principal


def get_principal(scope: Scope) -> Principal:
    """Return the caller of a request; plain ASGI routes call it with their scope.

    Raises
    ------
    UnauthorizedError
        If there is no caller; a route that is not public always has one.
    """
    found: Principal | None = scope.get(CALLER_KEY)
    if found is None:
        raise UnauthorizedError("Sign in, or give a token as Authorization: Bearer wg_...")
    return found


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from, as far as a proxy that is trusted says so.

    What is no address, and could be anything of any length, is "unknown".
    """
    host = (scope.get("client") or ("", 0))[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "unknown"


def is_from_foreign_site(scope: Scope) -> bool:
    """Return whether the page of another site has made a browser send a request."""
    return any(name == b"sec-fetch-site" and value in _FOREIGN_SITES for name, value in scope["headers"])


def require_own_site(scope: Scope) -> None:
    """Refuse a request that the page of another site has begun.

    Raises
    ------
    ForbiddenError
        If it has.
    """
    if is_from_foreign_site(scope):
        raise ForbiddenError("Another site has begun this; go on from the page of this service.")


async def get_request_principal(request: HTTPConnection) -> Principal:
    """Return the caller of a request."""
    return get_principal(request.scope)


Caller = Annotated[Principal, Depends(get_request_principal)]
"""The type of a FastAPI parameter that takes the caller."""
