"""`/tiles` and `/styles`: the map as vector tiles, and what describes them.

Plain asynchronous routes, because a map asks for dozens at once; what takes long is done in a thread. What
the tiles hold is `layers.tilesets`', how the routes are described `api.tile_description`'s.
"""

import gzip
from collections.abc import Iterable
from datetime import date, datetime

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api.gap_runs import newest_run, permitted_run
from api.security.access import Ground, access
from api.security.caller import principal_in
from api.security.principal import Principal, Right
from gis.errors import InputError, NotFoundError
from layers.snapshot import Snapshot, SnapshotHolder
from layers.storage.database import Database
from layers.storage.schemes import find_scheme
from layers.tiles import Address
from layers.tilesets import MAXZOOM, STYLES, Scope, Shelf, Tile, TileCache, TileSet, Wanted, style

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

THREADS = 2
"""Tiles encoded at once in one process; others wait for their turn."""

_limiter = anyio.CapacityLimiter(THREADS)

# The browser keeps tiles and asks each time whether they hold: a publish is seen at once.
_CACHING = "private, no-cache"
_HIDDEN = {"Cache-Control": _CACHING, "Vary": "Authorization, Cookie, Accept-Encoding"}


@access(Right.read, Ground.filtered)
async def areas(request: Request) -> Response:
    """Answer a tile of the administrative areas."""
    _known(request.query_params, ())
    return await _tile(request, Wanted("areas"))


@access(Right.read, Ground.none)
async def base(request: Request) -> Response:
    """Answer a tile of the base map."""
    _known(request.query_params, ())
    return await _tile(request, Wanted("base"))


@access(Right.read, Ground.filtered)
async def cells(request: Request) -> Response:
    """Answer a tile of the cells of a scheme: `?scheme=[&at=DATE]`."""
    return await _tile(request, _cells(request.query_params))


@access(Right.read, Ground.filtered)
async def entities(request: Request) -> Response:
    """Answer a tile of entities: `[?kind=][&scheme=]`."""
    return await _tile(request, _entities(request.query_params))


@access(Right.read, Ground.filtered)
async def gaps(request: Request) -> Response:
    """Answer a tile of a run of gaps: `?scheme=[&run=]`."""
    return await _tile(request, await _gaps(request))


@access(Right.read, Ground.filtered)
async def describe_areas(request: Request) -> Response:
    """Answer the TileJSON of the administrative areas."""
    _known(request.query_params, ())
    return await _tilejson(request, Wanted("areas"))


@access(Right.read, Ground.none)
async def describe_base(request: Request) -> Response:
    """Answer the TileJSON of the base map."""
    _known(request.query_params, ())
    return await _tilejson(request, Wanted("base"))


@access(Right.read, Ground.filtered)
async def describe_cells(request: Request) -> Response:
    """Answer the TileJSON of the cells of a scheme."""
    return await _tilejson(request, _cells(request.query_params))


@access(Right.read, Ground.filtered)
async def describe_entities(request: Request) -> Response:
    """Answer the TileJSON of entities."""
    return await _tilejson(request, _entities(request.query_params))


@access(Right.read, Ground.filtered)
async def describe_gaps(request: Request) -> Response:
    """Answer the TileJSON of a run of gaps."""
    return await _tilejson(request, await _gaps(request))


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
for _endpoint in (areas, base, cells, entities, gaps):
    _layer = _endpoint.__name__
    router.add_route(
        f"/tiles/{_layer}/{{z}}/{{x}}/{{y}}.mvt", _endpoint, methods=["GET"], name=f"tile_{_layer}"
    )
for _endpoint in (describe_areas, describe_base, describe_cells, describe_entities, describe_gaps):
    _layer = _endpoint.__name__.removeprefix("describe_")
    router.add_route(f"/tiles/{_layer}.json", _endpoint, methods=["GET"], name=f"tilejson_{_layer}")
router.add_route("/styles/{style}.json", read_style, methods=["GET"], name="style")


async def _tile(request: Request, wanted: Wanted) -> Response:
    address = _address(request)
    tiles, snapshot = await _tile_set(request, wanted)
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


async def _tile_set(request: Request, wanted: Wanted) -> tuple[TileSet, Snapshot]:
    holder: SnapshotHolder = request.app.state.snapshots
    shelf: Shelf = request.app.state.shelf
    snapshot = holder.current
    if wanted.layer == "gaps" and wanted.run is None:
        return TileSet("gaps", ()), snapshot
    found = shelf.held(wanted, snapshot)
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


def _cells(query: QueryParams) -> Wanted:
    _known(query, ("scheme", "at"))
    day = _single(query, "at")
    return Wanted("cells", _scheme(query), None if day is None else _date(day))


def _entities(query: QueryParams) -> Wanted:
    _known(query, ("kind", "scheme"))
    return Wanted("entities", _single(query, "scheme"), kind=_single(query, "kind"))


async def _gaps(request: Request) -> Wanted:
    """Find the run that is meant; a run of ground elsewhere is not there for the caller."""
    query = request.query_params
    _known(query, ("scheme", "run"))
    scheme, run = _scheme(query), _single(query, "run")
    if run is not None and not (run.isascii() and run.isdigit() and 0 < len(run) < 16):
        raise InputError(f"run='{run[:40]}' is no number of a run of gaps.")
    database: Database = request.app.state.database
    caller = principal_in(request.scope)

    def find() -> int | None:
        with database.read() as session:
            if run is None:
                newest = newest_run(session, caller, find_scheme(session, scheme).id)
                return None if newest is None else newest.id
            found, of = permitted_run(session, caller, int(run))
            if of != scheme:
                raise NotFoundError(f"There is no run of gaps number {run} of scheme '{scheme}'.")
            return found.id

    return Wanted("gaps", scheme, run=await anyio.to_thread.run_sync(find, limiter=_limiter))


def _scheme(query: QueryParams) -> str:
    code = _single(query, "scheme")
    if not code:
        raise InputError("The parameter scheme is missing; give the code of a scheme.")
    return code


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"at='{text[:40]}' is no date; give it as 2024-03-01.") from None


def _single(query: QueryParams, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise InputError(f"The parameter {name} is given {len(values)} times; give it once.")
    return values[0] if values else None


def _known(query: QueryParams, names: Iterable[str]) -> None:
    listed = [*names]
    unknown = set(query) - set(listed)
    if unknown:
        known = f"there are {', '.join(listed)}" if listed else "there are none"
        raise InputError(f"There is no parameter '{min(unknown)[:40]}'; {known}.")
