"""`/docs`: the documentation of the interface, from files that the service brings itself.

The page and its files are open to everybody, for they tell nothing: what they show is `/openapi.json`, and
whoever may not read that is led to signing in.
"""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from starlette.responses import FileResponse, Response

from api.http.responses import json_response
from api.problems import problem_responses
from api.security.principal import Right
from api.security.requirements import AreaPolicy, public, requires
from api.web import WEB
from gis.errors import NotFoundError

router = APIRouter(include_in_schema=False)

_FOLDER = WEB / "vendor" / "swagger-ui"
_FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}

_PAGE_HTML = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wangge API</title>
<link rel="icon" href="web/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/start.js" type="module"></script>
</head>
<body><div id="page"></div></body>
</html>
"""

_START_SCRIPT = b"""if ((await fetch("v1/session")).status === 401) location.replace("./#next=docs");
else SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: async (request) => {
    const safe = ["GET", "HEAD"].includes((request.method || "GET").toUpperCase());
    if (!safe && !request.headers.Authorization) {
      const session = await fetch("v1/session");
      if (session.ok) request.headers["X-CSRF-Token"] = (await session.json()).csrf_token;
    }
    return request;
  },
});
"""


@router.get("/openapi.json", responses=problem_responses())
@requires(Right.enter, AreaPolicy.none)
def read_openapi(request: Request) -> Response:
    """Describe the interface by OpenAPI."""
    return json_response(request.app.openapi())


@router.get("/docs", responses=problem_responses())
@public
def show_docs() -> Response:
    """Show the documentation."""
    return Response(_PAGE_HTML, media_type="text/html")


@router.get("/docs/{name}", responses=problem_responses(404))
@public
def read_asset(name: Annotated[str, PathParameter(max_length=100)]) -> Response:
    """Return a file of the documentation."""
    if name == "start.js":
        return Response(_START_SCRIPT, media_type="text/javascript")
    if name not in _FILES:
        raise NotFoundError("There is nothing at this address.")
    return FileResponse(_FOLDER / name, media_type=_FILES[name])
