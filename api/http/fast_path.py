"""Routes that are asked thousands of times a second, found by their literal path before the router looks."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.request_scope import route_path
from api.problems import problem_response, status_of
from gis.errors import WanggeError


class FastPathMiddleware:
    """Answers GET of some paths by itself, and leaves all else to the application within.

    The answers of these routes are small: nothing compresses them on the way.

    Parameters
    ----------
    app
        The application within.
    routes
        Endpoints by path, plain ASGI applications that the router has under the same paths.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._routes = dict(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        path = route_path(scope)
        endpoint = self._routes.get(path)
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope["wangge.route"] = path
        try:
            await endpoint(scope, receive, send)
        except WanggeError as error:
            error_response = problem_response(
                status_of(error), str(error), request_id=scope.get("wangge.request_id")
            )
            await error_response(scope, receive, send)
