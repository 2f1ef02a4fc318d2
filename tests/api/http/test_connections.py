"""Connections that say nothing, or not enough, against a running server."""

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import uvicorn

from api.http.connections import ImpatientProtocol

LIMIT_S = 0.6
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server."""
    config = uvicorn.Config(
        answer,
        port=0,
        log_config=None,
        lifespan="off",
        http=partial(ImpatientProtocol, header_s=LIMIT_S),  # type: ignore[arg-type]
        timeout_keep_alive=60,
    )
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    for _ in range(600):
        if server.started:
            break
        time.sleep(0.05)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
        yield made


def drip(connection: socket.socket, data: bytes) -> None:
    """Send a byte now and then until the other side has closed, which it must do in time."""
    began = time.monotonic()
    for position in range(10_000):
        try:
            connection.sendall(data[position % len(data) :][:1])
        except OSError:
            return
        time.sleep(0.05)
        assert time.monotonic() - began < 15


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", REQUEST[:-2], b"POST / HTTP/1.1\r\nHost"])
def test_a_connection_without_a_request_is_closed(connection: socket.socket, sent: bytes) -> None:
    connection.sendall(sent)
    assert connection.recv(100) == b""


def test_a_header_that_drips_is_closed(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    drip(connection, b"x")


def test_the_second_request_of_a_connection_has_no_longer(connection: socket.socket) -> None:
    connection.sendall(REQUEST)
    assert connection.recv(1000).endswith(b"ok")
    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    drip(connection, b"x")


def test_a_body_that_goes_on_after_the_answer_is_closed(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    assert connection.recv(1000).endswith(b"ok")
    drip(connection, b"x")


def test_a_request_whose_body_or_answer_takes_longer_is_not_closed(connection: socket.socket) -> None:
    connection.sendall(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
    time.sleep(2 * LIMIT_S)
    connection.sendall(b"x")
    assert connection.recv(1000).endswith(b"ok")
    # Nor is one that is idle after an answer, which has its own limit.
    time.sleep(2 * LIMIT_S)
    connection.sendall(REQUEST)
    assert connection.recv(1000).endswith(b"ok")
