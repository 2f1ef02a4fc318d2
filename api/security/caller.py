"""The caller of a request, for the routes."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from api.security.principal import Principal
from gis.errors import UnauthorizedError

_SCOPE_KEY = "wangge.principal"


def set_principal(scope: Scope, principal: Principal) -> None:
    """Leave the caller in a request's scope."""
    scope[_SCOPE_KEY] = principal


def get_principal(scope: Scope) -> Principal:
    """Return the caller of a request; plain ASGI routes call it with their scope.

    Raises
    ------
    UnauthorizedError
        If nobody is signed in, which on a route that is not public cannot be.
    """
    found: Principal | None = scope.get(_SCOPE_KEY)
    if found is None:
        raise UnauthorizedError("Sign in, or give a token as Authorization: Bearer wg_...")
    return found


async def get_request_principal(request: HTTPConnection) -> Principal:
    """Return the caller of a request."""
    return get_principal(request.scope)


Caller = Annotated[Principal, Depends(get_request_principal)]
"""The type of a FastAPI parameter that takes the caller."""
