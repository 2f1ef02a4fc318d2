"""`/`: the monitor's page and its files, which the service brings itself.

The files are open to everybody, for they tell nothing; all they show they ask the interface for, as whoever
has signed in.
"""

import gzip
import hashlib
import html
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api.http.dependencies import Settings
from api.problems import answers
from api.security.principal import Right
from api.security.requirements import Ground, access, public
from api.settings import ServiceSettings
from api.web import WEB
from gis.errors import NotFoundError

router = APIRouter()

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_TITLE = b"{{title}}"
_VERSION = re.compile("[0-9a-f]{12}")
_FOREVER = "public, max-age=31536000, immutable"
DEFAULT_TITLE = "网格 Wangge"


class BaseTiles(BaseModel):
    """Tiles of another server on the same network, drawn beneath everything."""

    url: str = Field(examples=["https://tiles.intranet.example/{z}/{x}/{y}.png"])
    attribution: str = Field(examples=["© City survey"])
    max_zoom: int = Field(examples=[18])


class PageSettings(BaseModel):
    """What the page of this service is set up with."""

    title: str = Field(examples=["南山区网格化监测"])
    base_tiles: BaseTiles | None = Field(description="None where the base map is the service's own.")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page as it is sent."""

    content: bytes
    packed: bytes
    etag: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of the page by their paths, and a version that differs whenever one of them does."""

    version: str
    files: dict[str, _File]


def content_policy(settings: ServiceSettings) -> str:
    """Return what the page may load: what this service serves, and the tiles of a server that is set."""
    sources = "'self'"
    if settings.base_tiles:
        parts = urlsplit(settings.base_tiles)
        sources = f"'self' {parts.scheme}://{parts.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; manifest-src 'self'; "
        f"img-src {sources} data: blob:; connect-src {sources}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@public
async def page(request: Request) -> Response:
    """Show the page."""
    settings: ServiceSettings = request.app.state.settings
    return _send(request, _document(settings.title), "no-cache")


@public
async def asset(request: Request) -> Response:
    """Return a file of the page, to be kept for ever where the address names the version it is of."""
    path = request.path_params["path"]
    version, _, rest = path.partition("/")
    # While a service is renewed, a document of one process may ask another for its files.
    found = assets().files.get(rest if _VERSION.fullmatch(version) else path)
    if found is None:
        raise NotFoundError("There is nothing at this address.")
    return _send(request, found, _FOREVER if version == assets().version else "no-cache")


# Plain routes, because a page asks for dozens of files at once.
router.add_route("/", page, methods=["GET"], include_in_schema=False)
router.add_route("/web/{path:path}", asset, methods=["GET"], include_in_schema=False)


@router.get(
    "/v1/page",
    tags=["page"],
    summary="How the page is set up",
    response_model=PageSettings,
    responses=answers(),
)
@access(Right.enter, Ground.none)
async def setup(settings: Settings) -> PageSettings:
    """Tell the name of the page, and the tiles of another server beneath the map, if any are set."""
    tiles = None
    if settings.base_tiles:
        tiles = BaseTiles(
            url=settings.base_tiles,
            attribution=settings.base_tiles_attribution,
            max_zoom=settings.base_tiles_max_zoom,
        )
    return PageSettings(title=settings.title or DEFAULT_TITLE, base_tiles=tiles)


def _send(request: Request, file: _File, caching: str) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
        # A worker obeys the policy of its own file, so that every file brings the page's.
        "Content-Security-Policy": content_policy(request.app.state.settings),
    }
    unless = request.headers.get("if-none-match", "")
    if file.etag in [each.strip().removeprefix("W/") for each in unless.split(",")]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)


@cache
def assets() -> Assets:
    """Return the files of the page; the document itself is not among them."""
    found = sorted(path for path in WEB.rglob("*") if path.suffix in _TYPES and path.suffix != ".html")
    files = {
        path.relative_to(WEB).as_posix(): _pack(path.read_bytes(), _TYPES[path.suffix]) for path in found
    }
    told = "".join(f"{path} {file.etag}\n" for path, file in files.items())
    return Assets(hashlib.sha256(told.encode()).hexdigest()[:12], files)


@cache
def _document(title: str) -> _File:
    """Return the document, which names its files under their version."""
    written = html.escape(title or DEFAULT_TITLE).encode()
    content = (WEB / "index.html").read_bytes().replace(_TITLE, written)
    return _pack(content.replace(b'"web/', b'"web/%b/' % assets().version.encode()), _TYPES[".html"])


def _pack(content: bytes, media_type: str) -> _File:
    etag = '"' + hashlib.sha256(content).hexdigest()[:24] + '"'
    return _File(content, gzip.compress(content, 6, mtime=0), etag, media_type)
