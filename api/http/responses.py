"""What requests and answers have in common: JSON, GeoJSON, entity tags, and conditions on writes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
import shapely
from fastapi import Query, Request
from shapely.errors import ShapelyError
from starlette.responses import Response

from gis.errors import InputError, LimitError
from layers.db.bbox import Box

GEOJSON = "application/geo+json"

Form = Annotated[
    Literal["json", "geojson"] | None,
    Query(description="The form of the answer; else the header Accept decides.", examples=["geojson"]),
]
BoxText = Annotated[
    str | None,
    Query(
        description="west,south,east,north in degrees.", max_length=200, examples=["113.9,22.5,114.1,22.6"]
    ),
]


def reply(
    content: Any,
    *,
    status: int = 200,
    etag: str | None = None,
    unless: str | None = None,
    media_type: str = "application/json",
    location: str | None = None,
) -> Response:
    """Return an answer; 304 when the caller has it already.

    Parameters
    ----------
    content
        What orjson can write; dates and geometries made by `shape` too.
    etag, unless
        The tag of the answer, and the If-None-Match of the request.
    """
    headers = {}
    if etag is not None:
        headers["ETag"] = etag
        if unless is not None and etag in [each.strip().removeprefix("W/") for each in unless.split(",")]:
            return Response(status_code=304, headers=headers)
    if location is not None:
        headers["Location"] = location
    return Response(orjson.dumps(content), status, headers, media_type)


def as_geojson(request: Request, form: str | None) -> bool:
    """Tell whether an answer is wanted as GeoJSON."""
    return form == "geojson" or (form is None and GEOJSON in request.headers.get("accept", ""))


def shape(geometry: shapely.Geometry | None) -> orjson.Fragment | None:
    """Return a geometry as a GeoJSON object within an answer."""
    return None if geometry is None else orjson.Fragment(shapely.to_geojson(geometry))


def listing(
    records: Sequence[Mapping[str, Any]],
    follows: str | None = None,
    *,
    geojson: bool = False,
    etag: str | None = None,
    unless: str | None = None,
) -> Response:
    """Return a page of a list, as a GeoJSON FeatureCollection if wanted; 304 when the caller has it already.

    Parameters
    ----------
    records
        What is listed; with an `id`, and a `geometry` made by `shape`, where GeoJSON is wanted.
    follows
        The cursor of the page that follows.
    geojson
        The form.
    etag, unless
        As for `reply`.
    """
    if not geojson:
        return reply({"items": records, "next": follows}, etag=etag, unless=unless)
    content = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": record["id"],
                "geometry": record.get("geometry"),
                "properties": {key: value for key, value in record.items() if key not in ("id", "geometry")},
            }
            for record in records
        ],
        "next": follows,
    }
    return reply(content, etag=etag, unless=unless, media_type=GEOJSON)


def geometry_of(given: Mapping[str, Any] | None, vertices: int) -> shapely.Geometry | None:
    """Read a GeoJSON geometry.

    Raises
    ------
    InputError
        If it is none, or has no place.
    LimitError
        If it has too many vertices.
    """
    if given is None:
        return None
    try:
        read: shapely.Geometry = shapely.from_geojson(orjson.dumps(given))
    except (ShapelyError, orjson.JSONEncodeError, RecursionError) as error:
        raise InputError("The geometry is no GeoJSON geometry in longitude and latitude.") from error
    if shapely.get_num_coordinates(read) > vertices:
        raise LimitError(f"The geometry has more than {vertices:,} vertices.")
    return read


def box_of(text: str | None) -> Box | None:
    """Read a box.

    Raises
    ------
    InputError
        If it is none.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError("The box is not west,south,east,north in degrees.") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("The box is not west,south,east,north in degrees.")
    return Box(west, south, east, north)
