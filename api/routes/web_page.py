"""`/` and `/plan`: the monitor's page and the planner's, with their files, which the service brings itself.

The files are open to everybody, for they tell nothing; all they show they ask the interface for, as whoever
has signed in.
"""

import base64
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

from api.http.conditional import is_not_modified
from api.http.dependencies import SettingsDep
from api.problems import problem_responses
from api.schemas.measures import MeasureDescription
from api.security.principal import Right
from api.security.requirements import AreaPolicy, public, requires
from api.settings import ServiceSettings
from api.web import WEB
from gis.errors import NotFoundError
from gis.measures import computed_measures

router = APIRouter()

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_TITLE_PLACEHOLDER = b"{{title}}"
_GATE_PLACEHOLDER = b"{{gate}}"
_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
_VERSION_PATTERN = re.compile("[0-9a-f]{12}")
_IMMUTABLE = "public, max-age=31536000, immutable"
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
    measures: list[MeasureDescription] = Field(description="What cells can be coloured by, as it is listed.")


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file of the page as it is sent."""

    content: bytes
    gzipped: bytes
    etag: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of the page by their paths, and a version that differs whenever one of them does."""

    version: str
    files: dict[str, _Asset]


def content_security_policy(settings: ServiceSettings, script_hash: str = "") -> str:
    """Return what a page may load: what this service serves, and the tiles of a server that is set.

    Parameters
    ----------
    settings
        Of the service.
    script_hash
        Source expression of the script within the document that it may run; empty for none.
    """
    sources = "'self'"
    if settings.base_tiles:
        parts = urlsplit(settings.base_tiles)
        sources = f"'self' {parts.scheme}://{parts.netloc}"
    scripts = f"'self' {script_hash}".rstrip()
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; "
        "worker-src 'self'; manifest-src 'self'; "
        f"img-src {sources} data: blob:; connect-src {sources}; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@public
async def show_page(request: Request) -> Response:
    """Show the monitor's page."""
    return _document_response(request, "index.html")


@public
async def show_plan_page(request: Request) -> Response:
    """Show the planner's page."""
    return _document_response(request, "plan.html")


@public
async def read_asset(request: Request) -> Response:
    """Return a file of the page, to be kept for ever where the address names the version it is of."""
    path = request.path_params["path"]
    version, _, rest = path.partition("/")
    # While a service is renewed, a document of one process may ask another for its files.
    found = load_assets().files.get(rest if _VERSION_PATTERN.fullmatch(version) else path)
    if found is None:
        raise NotFoundError("There is nothing at this address.")
    return _asset_response(request, found, _IMMUTABLE if version == load_assets().version else "no-cache")


# Plain routes, because a page asks for dozens of files at once.
router.add_route("/", show_page, methods=["GET"], include_in_schema=False)
router.add_route("/plan", show_plan_page, methods=["GET"], include_in_schema=False)
router.add_route("/web/{path:path}", read_asset, methods=["GET"], include_in_schema=False)


@router.get(
    "/v1/page",
    tags=["page"],
    summary="How the page is set up",
    response_model=PageSettings,
    responses=problem_responses(),
)
@requires(Right.enter, AreaPolicy.none)
async def read_page_settings(settings: SettingsDep) -> PageSettings:
    """Return the name of the page, the tiles of another server beneath the map, and the measures of cells."""
    tiles = None
    if settings.base_tiles:
        tiles = BaseTiles(
            url=settings.base_tiles,
            attribution=settings.base_tiles_attribution,
            max_zoom=settings.base_tiles_max_zoom,
        )
    measures = [MeasureDescription.model_validate(each) for each in computed_measures()]
    return PageSettings(title=settings.title or DEFAULT_TITLE, base_tiles=tiles, measures=measures)


def _document_response(request: Request, name: str) -> Response:
    settings: ServiceSettings = request.app.state.settings
    file = _load_document(name, settings.title)
    return _asset_response(request, file, "no-cache", _import_map_hash(file.content))


def _asset_response(request: Request, file: _Asset, caching: str, script_hash: str = "") -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
        # A worker obeys the policy of its own file, so that every file brings the page's.
        "Content-Security-Policy": content_security_policy(request.app.state.settings, script_hash),
    }
    if is_not_modified(request.headers.get("if-none-match"), file.etag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.gzipped, headers=headers, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)


@cache
def load_assets() -> Assets:
    """Return the files of the page; the document itself is not among them."""
    found = sorted(path for path in WEB.rglob("*") if path.suffix in _MEDIA_TYPES and path.suffix != ".html")
    files = {
        path.relative_to(WEB).as_posix(): _make_asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in found
    }
    listing = "".join(f"{path} {file.etag}\n" for path, file in files.items())
    return Assets(hashlib.sha256(listing.encode()).hexdigest()[:12], files)


@cache
def _load_document(name: str, title: str) -> _Asset:
    """Return a document with the gate that all have, which names its files under their version."""
    written = html.escape(title or DEFAULT_TITLE).encode()
    gate = (WEB / "gate.html").read_bytes()
    content = (WEB / name).read_bytes().replace(_GATE_PLACEHOLDER, gate).replace(_TITLE_PLACEHOLDER, written)
    version = load_assets().version.encode()
    for start in (b'"web/', b'"./web/'):
        content = content.replace(start, start + version + b"/")
    return _make_asset(content, _MEDIA_TYPES[".html"])


def _import_map_hash(document: bytes) -> str:
    """Return the source expression (CSP level 3) of the import map of a document; empty without one."""
    found = _IMPORT_MAP.search(document)
    if found is None:
        return ""
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'"


def _make_asset(content: bytes, media_type: str) -> _Asset:
    etag = '"' + hashlib.sha256(content).hexdigest()[:24] + '"'
    return _Asset(content, gzip.compress(content, 6, mtime=0), etag, media_type)
