"""The OpenAPI of `/v1/locate`, whose plain routes FastAPI does not describe."""

from copy import deepcopy
from typing import Any

from api.locate.arrow import MEDIA_TYPE as ARROW
from api.locate.contract import (
    LocatedColumns,
    LocatedPoint,
    LocatedRecords,
    PointCollection,
    PointColumns,
    PointRecord,
    schema_ref,
)
from api.locate.points import MAX_ARROW_POINTS, MAX_POINTS
from api.locate.responses import ENCODING_HEADER
from api.problems import problem_responses

_SCHEME_PARAMETER = {"name": "scheme", "in": "query", "schema": {"type": "string"}, "example": "community"}
_AT_PARAMETER = {
    "name": "at",
    "in": "query",
    "description": "The day; today when not given.",
    "schema": {"type": "string", "format": "date"},
    "example": "2026-03-01",
}
_DATUM_PARAMETER = {
    "name": "datum",
    "in": "query",
    "description": "Of the coordinates asked for.",
    "schema": {"type": "string", "enum": ["wgs84", "gcj02", "bd09"]},
    "example": "wgs84",
}
_OFFICERS_PARAMETER = {
    "name": "officers",
    "in": "query",
    "description": "Also tell who is responsible in the owning cells on that day.",
    "schema": {"type": "boolean"},
    "example": True,
}


def _degrees_parameter(name: str, limit: int, example: float) -> dict[str, Any]:
    schema = {"type": "number", "minimum": -limit, "maximum": limit}
    return {"name": name, "in": "query", "required": True, "schema": schema, "example": example}


_PLACE_EXAMPLE = {
    "lon": 114.05,
    "lat": 22.55,
    "at": "2026-03-01",
    "revision": 7,
    "owners": [
        {
            "scheme": "community",
            "cell": {
                "code": "440305001001001",
                "name": "大新社区 001",
                "area_code": "440305001001",
                "area_m2": 10_000.0,
                "areas": [{"code": "440305001001", "name": "大新社区", "level": "community"}],
            },
            "reason": None,
        }
    ],
}
_BINARY_SCHEMA = {"type": "string", "format": "binary"}
_POST_DESCRIPTION = (
    "Answers in the form in which the locations come, record by record and in their order: columns, records, "
    "GeoJSON, CSV, or an Arrow stream, which is the fastest by far: columns of numbers lon and lat, without "
    f"compression, up to {MAX_ARROW_POINTS:,} rows; all others up to {MAX_POINTS:,}. "
    "The answer's columns are "
    "cell_code, cell_name, area_code and reason, after the scheme's code and a low line unless one scheme "
    "was named. A reason is outside (in no cell), no_plan (no plan of the scheme is in force on the day), "
    "forbidden or invalid_coordinates. With officers=true follow officer_id, officer_name and officer_phone "
    "of the first who is responsible in the cell. "
    "`at` and `revision` stand in the metadata of an Arrow stream's schema. "
    "The encoding of a CSV is found by its bytes, or given as `charset` of the media type; where the bytes "
    f"left a choice, the header `{ENCODING_HEADER}` says what was assumed. Degrees may have a decimal comma, "
    "minutes and seconds. Text that a spreadsheet would run as a formula gets an apostrophe before it."
)
_CSV_REQUEST_EXAMPLE = "id,lon,lat\n7,114.05,22.55\n"
_CSV_RESPONSE_EXAMPLE = (
    "id,lon,lat,cell_code,cell_name,area_code,reason\n"
    "7,114.05,22.55,440305001001001,大新社区 001,440305001001,\n"
)
_LOCATE_PATH_ITEM: dict[str, Any] = {
    "get": {
        "tags": ["locate"],
        "summary": "Ask who owns a location",
        "description": "Answers for each scheme, or for those named.",
        "operationId": "locate",
        "parameters": [
            _degrees_parameter("lon", 180, 114.05),
            _degrees_parameter("lat", 90, 22.55),
            _SCHEME_PARAMETER,
            _AT_PARAMETER,
            _DATUM_PARAMETER,
            _OFFICERS_PARAMETER,
        ],
        "responses": {
            "200": {
                "description": "The owners.",
                "content": {
                    "application/json": {"schema": schema_ref(LocatedPoint), "example": _PLACE_EXAMPLE}
                },
            },
            **{str(key): value for key, value in problem_responses(404).items()},
        },
    },
    "post": {
        "tags": ["locate"],
        "summary": "Ask who owns many locations",
        "description": _POST_DESCRIPTION,
        "operationId": "locate_many",
        "parameters": [_SCHEME_PARAMETER, _AT_PARAMETER, _DATUM_PARAMETER, _OFFICERS_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            schema_ref(PointColumns),
                            {"type": "array", "items": schema_ref(PointRecord)},
                        ]
                    },
                    "example": {"lon": [114.05, 114.06], "lat": [22.55, 22.56]},
                },
                "application/geo+json": {"schema": schema_ref(PointCollection)},
                "text/csv": {"schema": {"type": "string"}, "example": _CSV_REQUEST_EXAMPLE},
                ARROW: {"schema": _BINARY_SCHEMA},
            },
        },
        "responses": {
            "200": {
                "description": "The owners, in the form of the question.",
                "content": {
                    "application/json": {
                        "schema": {"oneOf": [schema_ref(LocatedColumns), schema_ref(LocatedRecords)]}
                    },
                    "application/geo+json": {"schema": schema_ref(PointCollection)},
                    "text/csv": {"schema": {"type": "string"}, "example": _CSV_RESPONSE_EXAMPLE},
                    ARROW: {"schema": _BINARY_SCHEMA},
                },
                "headers": {
                    ENCODING_HEADER: {
                        "description": "The encoding of a CSV, where its bytes left a choice.",
                        "schema": {"type": "string"},
                    }
                },
            },
            **{str(key): value for key, value in problem_responses(404).items()},
        },
    },
}


def locate_paths() -> dict[str, Any]:
    """Return the path items of the OpenAPI."""
    return {"/v1/locate": deepcopy(_LOCATE_PATH_ITEM)}
