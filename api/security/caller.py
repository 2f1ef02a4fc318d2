"""The caller of a request, for the routes."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from api.http.request_scope import CALLER_KEY
from api.security.principal import Principal
from gis.errors import UnauthorizedError


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


async def get_request_principal(request: HTTPConnection) -> Principal:
    """Return the caller of a request."""
    return get_principal(request.scope)


Caller = Annotated[Principal, Depends(get_request_principal)]
"""The type of a FastAPI parameter that takes the caller."""
