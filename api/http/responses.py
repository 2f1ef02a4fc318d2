"""Answers: JSON, lists, GeoJSON, each with an entity tag where it has one."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
import shapely
from starlette.responses import Response

from api.http.conditional import is_not_modified

GEOJSON = "application/geo+json"


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
        What orjson can write; dates and geometries made by `geojson_fragment` too.
    etag, if_none_match
        The tag of the answer, and the If-None-Match of the request.
    """
    headers = {}
    if etag is not None:
        headers["ETag"] = etag
        if is_not_modified(if_none_match, etag):
            return Response(status_code=304, headers=headers)
    if location is not None:
        headers["Location"] = location
    return Response(orjson.dumps(content), status, headers, media_type)


def content_disposition(kind: str, name: str) -> str:
    """Return the header that names a file, in any letters (RFC 6266).

    Parameters
    ----------
    kind
        inline or attachment.
    name
        The name of the file.
    """
    plain = "".join(
        letter if letter.isalnum() or letter in "-._ " else "_"
        for letter in name.encode("ascii", "replace").decode()
    )
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


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
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return a page of a list, as a GeoJSON FeatureCollection if wanted; 304 when the caller has it already.

    Parameters
    ----------
    items
        What is listed; with an `id`, and a `geometry` made by `geojson_fragment`, where GeoJSON is wanted.
    next_cursor
        The cursor of the page that follows.
    geojson
        The form.
    etag, if_none_match
        As for `json_response`.
    more
        What is said of the list as a whole, beside its records.
    """
    about = more or {}
    if not geojson:
        content = {"items": items, "next": next_cursor, **about}
        return json_response(content, etag=etag, if_none_match=if_none_match)
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
        **about,
    }
    return json_response(content, etag=etag, if_none_match=if_none_match, media_type=GEOJSON)
