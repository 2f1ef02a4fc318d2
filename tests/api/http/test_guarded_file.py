"""A file stops where its reader may not have it any more."""

import asyncio
from pathlib import Path

import pytest
from starlette.types import Message

from api.http.guarded_file import GuardedFile
from gis.errors import UnauthorizedError

PART = GuardedFile.chunk_size


@pytest.mark.parametrize(("allowed", "sent"), [(0, 0), (2, PART), (99, 3 * PART)])
def test_what_is_sent_ends_with_the_access(tmp_path: Path, allowed: int, sent: int) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(3 * PART))
    messages: list[Message] = []
    asked = 0

    async def require_access() -> None:
        nonlocal asked
        asked += 1
        if asked > allowed:
            raise UnauthorizedError("The token is unknown, expired or revoked.")

    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "headers": [], "extensions": {}}
    asyncio.run(GuardedFile(path, require_access, ask_again_s=0)(scope, receive, send))
    assert sum(len(each.get("body", b"")) for each in messages) == sent
    is_whole = bool(messages) and messages[-1].get("more_body") is False
    assert is_whole is (sent == 3 * PART)
