"""The OpenAPI of the service: what FastAPI knows of its routes, and what is said by hand."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.openapi_tiles import tile_paths
from api.locate import MAX_POINTS
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
from api.locate.contract import model_schemas as location_schemas
from api.locate.points import MAX_ARROW_POINTS
from api.problems import Problem, problem_responses
from api.security.requirements import route_requirements

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
    "was named. `at` and `revision` stand in the metadata of an Arrow stream's schema."
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
        "parameters": [_SCHEME_PARAMETER, _AT_PARAMETER, _DATUM_PARAMETER],
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
            },
            **{str(key): value for key, value in problem_responses(404).items()},
        },
    },
}

_NO_SECURITY: list[dict[str, list[str]]] = []


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI of an application, made once."""
    if app.openapi_schema is None:
        openapi = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        openapi["paths"]["/v1/locate"] = deepcopy(_LOCATE_PATH_ITEM)
        openapi["paths"] |= tile_paths()
        components = openapi.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        schemas.update(location_schemas())
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "wangge_session"},
        }
        openapi["security"] = [{"token": []}, {"session": []}]
        for requirement in route_requirements(app):
            for method in requirement.methods:
                operation = openapi["paths"].get(requirement.path, {}).get(method.lower())
                if operation is not None and requirement.rule.right is None:
                    operation["security"] = _NO_SECURITY
                elif operation is not None:
                    operation["x-right"] = requirement.rule.right
        app.openapi_schema = openapi
    return app.openapi_schema
