"""A file that is sent for as long as its reader may have it, however slowly it is fetched."""

import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from gis.errors import WanggeError

ASK_AGAIN_S = 2.0
"""Seconds after which the next part of a file asks again; a revoked token holds no longer elsewhere."""

_log = logging.getLogger("wangge.service")


class GuardedFile(FileResponse):
    """A file whose connection is closed, short of its length, once its reader may not have it any more.

    Parameters
    ----------
    path
        The file.
    require_access
        Raises an error when the caller may not have it any more.
    ask_again_s
        Seconds between two times that it is asked.
    options
        Those of `FileResponse`.
    """

    def __init__(
        self,
        path: Path,
        require_access: Callable[[], Awaitable[None]],
        *,
        ask_again_s: float = ASK_AGAIN_S,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        self._require_access = require_access
        self._ask_again_s = ask_again_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        asked = time.monotonic()
        ended = False

        async def send_while_allowed(message: Message) -> None:
            nonlocal asked, ended
            if not ended and time.monotonic() - asked >= self._ask_again_s:
                try:
                    await self._require_access()
                except WanggeError as error:
                    # The status is sent already; the server closes a connection whose answer is not whole.
                    ended = True
                    _log.info("a file was sent in part: %s", error)
                asked = time.monotonic()
            if not ended:
                await send(message)

        await super().__call__(scope, receive, send_while_allowed)
