"""What protects the service before a caller is known, in plain ASGI: hosts, sizes, headers."""

import re
from collections.abc import Collection
from contextlib import ExitStack

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.caller_slots import CallerSlots
from api.http.request_scope import caller_label
from api.problems import problem_response
from gis.errors import BusyError

DATA_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_CSP = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), payment=(), usb=(), geolocation=(self)",
}


def _raw_headers(policy: str) -> tuple[tuple[bytes, bytes], ...]:
    headers = {**_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


_DATA_HEADERS, _PAGE_HEADERS = _raw_headers(DATA_CSP), _raw_headers(PAGE_CSP)
_HEADER_NAMES = frozenset(name for name, _ in _DATA_HEADERS)
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_PROBE_PATHS = frozenset({"/healthz", "/readyz"})
# What follows the name would get into the addresses that the service gives of itself.
_HOST_PATTERN = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(?::[0-9]{1,5})?")


class SecurityHeadersMiddleware:
    """Adds the headers that restrict what a browser does with an answer.

    A page (text/html) may load what this service serves and nothing else; all else may load nothing. An
    answer that brings its own Content-Security-Policy or Cache-Control keeps it; others are not stored, since
    they may show personal data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = scope["scheme"] == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
                page, present = False, set()
                for name, value in raw:
                    lower = name.lower()
                    if lower == b"content-type":
                        page = value.startswith(b"text/html")
                    elif lower in _HEADER_NAMES:
                        present.add(lower)
                added = _PAGE_HEADERS if page else _DATA_HEADERS
                raw += [each for each in added if each[0] not in present] if present else added
                if secure:
                    raw.append(_HSTS)
                message["headers"] = raw
            await send(message)

        await self._app(scope, receive, send_with_headers)


class TrustedHostMiddleware:
    """Refuses requests whose Host is not one of the service's, which a rebound name would send.

    Parameters
    ----------
    app
        The application within.
    hosts
        The names by which the service is called, without port; ``*`` stands for any. Probes of life go by
        address and are let through.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower().encode() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan" or b"*" in self._hosts or scope["path"] in _PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        host_headers = [value for name, value in scope["headers"] if name == b"host"]
        if len(host_headers) == 1 and _host_name(host_headers[0]) in self._hosts:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            refusal = problem_response(400, "This service does not go by the name in Host; set WANGGE_HOSTS.")
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def _host_name(host: bytes) -> bytes:
    """Return the name in a Host header without the port; nothing where it is more than that."""
    found = _HOST_PATTERN.fullmatch(host)
    return found[1].lower() if found is not None else b""


class BodyLimitMiddleware:
    """Answers 413 to a request whose body is too large, told so or found so while it is read.

    Parameters
    ----------
    app
        The application within.
    body_bytes
        The largest body.
    upload_bytes, upload_paths
        The largest body of a POST or PUT to one of the paths that take files.
    uploads_at_once
        How many such bodies one caller may be sending; more are answered with 429 before they are read.
    """

    def __init__(
        self,
        app: ASGIApp,
        body_bytes: int,
        upload_bytes: int,
        upload_paths: Collection[str] = (),
        uploads_at_once: int = 4,
    ) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._upload_bytes = upload_bytes
        self._upload_paths = frozenset(upload_paths)
        self._uploads = CallerSlots(
            uploads_at_once, f"You are sending {uploads_at_once} files already; wait until one has come."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
        elif scope["path"] in self._upload_paths:
            with ExitStack() as stack:
                try:
                    stack.enter_context(self._uploads.take(caller_label(scope)))
                except BusyError as error:
                    busy = problem_response(
                        429,
                        str(error),
                        request_id=scope.get("wangge.request_id"),
                        headers={"Retry-After": f"{error.retry_after_s:.0f}", "Connection": "close"},
                    )
                    await busy(scope, receive, send)
                    return
                await self._limit_body(scope, receive, send)
        else:
            await self._limit_body(scope, receive, send)

    async def _limit_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._upload_bytes if scope["path"] in self._upload_paths else self._body_bytes
        content_length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_large = problem_response(
            413,
            f"The body is larger than {limit:,} bytes; send less at once, or import a file.",
            request_id=scope.get("wangge.request_id"),
            headers={"Connection": "close"},
        )
        if not content_length.isdigit() or int(content_length) > limit:
            await too_large(scope, receive, send)
            return
        received_bytes = 0
        exceeded = started = False

        async def limited_receive() -> Message:
            nonlocal received_bytes, exceeded
            message = await receive()
            if message["type"] == "http.request":
                received_bytes += len(message.get("body", b""))
                if received_bytes > limit:
                    exceeded = True
                    return {"type": "http.disconnect"}
            return message

        async def limited_send(message: Message) -> None:
            nonlocal started
            if exceeded and not started:
                return
            started = True
            await send(message)

        try:
            await self._app(scope, limited_receive, limited_send)
        except Exception:
            if not exceeded:
                raise
        if exceeded and not started:
            await too_large(scope, receive, send)
