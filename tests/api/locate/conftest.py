"""`/v1/locate` over a socket, beside a database with plans that are in force."""

import socket
from contextlib import ExitStack, contextmanager
from threading import Thread
from time import sleep
from types import SimpleNamespace

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api import problems
from api.routes.locate import router
from api.security import caller
from api.security.principal import SYSTEM
from layers.snapshot import SnapshotHolder
from tests.api.locate.plans import COMMUNITIES, FINE, GRID, TODAY
from tests.layers.snapshot.published import DAYS, publish


@contextmanager
def serving(database, who):
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    problems.add_exception_handlers(app)
    app.state.snapshots = SnapshotHolder(database, today=lambda: TODAY)
    app.state.snapshots.refresh()
    state = SimpleNamespace(who=who)

    async def signed_in(scope, receive, send):
        caller.set_principal(scope, state.who)
        await app(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(signed_in, lifespan="off", log_config=None))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        sleep(0.005)
    port = listening.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        yield SimpleNamespace(get=client.get, post=client.post, state=state)
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def serve():
    """Serve `/v1/locate` over a database to somebody, until the test ends."""
    with ExitStack() as stack:
        yield lambda database, who=SYSTEM: stack.enter_context(serving(database, who))


@pytest.fixture
def ask(database, serve):
    """Ask about two plans that are in force."""
    publish(database, "community", GRID, DAYS[0], areas=COMMUNITIES)
    publish(database, "safety", FINE, DAYS[0])
    return serve(database)
