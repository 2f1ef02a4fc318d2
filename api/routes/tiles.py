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

from api.http.conditional import is_not_modified
from api.security.caller import get_principal
from api.security.principal import Principal, Right
from api.security.requirements import AreaPolicy, requires
from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.gaps.run_visibility import find_visible_run, newest_visible_run
from layers.plans.schemes import find_scheme
from layers.snapshot import Snapshot, SnapshotHolder
from layers.tiles import Tile
from layers.tilesets import (
    MAXZOOM,
    STYLES,
    EncodedTile,
    TileCache,
    TileSet,
    TileSetKey,
    TileSetStore,
    VisibleAreas,
    build_style,
)

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

THREADS = 2
"""Tiles encoded at once in one process; others wait for their turn."""

_limiter = anyio.CapacityLimiter(THREADS)

# The browser keeps tiles and asks each time whether they hold: a publish is seen at once.
_CACHE_CONTROL = "private, no-cache"
_PRIVATE_HEADERS = {"Cache-Control": _CACHE_CONTROL, "Vary": "Authorization, Cookie, Accept-Encoding"}


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer of tiles: how its routes keep to the caller's area, and which parameters they know."""

    name: str
    area_policy: AreaPolicy
    parameters: tuple[str, ...] = ()
    needs_scheme: bool = False
    """It is drawn for one scheme, which must be named."""


_LAYERS = (
    _Layer("areas", AreaPolicy.filtered, ("at",)),
    _Layer("base", AreaPolicy.none),
    _Layer("cells", AreaPolicy.filtered, ("scheme", "at"), needs_scheme=True),
    _Layer("entities", AreaPolicy.filtered, ("kind", "scheme")),
    _Layer("gaps", AreaPolicy.filtered, ("scheme", "run"), needs_scheme=True),
)


@requires(Right.read, AreaPolicy.none)
async def read_style(request: Request) -> Response:
    """Answer a style of the base map and the areas."""
    name = request.path_params["style"]
    if name not in STYLES:
        raise NotFoundError(f"There is no style '{name[:40]}'; there is {', '.join(STYLES)}.")
    return Response(
        orjson.dumps(build_style(name, str(request.base_url))),
        headers=_PRIVATE_HEADERS,
        media_type="application/json",
    )


router = APIRouter()


def _add_routes(layer: _Layer) -> None:
    @requires(Right.read, layer.area_policy)
    async def tile(request: Request) -> Response:
        return await _tile_response(request, await _parse_key(request, layer))

    @requires(Right.read, layer.area_policy)
    async def tilejson(request: Request) -> Response:
        return await _tilejson_response(request, await _parse_key(request, layer))

    path = f"/tiles/{layer.name}"
    router.add_route(f"{path}/{{z}}/{{x}}/{{y}}.mvt", tile, methods=["GET"], name=f"tile_{layer.name}")
    router.add_route(f"{path}.json", tilejson, methods=["GET"], name=f"tilejson_{layer.name}")


for _each in _LAYERS:
    _add_routes(_each)
router.add_route("/styles/{style}.json", read_style, methods=["GET"], name="style")


async def _tile_response(request: Request, key: TileSetKey) -> Response:
    tile = _parse_tile(request)
    tiles, snapshot = await _tile_set(request, key, tile.z)
    cache: TileCache = request.app.state.tile_cache
    scope = _visible_areas(get_principal(request.scope), key, snapshot)
    known = tiles.cached_etag(tile, scope)
    if known is not None and known[0] is not None and (found := cache.get(known[0])) is not None:
        return _send_tile(request, found)
    if known is None or known[0] is not None:
        made = await anyio.to_thread.run_sync(cache.get_or_encode, tiles, tile, scope, limiter=_limiter)
        if made is not None:
            return _send_tile(request, made)
    return Response(status_code=204, headers=_PRIVATE_HEADERS)


def _send_tile(request: Request, tile: EncodedTile) -> Response:
    # A tile is the same to its reader whether it came compressed or not.
    headers = {**_PRIVATE_HEADERS, "ETag": f'W/"{tile.etag}"'}
    if is_not_modified(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if not tile.body:
        return Response(status_code=204, headers=_PRIVATE_HEADERS)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(tile.body, headers={**headers, "Content-Encoding": "gzip"}, media_type=MEDIA_TYPE)
    return Response(gzip.decompress(tile.body), headers=headers, media_type=MEDIA_TYPE)


async def _tilejson_response(request: Request, key: TileSetKey) -> Response:
    tiles, snapshot = await _tile_set(request, key)
    scope = _visible_areas(get_principal(request.scope), key, snapshot)
    bounds = tiles.bounds(scope)
    query = f"?{request.url.query}" if request.url.query else ""
    content = {
        "tilejson": "3.0.0",
        "name": key.name,
        "tiles": [f"{request.base_url}tiles/{key.name}/{{z}}/{{x}}/{{y}}.mvt{query}"],
        "minzoom": 0,
        "maxzoom": MAXZOOM,
        "bounds": bounds or (-180.0, -85.05, 180.0, 85.05),
        "vector_layers": tiles.vector_layers(),
        "empty": bounds is None,
        "revision": request.app.state.tile_sets.revision(key, snapshot),
    }
    if key.name == "gaps":
        # Null means that nobody has looked for gaps, and not that there are none.
        content["run"] = key.run
    return Response(orjson.dumps(content), headers=_PRIVATE_HEADERS, media_type="application/json")


async def _tile_set(request: Request, key: TileSetKey, zoom: int | None = None) -> tuple[TileSet, Snapshot]:
    holder: SnapshotHolder = request.app.state.snapshots
    tile_sets: TileSetStore = request.app.state.tile_sets
    snapshot = holder.current
    if key.name == "gaps" and key.run is None:
        return TileSet("gaps", ()), snapshot
    if key.name == "areas" and key.day is not None:
        # One set for all days on which the areas are the same.
        timeline = snapshot.area_timeline
        first = timeline.first_day(key.day)
        key = TileSetKey("areas", day=None if first == timeline.first_day(snapshot.day) else first)
    found = tile_sets.get(key, snapshot, zoom)
    if found is None:
        found = await anyio.to_thread.run_sync(tile_sets.get_or_build, key, snapshot, limiter=_limiter)
    return found, snapshot


def _visible_areas(principal: Principal, key: TileSetKey, snapshot: Snapshot) -> VisibleAreas:
    """Return the codes of the areas whose features the caller may see; the outlines above its own too."""
    if principal.covered is None or key.name != "areas":
        return principal.covered
    areas = snapshot.areas_on(key.day)
    return principal.covered | {each.code for each in areas.chain(principal.area_code)}


def _parse_tile(request: Request) -> Tile:
    parts = [request.path_params[name] for name in "zxy"]
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        raise NotFoundError("There is no such tile; its address is zoom/column/row.")
    z, x, y = map(int, parts)
    if z > MAXZOOM or x >> z or y >> z:
        raise NotFoundError(f"There is no such tile; zooms are 0 to {MAXZOOM}.")
    return Tile(z, x, y)


async def _parse_key(request: Request, layer: _Layer) -> TileSetKey:
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
    if layer.needs_scheme and not scheme:
        raise InputError("The parameter scheme is missing; give the code of a scheme.")
    day = None if "at" not in query else _parse_date(query["at"])
    run = None
    if layer.name == "gaps" and scheme:
        find = partial(
            _find_run, request.app.state.database, get_principal(request.scope), scheme, query.get("run")
        )
        run = await anyio.to_thread.run_sync(find, limiter=_limiter)
    return TileSetKey(layer.name, scheme, day, query.get("kind"), run)


def _find_run(database: Database, caller: Principal, scheme: str, run: str | None) -> int | None:
    """Find the run that is meant; a run of ground elsewhere is not there for the caller."""
    if run is not None and not (run.isascii() and run.isdigit() and 0 < len(run) < 16):
        raise InputError(f"run='{run[:40]}' is no number of a run of gaps.")
    with database.read() as session:
        if run is None:
            newest = newest_visible_run(
                session, caller.area_code, find_scheme(session, scheme).id, until=date.today()
            )
            return None if newest is None else newest.id
        found, of = find_visible_run(session, caller.area_code, int(run))
        if of != scheme:
            raise NotFoundError(f"There is no run of gaps number {run} of scheme '{scheme}'.")
        return found.id


def _parse_date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"at='{text[:40]}' is no date; give it as 2024-03-01.") from None
