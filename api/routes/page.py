"""`/`: the monitor's page and its files, which the service brings itself.

It owns how they are sent and what the page may load; what is on them is `api.web`'s. The files are open to
everybody, for they tell nothing; all they show they ask the interface for, as whoever has signed in.
"""

import gzip
import hashlib
import html
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.exchange import IfNoneMatch, Settings
from api.problems import answers
from api.security.access import Ground, access, public
from api.security.principal import Right
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


@router.get("/", include_in_schema=False)
@public
def page(request: Request, settings: Settings, if_none_match: IfNoneMatch = None) -> Response:
    """Show the page."""
    return _send(request, _document(settings.title), settings, if_none_match)


@router.get("/web/{path:path}", include_in_schema=False, responses=answers(404))
@public
def asset(
    request: Request,
    settings: Settings,
    path: Annotated[str, PathParameter(max_length=200)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a file of the page."""
    found = _assets().get(path)
    if found is None:
        raise NotFoundError("There is nothing at this address.")
    return _send(request, _file(found), settings, if_none_match)


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


def _send(request: Request, file: _File, settings: ServiceSettings, unless: str | None) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        # A worker obeys the policy of its own file, so that every file brings the page's.
        "Content-Security-Policy": content_policy(settings),
    }
    if unless is not None and file.etag in [each.strip().removeprefix("W/") for each in unless.split(",")]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)


@cache
def _assets() -> dict[str, Path]:
    """Return the files that are served, by their paths; the document itself is not among them."""
    found = (path for path in WEB.rglob("*") if path.suffix in _TYPES and path.suffix != ".html")
    return {path.relative_to(WEB).as_posix(): path for path in found}


@cache
def _file(path: Path) -> _File:
    return _pack(path.read_bytes(), _TYPES[path.suffix])


@cache
def _document(title: str) -> _File:
    written = html.escape(title or DEFAULT_TITLE).encode()
    return _pack((WEB / "index.html").read_bytes().replace(_TITLE, written), _TYPES[".html"])


def _pack(content: bytes, media_type: str) -> _File:
    etag = '"' + hashlib.sha256(content).hexdigest()[:24] + '"'
    return _File(content, gzip.compress(content, 6, mtime=0), etag, media_type)
