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

_RULE_ATTRIBUTE = "__wangge_access__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class AreaPolicy(StrEnum):
    """How a route keeps to the area its caller is bound to."""

    none = "none"
    """It tells nothing that belongs to an area."""
    filtered = "filtered"
    """It answers with what lies in the caller's area alone, and leaves out the rest."""
    checked = "checked"
    """It concerns one thing: 404 when that lies outside the caller's area, 403 when it would be put there."""
    unrestricted = "unrestricted"
    """It concerns the whole ground; the gate refuses a caller bound to an area."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The access that a route allows.

    Attributes
    ----------
    right
        The right the caller needs; None for a route open to everybody, signed in or not.
    area_policy
        How it keeps to the caller's area.
    """

    right: Right | None
    area_policy: AreaPolicy


PUBLIC = AccessRule(None, AreaPolicy.none)


@dataclass(frozen=True, slots=True)
class RouteRequirement:
    """A route of an application with its access rule.

    Attributes
    ----------
    methods
        The methods it answers.
    path
        Its path as written, such as ``/v1/plans/{plan_id}``.
    pattern
        The expression that its paths match.
    rule
        Its access rule.
    """

    methods: frozenset[str]
    path: str
    pattern: re.Pattern[str]
    rule: AccessRule


class UndeclaredRouteError(RuntimeError):
    """A route says nothing about who may call it."""


def requires(right: Right, area_policy: AreaPolicy) -> Callable[[Endpoint], Endpoint]:
    """Declare what the route of an endpoint demands; goes below the decorator that makes the route.

    Examples
    --------
    ::

        @router.get("/v1/areas")
        @access(Right.read, Ground.filtered)
        def areas(caller: Caller) -> Page: ...
    """
    return declare_access(AccessRule(right, area_policy))


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that the route of an endpoint is open to everybody."""
    return declare_access(PUBLIC)(endpoint)


def declare_access(rule: AccessRule) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint, or a mounted application, demands."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _RULE_ATTRIBUTE, rule)
        return endpoint

    return mark


def route_requirements(app: FastAPI) -> list[RouteRequirement]:
    """List all routes of an application in the order in which they are tried, with what each demands.

    Raises
    ------
    UndeclaredRouteError
        If one declares nothing; the message names all that do not.
    """
    found, undeclared = [], []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        endpoint = route.app if isinstance(route, Mount) else context.endpoint
        rule = getattr(endpoint, _RULE_ATTRIBUTE, None)
        methods = frozenset(context.methods or {"GET", "HEAD"})
        path, pattern = context.path, getattr(context, "path_regex", None)
        if rule is None or path is None or pattern is None:
            undeclared.append(f"{'/'.join(sorted(methods))} {path or route}")
        else:
            found.append(RouteRequirement(methods, path, pattern, rule))
    if undeclared:
        raise UndeclaredRouteError("these routes do not say who may call them: " + ", ".join(undeclared))
    return found


class RouteTable:
    """Finds what a request demands, as the router would find its route: the first that matches.

    Parameters
    ----------
    requirements
        All routes in the order in which they are tried.
    """

    def __init__(self, requirements: Sequence[RouteRequirement]) -> None:
        self._requirements = tuple(requirements)
        literal = {
            (method, each.path) for each in requirements if "{" not in each.path for method in each.methods
        }
        # Paths without parameters are looked up at once; an earlier route with parameters still comes first.
        self._static: Mapping[tuple[str, str], AccessRule] = {
            (method, path): found.rule
            for method, path in literal
            if (found := self._first_match(method, path)) is not None
        }

    def find(self, method: str, path: str) -> AccessRule | None:
        """Return what a request demands; None when no route answers it."""
        rule = self._static.get((method, path))
        if rule is not None:
            return rule
        found = self._first_match(method, path)
        return found.rule if found is not None else None

    def allowed_methods(self, path: str) -> frozenset[str]:
        """Return the methods that a path answers."""
        return frozenset(method for each in self._matches(path) for method in each.methods)

    def _first_match(self, method: str, path: str) -> RouteRequirement | None:
        return next((each for each in self._matches(path) if method in each.methods), None)

    def _matches(self, path: str) -> Iterator[RouteRequirement]:
        return (each for each in self._requirements if each.pattern.match(path))
