"""What requests and answers have in common: JSON, GeoJSON, entity tags, and conditions on writes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import orjson
import shapely
from fastapi import Query, Request
from shapely.errors import ShapelyError
from starlette.responses import Response

from gis.errors import InputError, LimitError
from layers.db.bbox import BBox

GEOJSON = "application/geo+json"

FormatParam = Annotated[
    Literal["json", "geojson"] | None,
    Query(description="The form of the answer; else the header Accept decides.", examples=["geojson"]),
]
BboxParam = Annotated[
    str | None,
    Query(
        description="west,south,east,north in degrees.", max_length=200, examples=["113.9,22.5,114.1,22.6"]
    ),
]


def json_response(
    content: Any,
    *,
    status: int = 200,
    etag: str | None = None,
    if_none_match: str | None = None,
    media_type: str = "application/json",
    location: str | None = None,
) -> Response:
    """Return an answer; 304 when the caller has it already.

    Parameters
    ----------
    content
        What orjson can write; dates and geometries made by `shape` too.
    etag, if_none_match
        The tag of the answer, and the If-None-Match of the request.
    """
    headers = {}
    if etag is not None:
        headers["ETag"] = etag
        if if_none_match is not None and etag in [
            each.strip().removeprefix("W/") for each in if_none_match.split(",")
        ]:
            return Response(status_code=304, headers=headers)
    if location is not None:
        headers["Location"] = location
    return Response(orjson.dumps(content), status, headers, media_type)


def wants_geojson(request: Request, format_param: str | None) -> bool:
    """Tell whether an answer is wanted as GeoJSON."""
    return format_param == "geojson" or (
        format_param is None and GEOJSON in request.headers.get("accept", "")
    )


def geojson_fragment(geometry: shapely.Geometry | None) -> orjson.Fragment | None:
    """Return a geometry as a GeoJSON object within an answer."""
    return None if geometry is None else orjson.Fragment(shapely.to_geojson(geometry))


def list_response(
    items: Sequence[Mapping[str, Any]],
    next_cursor: str | None = None,
    *,
    geojson: bool = False,
    etag: str | None = None,
    if_none_match: str | None = None,
) -> Response:
    """Return a page of a list, as a GeoJSON FeatureCollection if wanted; 304 when the caller has it already.

    Parameters
    ----------
    items
        What is listed; with an `id`, and a `geometry` made by `shape`, where GeoJSON is wanted.
    next_cursor
        The cursor of the page that follows.
    geojson
        The form.
    etag, if_none_match
        As for `json_response`.
    """
    if not geojson:
        return json_response({"items": items, "next": next_cursor}, etag=etag, if_none_match=if_none_match)
    content = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": record["id"],
                "geometry": record.get("geometry"),
                "properties": {key: value for key, value in record.items() if key not in ("id", "geometry")},
            }
            for record in items
        ],
        "next": next_cursor,
    }
    return json_response(content, etag=etag, if_none_match=if_none_match, media_type=GEOJSON)


def parse_geometry(geojson: Mapping[str, Any] | None, max_vertices: int) -> shapely.Geometry | None:
    """Read a GeoJSON geometry.

    Raises
    ------
    InputError
        If it is none, or has no place.
    LimitError
        If it has too many vertices.
    """
    if geojson is None:
        return None
    try:
        geometry: shapely.Geometry = shapely.from_geojson(orjson.dumps(geojson))
    except (ShapelyError, orjson.JSONEncodeError, RecursionError) as error:
        raise InputError("The geometry is no GeoJSON geometry in longitude and latitude.") from error
    if shapely.get_num_coordinates(geometry) > max_vertices:
        raise LimitError(f"The geometry has more than {max_vertices:,} vertices.")
    return geometry


def parse_bbox(text: str | None) -> BBox | None:
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
    return BBox(west, south, east, north)
