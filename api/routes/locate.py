"""`/v1/locate`: which cell owns a location, or each of many, today or on a day.

Plain asynchronous routes without validation models, because they are asked thousands of times a second; what
takes long is done in a thread.
"""

from collections.abc import Sequence

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.locate import (
    ENCODING_HEADER,
    MEDIA_TYPES,
    LocateQuery,
    find_owners,
    officers_above,
    parse_query_string,
    read_officers,
    read_points,
    serialize_owner,
    single_value,
    to_wgs84,
    write_response,
)
from api.locate.ownership import AreaPredicate
from api.security.caller import get_principal
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.datum import Datum, convert_coordinates
from gis.degrees import Axis, parse_degrees
from gis.errors import InputError
from layers.db.database import Database
from layers.snapshot import CellsInForce, Snapshot, SnapshotHolder

LARGE_BODY_BYTES = 100_000
"""Bytes of a body, some thousand points, from which on the work is done in a thread."""

THREADS = 2
"""Bulk requests worked on at once in one process; others wait for their turn."""

_POINT_PARAMS = frozenset({"lon", "lat"})

_limiter = anyio.CapacityLimiter(THREADS)


class LocateEndpoint:
    """`GET /v1/locate?lon=&lat=[&scheme=][&at=DATE][&datum=][&officers=true]`, as a plain ASGI one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for one location."""
        del receive
        params = parse_query_string(scope["query_string"])
        locate_query = LocateQuery.parse(params, extra=_POINT_PARAMS)
        lon, lat = (
            _read_degrees(single_value(params, "lon"), "lon", 180.0),
            _read_degrees(single_value(params, "lat"), "lat", 90.0),
        )
        if locate_query.datum is not Datum.WGS84:
            lon, lat = map(float, convert_coordinates(lon, lat, locate_query.datum, Datum.WGS84))
        holder: SnapshotHolder = scope["app"].state.snapshots
        snapshot = holder.current
        covers = _area_predicate(scope)
        scheme_cells = await _load_cells(holder, snapshot, locate_query)
        areas = snapshot.areas_on(locate_query.day)
        owners = [serialize_owner(scheme, cells, areas, lon, lat, covers) for scheme, cells in scheme_cells]
        day = locate_query.day or snapshot.day
        if locate_query.officers:
            codes = {
                each["scheme"]: {} if (cell := each["cell"]) is None else {cell["code"]: cell["area_code"]}
                for each in owners
            }
            database: Database = scope["app"].state.database
            officers = await anyio.to_thread.run_sync(
                read_officers, database, snapshot, codes, day, limiter=_limiter
            )
            for each in owners:
                cell = each["cell"]
                above = () if cell is None else areas.chain(cell["area_code"])
                each["officers"] = (
                    [] if cell is None else officers_above(officers[each["scheme"]], cell["code"], above)
                )
        body = orjson.dumps(
            {"lon": lon, "lat": lat, "at": day, "revision": snapshot.revision, "owners": owners}
        )
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


locate = requires(Right.read, AreaPolicy.filtered)(LocateEndpoint())


@requires(Right.bulk, AreaPolicy.filtered)
async def locate_many(request: Request) -> Response:
    """Answer for many locations in the form in which they come: columns, records, GeoJSON or CSV."""
    locate_query = LocateQuery.parse(parse_query_string(request.scope["query_string"]))
    covers = _area_predicate(request.scope)
    holder: SnapshotHolder = request.app.state.snapshots
    body = await request.body()
    content_type = request.headers.get("content-type", "application/json")
    snapshot = holder.current
    scheme_cells = await _load_cells(holder, snapshot, locate_query)

    def build_response() -> Response:
        points = read_points(body, content_type)
        lon, lat = to_wgs84(points.lon, points.lat, locate_query.datum)
        found = [find_owners(scheme, cells, lon, lat, covers) for scheme, cells in scheme_cells]
        day = locate_query.day or snapshot.day
        officers = None
        if locate_query.officers:
            codes = {each.scheme: each.areas_of_cells() for each in found}
            officers = read_officers(request.app.state.database, snapshot, codes, day)
        content = write_response(
            points,
            found,
            snapshot.areas_on(locate_query.day),
            day=day,
            revision=snapshot.revision,
            unprefixed=len(locate_query.schemes) == 1,
            officers=officers,
        )
        headers = (
            {ENCODING_HEADER: f"{points.assumed_encoding}, assumed"} if points.assumed_encoding else None
        )
        return Response(content, headers=headers, media_type=MEDIA_TYPES[points.format])

    if len(body) < LARGE_BODY_BYTES and not locate_query.officers:
        return build_response()
    return await anyio.to_thread.run_sync(build_response, limiter=_limiter)


router = APIRouter()
router.add_route("/v1/locate", locate, methods=["GET"], name="locate")  # type: ignore[arg-type]
router.add_route("/v1/locate", locate_many, methods=["POST"], name="locate_many")


def _area_predicate(scope: Scope) -> AreaPredicate | None:
    principal = get_principal(scope)
    return None if principal.is_unrestricted else principal.covers


async def _load_cells(
    holder: SnapshotHolder, snapshot: Snapshot, locate_query: LocateQuery
) -> Sequence[tuple[str, CellsInForce]]:
    """Take the cells of each scheme; a former state that is not in memory is read in a thread."""
    scheme_cells = []
    for scheme in locate_query.scheme_codes(snapshot):
        cells = holder.cached_cells(snapshot, scheme, locate_query.day)
        if cells is None:
            cells = await anyio.to_thread.run_sync(
                holder.get_cells, snapshot, scheme, locate_query.day, limiter=_limiter
            )
        scheme_cells.append((scheme, snapshot.area_timeline.place(cells, locate_query.day or snapshot.day)))
    return scheme_cells


def _read_degrees(text: str | None, name: Axis, limit: float) -> float:
    if text is None:
        raise InputError(f"The parameter {name} is missing; ask with lon and lat in degrees.")
    value = parse_degrees(text, name)
    # Also false where it is no number.
    if not abs(value) <= limit:
        raise InputError(f"{name}='{text[:40]}' is no number of degrees from {-limit:g} to {limit:g}.")
    return value
