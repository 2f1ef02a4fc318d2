"""The short way to the fastest routes: the same answers as by the router, and nobody else's."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api import problems
from api.app import create_app
from api.http.fast_path import FastPathMiddleware
from api.routes import FAST_PATHS
from api.routes.locate import router
from api.security import caller
from api.security.requirements import route_requirements
from api.settings import ServiceSettings
from layers.db.database import Database
from layers.snapshot import SnapshotHolder
from tests.api.locate.plans import BAOAN, COMMUNITIES, GRID, ON_ONE_DATABASE, TODAY
from tests.layers.snapshot.published import DAYS, publish

QUESTIONS = [
    ("GET", "/v1/locate?lon=114.0001&lat=22.5001"),
    ("GET", "/v1/locate?lon=114.0011&lat=22.5001&scheme=community"),
    ("GET", "/v1/locate?lon=114.0001&lat=22.5001&at=2024-02-01&datum=gcj02"),
    ("GET", "/v1/locate?lon=114.0001&lat=22.5001&at=2023-02-01"),
    ("GET", "/v1/locate?lon=1%31%34.0001&lat=22.5001"),
    ("GET", "/v1/locate?lon=0&lat=0"),
    ("GET", "/v1/locate?lon=114.0001"),
    ("GET", "/v1/locate?lon=114.0001&lat=22.5001&scheme=none"),
    ("GET", "/v1/locate?lon=114.0001&lat=22.5001&at=never"),
    ("GET", "/v1/locate"),
    ("HEAD", "/v1/locate?lon=114.0001&lat=22.5001"),
    ("POST", "/v1/locate"),
    ("DELETE", "/v1/locate"),
    ("GET", "/v1/locate/"),
    ("GET", "/v1/Locate"),
    ("GET", "/"),
]


def ask(app: Any, root_path: str) -> list[tuple[int, str | None, bytes]]:
    async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
        caller.set_principal(scope, BAOAN)
        await app(scope, receive, send)

    async def all_questions() -> list[tuple[int, str | None, bytes]]:
        transport = httpx.ASGITransport(signed_in, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            told = [await client.request(method, root_path + path) for method, path in QUESTIONS]
        return [(each.status_code, each.headers.get("content-type"), each.content) for each in told]

    return asyncio.run(all_questions())


@ON_ONE_DATABASE
@pytest.mark.parametrize("root_path", ["", "/grid"])
def test_it_answers_as_the_router_does(database: Database, root_path: str) -> None:
    publish(database, "community", GRID, DAYS[0], areas=COMMUNITIES)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    problems.add_exception_handlers(app)
    app.state.snapshots = SnapshotHolder(database, today=lambda: TODAY)
    app.state.snapshots.refresh()
    expected = ask(app, root_path)
    taken: list[str] = []
    endpoint = FAST_PATHS["/v1/locate"]

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        taken.append(scope["wangge.route"])
        await endpoint(scope, receive, send)

    app.middleware_stack = None
    app.add_middleware(FastPathMiddleware, routes={"/v1/locate": noted})
    assert ask(app, root_path) == expected
    assert taken == ["/v1/locate"] * 10
    assert {status for status, _, _ in expected} >= {200, 404, 405, 422}


def test_each_of_its_endpoints_is_the_route_that_the_gate_knows() -> None:
    app = create_app(ServiceSettings(database="sqlite:///nowhere.gpkg"))
    listed = {each.path: each.rule for each in route_requirements(app) if "GET" in each.methods}
    for path, endpoint in FAST_PATHS.items():
        assert "{" not in path
        assert listed[path] is endpoint.__wangge_access__  # type: ignore[attr-defined]
