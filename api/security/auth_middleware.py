"""The check before every route, in plain ASGI: who calls, and whether the route's requirement is met."""

from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.request_scope import route_path
from api.problems import problem_response, status_of
from api.security.caller import is_from_foreign_site, require_own_site, set_principal
from api.security.credential_cache import CredentialCache
from api.security.credentials import is_csrf_token
from api.security.principal import Principal
from api.security.requirements import AccessRule, AreaPolicy, RouteTable, route_requirements
from gis.errors import ForbiddenError, NotFoundError, UnauthorizedError, WanggeError

COOKIE_NAME, SECURE_COOKIE_NAME = "wangge_session", "__Host-wangge_session"
CSRF_HEADER = b"x-csrf-token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AuthMiddleware:
    """Passes a request to its route when its caller may call it; leaves the caller in the scope.

    Without credentials an unknown path answers as a known one does: 401.

    Parameters
    ----------
    app
        The application within.
    routes
        The application whose routes and declarations hold; `app.state.credentials` knows the callers.
    """

    def __init__(self, app: ASGIApp, routes: FastAPI) -> None:
        self._app = app
        self._routes = routes
        self._route_table: RouteTable | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer with a problem."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            allowed = await self._authorize(scope)
        except WanggeError as error:
            refusal = problem_response(
                status_of(error), str(error), request_id=scope.get("wangge.request_id")
            )
            await refusal(scope, receive, send)
            return
        if allowed is not None:
            other = problem_response(
                405,
                f"This address answers {', '.join(sorted(allowed))}.",
                request_id=scope.get("wangge.request_id"),
                headers={"Allow": ", ".join(sorted(allowed))},
            )
            await other(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _authorize(self, scope: Scope) -> frozenset[str] | None:
        """Refuse by an error; return the methods of the path if the request has none of them."""
        if self._route_table is None:
            self._route_table = RouteTable(route_requirements(self._routes))
        method, path = scope["method"], route_path(scope)
        rule = self._route_table.find(method, path)
        if rule is not None and rule.right is None:
            return None
        principal = await authenticate(scope, self._routes.state.credentials)
        set_principal(scope, principal)
        if rule is None:
            methods = self._route_table.allowed_methods(path)
            if methods:
                return methods
            raise NotFoundError("There is nothing at this address.")
        _require_access(principal, rule)
        return None


def _require_access(principal: Principal, rule: AccessRule) -> None:
    assert rule.right is not None
    principal.require_right(rule.right)
    if rule.area_policy is AreaPolicy.unrestricted and not principal.is_unrestricted:
        raise ForbiddenError(
            f"This concerns the whole ground, and the caller is bound to area '{principal.area_code}'."
        )


async def authenticate(scope: Scope, credentials: CredentialCache) -> Principal:
    """Return who sends a request; a stream asks again while it lasts.

    Raises
    ------
    UnauthorizedError
        If it has no token and no browser session, or they hold no more.
    ForbiddenError
        If a browser may have been made to send it by another site.
    """
    authorization = cookies = csrf = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"cookie":
            cookies = value
        elif name == CSRF_HEADER:
            csrf = value
    if authorization is not None:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        found = await credentials.authenticate_token(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise UnauthorizedError("The token is unknown, expired or revoked.")
        return found
    session_id = session_id_from_cookie(scope, cookies) if cookies is not None else None
    found = await credentials.authenticate_session(session_id) if session_id is not None else None
    if found is None or session_id is None:
        raise UnauthorizedError("Sign in, or give a token as Authorization: Bearer wg_...")
    if scope["method"] in _SAFE_METHODS:
        # A cookie that is sent along would let another site fill the audit with what nobody has seen.
        if _asks_to_reveal(scope):
            require_own_site(scope)
    elif is_from_foreign_site(scope) or csrf is None or not is_csrf_token(csrf.decode("latin-1"), session_id):
        raise ForbiddenError(
            "The X-CSRF-Token of this browser session is missing or wrong; GET /v1/session tells it."
        )
    return found


def _asks_to_reveal(scope: Scope) -> bool:
    query = scope.get("query_string", b"")
    return b"=" in query and any(name == "reveal" for name, _ in parse_qsl(query.decode("latin-1")))


def session_id_from_cookie(scope: Scope, cookies: bytes | None = None) -> str | None:
    """Return the id of the browser session that a request's cookie names, unverified."""
    if cookies is None:
        cookies = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    return cookie_parser(cookies.decode("latin-1")).get(cookie_name(scope))


def cookie_name(scope: Scope) -> str:
    """Return the name of the session's cookie; under https one that no other host or path can set."""
    return SECURE_COOKIE_NAME if scope["scheme"] == "https" else COOKIE_NAME
