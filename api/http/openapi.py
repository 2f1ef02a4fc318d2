"""The OpenAPI of the service: what FastAPI knows of its routes, and what is described by hand."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import Problem

_NO_SECURITY: list[dict[str, list[str]]] = []


class RouteRight(NamedTuple):
    """The right that a route asks of its caller; None where it is open to everybody."""

    path: str
    methods: Iterable[str]
    right: str | None


def build_openapi(
    app: FastAPI, paths: Mapping[str, Any], schemas: Mapping[str, Any], rights: Iterable[RouteRight]
) -> dict[str, Any]:
    """Return the OpenAPI of an application, made once.

    Parameters
    ----------
    paths, schemas
        Path items and component schemas of routes that FastAPI does not describe.
    rights
        What each route asks of its caller.
    """
    if app.openapi_schema is None:
        openapi = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        openapi["paths"] |= paths
        components = openapi.setdefault("components", {})
        described = components.setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        described.update(problem.pop("$defs", {}))
        described["Problem"] = problem
        described.update(schemas)
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "wangge_session"},
        }
        openapi["security"] = [{"token": []}, {"session": []}]
        for path, methods, right in rights:
            for method in methods:
                operation = openapi["paths"].get(path, {}).get(method.lower())
                if operation is not None and right is None:
                    operation["security"] = _NO_SECURITY
                elif operation is not None:
                    operation["x-right"] = right
        app.openapi_schema = openapi
    return app.openapi_schema
