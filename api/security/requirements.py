"""What each route demands of its caller, declared beside the route and read by the gate.

A route without a declaration keeps the application from starting.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from api.security.principal import Right

_DECLARED = "__wangge_access__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Ground(StrEnum):
    """How a route keeps to the area its caller is bound to."""

    none = "none"
    """It tells nothing that belongs to an area."""
    filtered = "filtered"
    """It answers with what lies in the caller's area alone, and leaves out the rest."""
    checked = "checked"
    """It concerns one thing: 404 when that lies outside the caller's area, 403 when it would be put there."""
    everywhere = "everywhere"
    """It concerns the whole ground; the gate refuses a caller bound to an area."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a route demands.

    Attributes
    ----------
    right
        The right the caller needs; None for a route open to everybody, signed in or not.
    ground
        How it keeps to the caller's area.
    """

    right: Right | None
    ground: Ground


PUBLIC = Access(None, Ground.none)


@dataclass(frozen=True, slots=True)
class Demand:
    """A route of an application with what it demands.

    Attributes
    ----------
    methods
        The methods it answers.
    path
        Its path as written, such as ``/v1/plans/{plan_id}``.
    pattern
        The expression that its paths match.
    access
        What it demands.
    """

    methods: frozenset[str]
    path: str
    pattern: re.Pattern[str]
    access: Access


class UndeclaredRouteError(RuntimeError):
    """A route says nothing about who may call it."""


def access(right: Right, ground: Ground) -> Callable[[Endpoint], Endpoint]:
    """Declare what the route of an endpoint demands; goes below the decorator that makes the route.

    Examples
    --------
    ::

        @router.get("/v1/areas")
        @access(Right.read, Ground.filtered)
        def areas(caller: Caller) -> Page: ...
    """
    return declare(Access(right, ground))


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that the route of an endpoint is open to everybody."""
    return declare(PUBLIC)(endpoint)


def declare(demanded: Access) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint, or a mounted application, demands."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _DECLARED, demanded)
        return endpoint

    return mark


def demands(app: FastAPI) -> list[Demand]:
    """List all routes of an application in the order in which they are tried, with what each demands.

    Raises
    ------
    UndeclaredRouteError
        If one declares nothing; the message names all that do not.
    """
    found, undeclared = [], []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        marked = route.app if isinstance(route, Mount) else context.endpoint
        demanded = getattr(marked, _DECLARED, None)
        methods = frozenset(context.methods or {"GET", "HEAD"})
        path, pattern = context.path, getattr(context, "path_regex", None)
        if demanded is None or path is None or pattern is None:
            undeclared.append(f"{'/'.join(sorted(methods))} {path or route}")
        else:
            found.append(Demand(methods, path, pattern, demanded))
    if undeclared:
        raise UndeclaredRouteError("these routes do not say who may call them: " + ", ".join(undeclared))
    return found


class Directory:
    """Finds what a request demands, as the router would find its route: the first that matches.

    Parameters
    ----------
    listed
        All routes in the order in which they are tried.
    """

    def __init__(self, listed: Sequence[Demand]) -> None:
        self._listed = tuple(listed)
        literal = {(method, each.path) for each in listed if "{" not in each.path for method in each.methods}
        # Paths without parameters are looked up at once; an earlier route with parameters still comes first.
        self._literal: Mapping[tuple[str, str], Access] = {
            (method, path): found.access
            for method, path in literal
            if (found := self._first(method, path)) is not None
        }

    def find(self, method: str, path: str) -> Access | None:
        """Return what a request demands; None when no route answers it."""
        demanded = self._literal.get((method, path))
        if demanded is not None:
            return demanded
        found = self._first(method, path)
        return found.access if found is not None else None

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods that a path answers."""
        return frozenset(method for each in self._matching(path) for method in each.methods)

    def _first(self, method: str, path: str) -> Demand | None:
        return next((each for each in self._matching(path) if method in each.methods), None)

    def _matching(self, path: str) -> Iterator[Demand]:
        return (each for each in self._listed if each.pattern.match(path))
