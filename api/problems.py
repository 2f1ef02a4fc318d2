"""Errors over HTTP: problem+json of RFC 9457, with one table from error class to status."""

import sqlite3
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.advice import rewrite_options
from api.messages import in_caller_language
from gis.errors import (
    BusyError,
    ConflictError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    RefusedError,
    StaleError,
    UnauthorizedError,
    WanggeError,
)

STATUS_BY_ERROR: Mapping[type[WanggeError], int] = {
    InputError: 422,
    RefusedError: 409,
    NotFoundError: 404,
    StaleError: 412,
    ConflictError: 409,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    BusyError: 429,
    LimitError: 413,
    WanggeError: 400,
}
"""The status of each error; a class that is not listed takes that of its nearest listed ancestor."""

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 2
"""Seconds after which a request that found no database may be sent again."""

_OTHERWISE = "put it right in what is sent"

log = structlog.get_logger("wangge.problems")


class FieldError(BaseModel):
    """One part of a request that cannot be used."""

    where: str = Field(examples=["query.limit"])
    detail: str = Field(examples=["Input should be less than or equal to 1000"])


class Problem(BaseModel):
    """A problem detail of RFC 9457."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no area with the code 440305."])
    request_id: str | None = Field(default=None, examples=["5f0c3c9be1c7411f"])
    errors: list[FieldError] | None = None


def status_of(error: WanggeError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS_BY_ERROR[each] for each in type(error).__mro__ if each in STATUS_BY_ERROR)


def problem_response(
    status: int,
    detail: str,
    *,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """Return a problem+json response, its sentences in the language of the caller."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": in_caller_language(detail),
    }
    if request_id is not None:
        body["request_id"] = request_id
    if errors is not None:
        body["errors"] = [{**each, "detail": in_caller_language(each["detail"])} for each in errors]
    extra = {"Vary": "Accept-Language", **(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        extra.setdefault("WWW-Authenticate", "Bearer")
    return Response(orjson.dumps(body), status, extra, MEDIA_TYPE)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI responses: problems with the given statuses and with those of every route."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": "about:blank",
                        "title": HTTPStatus(status).phrase,
                        "status": status,
                        "detail": "One sentence: what is wrong and what to do.",
                        "request_id": "5f0c3c9be1c7411f",
                    },
                }
            },
        }
        for status in sorted({400, 401, 403, 413, 422, 429, 503, *statuses})
    }


def add_exception_handlers(app: FastAPI) -> None:
    """Answer errors that a request can cause with a problem; `api.http.middleware` answers all others."""
    app.add_exception_handler(WanggeError, _handle_wangge_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(DataError, _handle_data_error)


def _request_id(request: Request) -> str | None:
    found: str | None = request.scope.get("wangge.request_id")
    return found


async def _handle_wangge_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, WanggeError)
    headers = {}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    detail = str(error)
    if "--" in detail:
        names = _field_names(request)
        detail = rewrite_options(detail, lambda name: name if name in names else None, _OTHERWISE)
    return problem_response(status_of(error), detail, request_id=_request_id(request), headers=headers)


def _field_names(request: Request) -> set[str]:
    """Return the parameters and fields that the address of a request takes."""
    route = request.scope.get("route")
    path = request.app.openapi()["paths"].get(getattr(route, "path_format", None), {})
    operation = path.get(request.method.lower(), {})
    names = {each["name"] for each in operation.get("parameters", ()) if "name" in each}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        for each in schema.get("oneOf", [schema]):
            named = each.get("$ref", "").rpartition("/")[2]
            described = request.app.openapi()["components"]["schemas"].get(named, each)
            names |= set(described.get("properties", ()))
    return names


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Only where and why: the value itself may be personal.
    errors = [
        {"where": ".".join(map(str, each["loc"])), "detail": str(each["msg"])} for each in error.errors()
    ]
    first = f"{errors[0]['where']}: {errors[0]['detail']}" if errors else "The request cannot be read."
    return problem_response(422, first, request_id=_request_id(request), errors=errors)


async def _handle_data_error(request: Request, error: Exception) -> Response:
    del error
    return problem_response(
        422, "A value of the request cannot be stored or searched for.", request_id=_request_id(request)
    )


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address."
    return problem_response(error.status_code, detail, request_id=_request_id(request), headers=error.headers)


def failure_response(error: Exception, request_id: str | None) -> Response:
    """Return the answer to a request that failed through no fault of its own, and log why.

    A database that is locked, full or away answers 503, since it may be back in a moment; all else is an
    error of the program, 500.
    """
    if is_database_unavailable(error):
        log_error(error, "the database cannot be used")
        return problem_response(
            503,
            "The database cannot be used at the moment; try again.",
            request_id=request_id,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    log_error(error)
    return problem_response(
        500,
        "An error in the service, not in your request; report its request_id to the operator.",
        request_id=request_id,
    )


def is_database_unavailable(error: Exception) -> bool:
    """Return whether the database is at fault, not the statement."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        # SQLite also calls a mistake in a statement an operational error.
        return isinstance(error, OperationalError) and error.orig.sqlite_errorcode != sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError) or error.connection_invalidated


def log_error(error: BaseException, event: str = "error of the program") -> None:
    """Log the class of an error and where it was raised, never its text, which may be personal."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    original = getattr(error, "orig", None)
    log.error(
        event,
        error=type(error).__name__,
        cause=type(error.__cause__).__name__ if error.__cause__ else None,
        # SQLITE_FULL or 53100 tells the operator what to do, and nothing about a record.
        code=getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None),
        where=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
