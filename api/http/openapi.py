"""The OpenAPI of the service: what FastAPI knows of its routes, and what is said by hand."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.openapi_tiles import tile_paths
from api.locate import MOST_POINTS
from api.locate.arrow import MEDIA_TYPE as ARROW
from api.locate.contract import (
    LocatedColumns,
    LocatedPlace,
    LocatedRecords,
    PlaceOfRecord,
    PlacesInColumns,
    PointCollection,
    refer,
)
from api.locate.contract import schemas as location_schemas
from api.locate.points import MOST_IN_ARROW
from api.problems import Problem, answers
from api.security.requirements import demands

_SCHEME = {"name": "scheme", "in": "query", "schema": {"type": "string"}, "example": "community"}
_AT = {
    "name": "at",
    "in": "query",
    "description": "The day; today when not given.",
    "schema": {"type": "string", "format": "date"},
    "example": "2026-03-01",
}
_DATUM = {
    "name": "datum",
    "in": "query",
    "description": "Of the coordinates asked for.",
    "schema": {"type": "string", "enum": ["wgs84", "gcj02", "bd09"]},
    "example": "wgs84",
}


def _degrees(name: str, most: int, example: float) -> dict[str, Any]:
    schema = {"type": "number", "minimum": -most, "maximum": most}
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
_BINARY = {"type": "string", "format": "binary"}
_POST = (
    "Answers in the form in which the locations come, record by record and in their order: columns, records, "
    "GeoJSON, CSV, or an Arrow stream, which is the fastest by far: columns of numbers lon and lat, without "
    f"compression, up to {MOST_IN_ARROW:,} rows; all others up to {MOST_POINTS:,}. The answer's columns are "
    "cell_code, cell_name, area_code and reason, after the scheme's code and a low line unless one scheme "
    "was named. `at` and `revision` stand in the metadata of an Arrow stream's schema."
)
_CSV_ASKED = "id,lon,lat\n7,114.05,22.55\n"
_CSV_TOLD = (
    "id,lon,lat,cell_code,cell_name,area_code,reason\n"
    "7,114.05,22.55,440305001001001,大新社区 001,440305001001,\n"
)
_LOCATE: dict[str, Any] = {
    "get": {
        "tags": ["locate"],
        "summary": "Ask who owns a location",
        "description": "Answers for each scheme, or for those named.",
        "operationId": "locate",
        "parameters": [_degrees("lon", 180, 114.05), _degrees("lat", 90, 22.55), _SCHEME, _AT, _DATUM],
        "responses": {
            "200": {
                "description": "The owners.",
                "content": {"application/json": {"schema": refer(LocatedPlace), "example": _PLACE_EXAMPLE}},
            },
            **{str(key): value for key, value in answers(404).items()},
        },
    },
    "post": {
        "tags": ["locate"],
        "summary": "Ask who owns many locations",
        "description": _POST,
        "operationId": "locate_many",
        "parameters": [_SCHEME, _AT, _DATUM],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            refer(PlacesInColumns),
                            {"type": "array", "items": refer(PlaceOfRecord)},
                        ]
                    },
                    "example": {"lon": [114.05, 114.06], "lat": [22.55, 22.56]},
                },
                "application/geo+json": {"schema": refer(PointCollection)},
                "text/csv": {"schema": {"type": "string"}, "example": _CSV_ASKED},
                ARROW: {"schema": _BINARY},
            },
        },
        "responses": {
            "200": {
                "description": "The owners, in the form of the question.",
                "content": {
                    "application/json": {"schema": {"oneOf": [refer(LocatedColumns), refer(LocatedRecords)]}},
                    "application/geo+json": {"schema": refer(PointCollection)},
                    "text/csv": {"schema": {"type": "string"}, "example": _CSV_TOLD},
                    ARROW: {"schema": _BINARY},
                },
            },
            **{str(key): value for key, value in answers(404).items()},
        },
    },
}

_OPEN: list[dict[str, list[str]]] = []


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI of an application, made once."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        described["paths"]["/v1/locate"] = deepcopy(_LOCATE)
        described["paths"] |= tile_paths()
        parts = described.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        schemas.update(location_schemas())
        parts["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "wangge_session"},
        }
        described["security"] = [{"token": []}, {"session": []}]
        for demand in demands(app):
            for method in demand.methods:
                operation = described["paths"].get(demand.path, {}).get(method.lower())
                if operation is not None and demand.access.right is None:
                    operation["security"] = _OPEN
                elif operation is not None:
                    operation["x-right"] = demand.access.right
        app.openapi_schema = described
    return app.openapi_schema
