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
    MEDIA_TYPES,
    Question,
    find_owners,
    owner_answer,
    parameters,
    read_points,
    single,
    to_wgs84,
    write_answer,
)
from api.locate.ownership import Covers
from api.security.caller import principal_in
from api.security.principal import Right
from api.security.requirements import Ground, access
from gis.datum import Datum, convert
from gis.errors import InputError
from layers.snapshot import CellsInForce, Snapshot, SnapshotHolder

LARGE_BODY = 100_000
"""Bytes of a body, some thousand points, from which on the work is done in a thread."""

THREADS = 2
"""Bulk requests worked on at once in one process; others wait for their turn."""

_PLACE = frozenset({"lon", "lat"})

_limiter = anyio.CapacityLimiter(THREADS)


class SingleLocate:
    """`GET /v1/locate?lon=&lat=[&scheme=][&at=DATE][&datum=]`, as a plain ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for one location."""
        del receive
        query = parameters(scope["query_string"])
        question = Question.parse(query, also=_PLACE)
        lon, lat = _degrees(single(query, "lon"), "lon", 180.0), _degrees(single(query, "lat"), "lat", 90.0)
        if question.datum is not Datum.WGS84:
            lon, lat = map(float, convert(lon, lat, question.datum, Datum.WGS84))
        holder: SnapshotHolder = scope["app"].state.snapshots
        snapshot = holder.current
        covers = _covers(scope)
        chosen = await _cells(holder, snapshot, question)
        body = orjson.dumps(
            {
                "lon": lon,
                "lat": lat,
                "at": question.day or snapshot.day,
                "revision": snapshot.revision,
                "owners": [
                    owner_answer(scheme, cells, snapshot.areas, lon, lat, covers) for scheme, cells in chosen
                ],
            }
        )
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


locate = access(Right.read, Ground.filtered)(SingleLocate())


@access(Right.bulk, Ground.filtered)
async def locate_many(request: Request) -> Response:
    """Answer for many locations in the form in which they come: columns, records, GeoJSON or CSV."""
    question = Question.parse(parameters(request.scope["query_string"]))
    covers = _covers(request.scope)
    holder: SnapshotHolder = request.app.state.snapshots
    body = await request.body()
    content_type = request.headers.get("content-type", "application/json")
    snapshot = holder.current
    chosen = await _cells(holder, snapshot, question)

    def work() -> Response:
        points = read_points(body, content_type)
        lon, lat = to_wgs84(points.lon, points.lat, question.datum)
        content = write_answer(
            points,
            [find_owners(scheme, cells, lon, lat, covers) for scheme, cells in chosen],
            snapshot.areas,
            day=question.day or snapshot.day,
            revision=snapshot.revision,
            bare=len(question.schemes) == 1,
        )
        return Response(content, media_type=MEDIA_TYPES[points.form])

    if len(body) < LARGE_BODY:
        return work()
    return await anyio.to_thread.run_sync(work, limiter=_limiter)


router = APIRouter()
router.add_route("/v1/locate", locate, methods=["GET"], name="locate")  # type: ignore[arg-type]
router.add_route("/v1/locate", locate_many, methods=["POST"], name="locate_many")


def _covers(scope: Scope) -> Covers | None:
    principal = principal_in(scope)
    return None if principal.everywhere else principal.covers


async def _cells(
    holder: SnapshotHolder, snapshot: Snapshot, question: Question
) -> Sequence[tuple[str, CellsInForce]]:
    """Take the cells of each scheme; a former state that is not in memory is read in a thread."""
    chosen = []
    for scheme in question.chosen(snapshot):
        cells = holder.held(snapshot, scheme, question.day)
        if cells is None:
            cells = await anyio.to_thread.run_sync(
                holder.cells, snapshot, scheme, question.day, limiter=_limiter
            )
        chosen.append((scheme, cells))
    return chosen


def _degrees(text: str | None, name: str, most: float) -> float:
    if text is None:
        raise InputError(f"The parameter {name} is missing; ask with lon and lat in degrees.")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    # Also false where it is no number.
    if not abs(value) <= most:
        raise InputError(f"{name}='{text[:40]}' is no number of degrees from {-most:g} to {most:g}.")
    return value
