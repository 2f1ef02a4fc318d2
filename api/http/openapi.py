"""The OpenAPI of the service: what FastAPI knows of its routes, and what is said by hand."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import Problem

_NO_SECURITY: list[dict[str, list[str]]] = []


class OperationRight(NamedTuple):
    """The right that the operations of a path need; None for what is open to everybody."""

    methods: Iterable[str]
    path: str
    right: str | None


def build_openapi(
    app: FastAPI,
    paths: Mapping[str, Any],
    component_schemas: Mapping[str, Any],
    rights: Iterable[OperationRight],
) -> dict[str, Any]:
    """Return the OpenAPI of an application, made once.

    Parameters
    ----------
    app
        The application.
    paths, component_schemas
        Paths that FastAPI does not describe, and the schemas that they refer to.
    rights
        What each operation needs.
    """
    if app.openapi_schema is None:
        openapi = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        openapi["paths"] |= deepcopy(dict(paths))
        components = openapi.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        schemas.update(component_schemas)
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "wangge_session"},
        }
        openapi["security"] = [{"token": []}, {"session": []}]
        for methods, path, right in rights:
            for method in methods:
                operation = openapi["paths"].get(path, {}).get(method.lower())
                if operation is not None and right is None:
                    operation["security"] = _NO_SECURITY
                elif operation is not None:
                    operation["x-right"] = right
        app.openapi_schema = openapi
    return app.openapi_schema
