"""`/tiles` and `/styles`: the map as vector tiles, and what describes them.

Plain asynchronous routes, because a map asks for dozens at once; what takes long is done in a thread.
"""

import gzip
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.gap_runs import newest_run, permitted_run
from api.security.caller import principal_in
from api.security.principal import Principal, Right
from api.security.requirements import Ground, access
from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.plans.schemes import find_scheme
from layers.snapshot import Snapshot, SnapshotHolder
from layers.tiles import Address
from layers.tilesets import MAXZOOM, STYLES, Scope, Shelf, Tile, TileCache, TileSet, Wanted, style

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

THREADS = 2
"""Tiles encoded at once in one process; others wait for their turn."""

_limiter = anyio.CapacityLimiter(THREADS)

# The browser keeps tiles and asks each time whether they hold: a publish is seen at once.
_CACHING = "private, no-cache"
_HIDDEN = {"Cache-Control": _CACHING, "Vary": "Authorization, Cookie, Accept-Encoding"}


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer of tiles: how its routes keep to the caller's area, and which parameters they know."""

    name: str
    ground: Ground
    parameters: tuple[str, ...] = ()
    of_scheme: bool = False
    """It is drawn for one scheme, which must be named."""


_LAYERS = (
    _Layer("areas", Ground.filtered),
    _Layer("base", Ground.none),
    _Layer("cells", Ground.filtered, ("scheme", "at"), of_scheme=True),
    _Layer("entities", Ground.filtered, ("kind", "scheme")),
    _Layer("gaps", Ground.filtered, ("scheme", "run"), of_scheme=True),
)


@access(Right.read, Ground.none)
async def read_style(request: Request) -> Response:
    """Answer a style of the base map and the areas."""
    name = request.path_params["style"]
    if name not in STYLES:
        raise NotFoundError(f"There is no style '{name[:40]}'; there is {', '.join(STYLES)}.")
    return Response(
        orjson.dumps(style(name, str(request.base_url))), headers=_HIDDEN, media_type="application/json"
    )


router = APIRouter()


def _add(layer: _Layer) -> None:
    @access(Right.read, layer.ground)
    async def tile(request: Request) -> Response:
        return await _tile(request, await _wanted(request, layer))

    @access(Right.read, layer.ground)
    async def tilejson(request: Request) -> Response:
        return await _tilejson(request, await _wanted(request, layer))

    path = f"/tiles/{layer.name}"
    router.add_route(f"{path}/{{z}}/{{x}}/{{y}}.mvt", tile, methods=["GET"], name=f"tile_{layer.name}")
    router.add_route(f"{path}.json", tilejson, methods=["GET"], name=f"tilejson_{layer.name}")


for _each in _LAYERS:
    _add(_each)
router.add_route("/styles/{style}.json", read_style, methods=["GET"], name="style")


async def _tile(request: Request, wanted: Wanted) -> Response:
    address = _address(request)
    tiles, snapshot = await _tile_set(request, wanted, address.z)
    cache: TileCache = request.app.state.tiles
    scope = _scope(principal_in(request.scope), wanted.layer, snapshot)
    known = tiles.known_tag(address, scope)
    if known is not None and known[0] is not None and (found := cache.held(known[0])) is not None:
        return _sent(request, found)
    if known is None or known[0] is not None:
        made = await anyio.to_thread.run_sync(cache.tile, tiles, address, scope, limiter=_limiter)
        if made is not None:
            return _sent(request, made)
    return Response(status_code=204, headers=_HIDDEN)


def _sent(request: Request, tile: Tile) -> Response:
    # The same tile, compressed or not, is one to whoever draws it.
    headers = {**_HIDDEN, "ETag": f'W/"{tile.tag}"'}
    unless = request.headers.get("if-none-match")
    if unless is not None and tile.tag in [
        each.strip().removeprefix("W/").strip('"') for each in unless.split(",")
    ]:
        return Response(status_code=304, headers=headers)
    if not tile.body:
        return Response(status_code=204, headers=_HIDDEN)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(tile.body, headers={**headers, "Content-Encoding": "gzip"}, media_type=MEDIA_TYPE)
    return Response(gzip.decompress(tile.body), headers=headers, media_type=MEDIA_TYPE)


async def _tilejson(request: Request, wanted: Wanted) -> Response:
    tiles, snapshot = await _tile_set(request, wanted)
    scope = _scope(principal_in(request.scope), wanted.layer, snapshot)
    bounds = tiles.bounds(scope)
    query = f"?{request.url.query}" if request.url.query else ""
    answer = {
        "tilejson": "3.0.0",
        "name": wanted.layer,
        "tiles": [f"{request.base_url}tiles/{wanted.layer}/{{z}}/{{x}}/{{y}}.mvt{query}"],
        "minzoom": 0,
        "maxzoom": MAXZOOM,
        "bounds": bounds or (-180.0, -85.05, 180.0, 85.05),
        "vector_layers": tiles.layers(),
        "empty": bounds is None,
        "revision": request.app.state.shelf.revision(wanted, snapshot),
    }
    return Response(orjson.dumps(answer), headers=_HIDDEN, media_type="application/json")


async def _tile_set(request: Request, wanted: Wanted, zoom: int | None = None) -> tuple[TileSet, Snapshot]:
    holder: SnapshotHolder = request.app.state.snapshots
    shelf: Shelf = request.app.state.shelf
    snapshot = holder.current
    if wanted.layer == "gaps" and wanted.run is None:
        return TileSet("gaps", ()), snapshot
    found = shelf.held(wanted, snapshot, zoom)
    if found is None:
        found = await anyio.to_thread.run_sync(shelf.take, wanted, snapshot, limiter=_limiter)
    return found, snapshot


def _scope(principal: Principal, layer: str, snapshot: Snapshot) -> Scope:
    """Return the codes of the areas whose features the caller may see; the outlines above its own too."""
    if principal.covered is None or layer != "areas":
        return principal.covered
    return principal.covered | {each.code for each in snapshot.areas.chain(principal.area_code)}


def _address(request: Request) -> Address:
    parts = [request.path_params[name] for name in "zxy"]
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        raise NotFoundError("There is no such tile; its address is zoom/column/row.")
    z, x, y = map(int, parts)
    if z > MAXZOOM or x >> z or y >> z:
        raise NotFoundError(f"There is no such tile; zooms are 0 to {MAXZOOM}.")
    return Address(z, x, y)


async def _wanted(request: Request, layer: _Layer) -> Wanted:
    """Read which set of a layer is meant.

    Raises
    ------
    InputError
        If a parameter is unknown, missing, repeated or none.
    NotFoundError
        If there is no such run of gaps for the caller, or no such scheme.
    """
    query = request.query_params
    names = [name for name, _ in query.multi_items()]
    if unknown := set(names).difference(layer.parameters):
        known = f"there are {', '.join(layer.parameters)}" if layer.parameters else "there are none"
        raise InputError(f"There is no parameter '{min(unknown)[:40]}'; {known}.")
    if len(names) > len(query):
        name = max(query, key=names.count)
        raise InputError(f"The parameter {name} is given {names.count(name)} times; give it once.")
    scheme = query.get("scheme")
    if layer.of_scheme and not scheme:
        raise InputError("The parameter scheme is missing; give the code of a scheme.")
    day = None if "at" not in query else _date(query["at"])
    run = None
    if layer.name == "gaps" and scheme:
        find = partial(
            _run, request.app.state.database, principal_in(request.scope), scheme, query.get("run")
        )
        run = await anyio.to_thread.run_sync(find, limiter=_limiter)
    return Wanted(layer.name, scheme, day, query.get("kind"), run)


def _run(database: Database, caller: Principal, scheme: str, run: str | None) -> int | None:
    """Find the run that is meant; a run of ground elsewhere is not there for the caller."""
    if run is not None and not (run.isascii() and run.isdigit() and 0 < len(run) < 16):
        raise InputError(f"run='{run[:40]}' is no number of a run of gaps.")
    with database.read() as session:
        if run is None:
            newest = newest_run(session, caller, find_scheme(session, scheme).id)
            return None if newest is None else newest.id
        found, of = permitted_run(session, caller, int(run))
        if of != scheme:
            raise NotFoundError(f"There is no run of gaps number {run} of scheme '{scheme}'.")
        return found.id


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"at='{text[:40]}' is no date; give it as 2024-03-01.") from None
