"""What surrounds a route and the route itself know of a request through its ASGI scope."""

from typing import Protocol

from starlette.types import Scope

CALLER_KEY = "wangge.caller"
"""Where the caller of a request stands in its scope; set on every route that is not public."""


class LabelledCaller(Protocol):
    """A caller, as far as everything beneath `api.security` knows one."""

    @property
    def label(self) -> str:
        """How records name the caller: no two have the same."""


def caller_label(scope: Scope) -> str:
    """Return how records name the caller of a request."""
    caller: LabelledCaller = scope[CALLER_KEY]
    return caller.label


def route_path(scope: Scope) -> str:
    """Return the path as the router sees it: without the prefix a proxy has been given."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and (len(path) == len(root) or path[len(root)] == "/"):
        return path[len(root) :]
    return path
