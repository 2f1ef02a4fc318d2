"""The OpenAPI of `/tiles` and `/styles`, whose plain routes FastAPI does not describe."""

from typing import Any

from api.problems import problem_responses
from gis.measures import computed_measures

_SCHEME_PARAMETER = {
    "name": "scheme",
    "in": "query",
    "schema": {"type": "string", "minLength": 1, "maxLength": 60},
    "example": "community",
}
_AT_PARAMETER = {
    "name": "at",
    "in": "query",
    "description": "The day; today when not given.",
    "schema": {"type": "string", "format": "date"},
    "example": "2026-03-01",
}
_KIND_PARAMETER = {
    "name": "kind",
    "in": "query",
    "description": "Only entities of this kind; all when not given.",
    "schema": {"type": "string"},
    "example": "enterprise",
}
_RUN_PARAMETER = {
    "name": "run",
    "in": "query",
    "description": "The run of gaps; the newest of the scheme when not given.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 2**49},
}
_TILE_PARAMETERS = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "maximum": most},
        "example": example,
    }
    for name, most, example in (("z", 16, 8), ("x", 65535, 208), ("y", 65535, 111))
]
_REQUIRED_SCHEME = {**_SCHEME_PARAMETER, "required": True}

_LAYERS: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "areas": (
        "the administrative areas",
        (
            "`areas`: code, name, level, depth; `area_borders`: each border of a depth once, as lines. "
            "A caller bound to an area sees it and all beneath and above it."
        ),
        [],
    ),
    "base": (
        "the base map",
        "`water`, `green`, `buildings`, `railway`, `roads`: class, name. The same for every caller.",
        [],
    ),
    "cells": (
        "the cells of a scheme",
        (
            "`cells`: code, name, area_code, colour (0 to 5, unlike the neighbours'), "
            f"{', '.join(each.key for each in computed_measures())}; the feature's id is the cell's. "
            "`cell_borders`: each border once, as lines. `cell_labels`: a point inside each cell. Below the "
            "zoom from which there are cells, `cell_groups`: the cells of an area as one, with their number "
            "and sums or means; and `group_borders`."
        ),
        [_REQUIRED_SCHEME, _AT_PARAMETER],
    ),
    "entities": (
        "entities",
        (
            "`entities`: id, kind, class_name, and cell_code when a scheme is named. Below zoom 15 one point "
            "stands for all of a kind in a square of 64 pixels, with their `count`; nothing of a person."
        ),
        [_KIND_PARAMETER, _SCHEME_PARAMETER],
    ),
    "gaps": (
        "a run of gaps",
        "`gaps`: kind, severity, cell_code, area_m2, households, enterprises.",
        [_REQUIRED_SCHEME, _RUN_PARAMETER],
    ),
}


def tile_paths() -> dict[str, Any]:
    """Return the OpenAPI paths of the routes."""
    paths: dict[str, Any] = {}
    for layer, (subject, contents, parameters) in _LAYERS.items():
        paths[f"/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"] = {
            "get": _tile_operation(layer, subject, contents, parameters)
        }
        paths[f"/tiles/{layer}.json"] = {"get": _tilejson_operation(layer, subject, parameters)}
    paths["/styles/{style}.json"] = {"get": _style_operation()}
    return paths


def _problem_responses(*statuses: int) -> dict[str, Any]:
    return {str(status): described for status, described in problem_responses(*statuses).items()}


def _tile_operation(
    layer: str, subject: str, contents: str, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    content = {"application/vnd.mapbox-vector-tile": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "tags": ["tiles"],
        "summary": f"Draw {subject}",
        "description": f"A Mapbox Vector Tile 2.1. {contents}",
        "operationId": f"tile_{layer}",
        "parameters": [*_TILE_PARAMETERS, *parameters],
        "responses": {
            "200": {"description": "The tile.", "content": content},
            "204": {"description": "There is nothing in this tile for the caller."},
            "304": {"description": "The caller has it already."},
            **_problem_responses(404),
        },
    }


def _tilejson_operation(layer: str, subject: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": [
            "tilejson",
            "tiles",
            "vector_layers",
            "minzoom",
            "maxzoom",
            "bounds",
            "empty",
            "revision",
        ],
        "properties": {
            "tilejson": {"type": "string"},
            "name": {"type": "string"},
            "tiles": {"type": "array", "items": {"type": "string"}},
            "minzoom": {"type": "integer"},
            "maxzoom": {"type": "integer"},
            "bounds": {"type": "array", "items": {"type": "number"}},
            "vector_layers": {"type": "array", "items": {"type": "object"}},
            "empty": {"type": "boolean", "description": "There is nothing that the caller may see."},
            "revision": {"type": "integer", "description": "What the tiles show; they follow a publish."},
            "run": {
                "type": ["integer", "null"],
                "description": "Of gaps alone: the run shown; null where nobody has looked for gaps.",
            },
        },
    }
    example = {
        "tilejson": "3.0.0",
        "name": layer,
        "tiles": [f"http://127.0.0.1:8000/tiles/{layer}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": 0,
        "maxzoom": 16,
        "bounds": [113.9, 22.5, 114.1, 22.6],
        "vector_layers": [{"id": layer, "fields": {"code": "String"}, "minzoom": 0, "maxzoom": 16}],
        "empty": False,
        "revision": 7,
    }
    return {
        "tags": ["tiles"],
        "summary": f"Describe the tiles of {subject}",
        "description": "TileJSON 3; its bounds are those of what the caller may see.",
        "operationId": f"tilejson_{layer}",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The TileJSON.",
                "content": {"application/json": {"schema": schema, "example": example}},
            },
            **_problem_responses(404),
        },
    }


def _style_operation() -> dict[str, Any]:
    example = {"version": 8, "name": "calm", "sources": {}, "layers": []}
    return {
        "tags": ["tiles"],
        "summary": "Read a style",
        "description": "A style of MapLibre for the base map and the areas.",
        "operationId": "style",
        "parameters": [
            {
                "name": "style",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "enum": ["calm"]},
                "example": "calm",
            }
        ],
        "responses": {
            "200": {
                "description": "The style.",
                "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
            },
            **_problem_responses(404),
        },
    }
