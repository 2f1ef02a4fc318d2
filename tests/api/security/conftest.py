"""A service of a few routes of every kind, with areas, and a token for each role and area."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import shapely
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy import select
from starlette.requests import Request as PlainRequest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from api import problems
from api.routes.session import router as session_router
from api.security.accounts import create_account, create_token
from api.security.caller import Caller, get_principal
from api.security.principal import SYSTEM, Right, Role
from api.security.requirements import AccessRule, AreaPolicy, declare_access, public, requires
from api.security.setup import add_security, open_credential_cache
from gis.errors import NotFoundError
from layers.areas.scope import within
from layers.db.database import Database
from layers.models import Area

PASSWORD = "correct horse battery"
AREAS = {
    "4403": None,
    "440305": "4403",
    "440305001": "440305",
    "440306": "4403",
    # Not every country nests its codes: only the parents tell.
    "MC-LC": "440306",
}
BENEATH = {
    None: set(AREAS),
    "4403": set(AREAS),
    "440305": {"440305", "440305001"},
    "440305001": {"440305001"},
    "440306": {"440306", "MC-LC"},
    "MC-LC": {"MC-LC"},
}

router = APIRouter(prefix="/v1")


@router.get("/areas")
@requires(Right.read, AreaPolicy.filtered)
def areas(caller: Caller, request: Request) -> list[str]:
    with request.app.state.database.read() as session:
        return sorted(session.scalars(select(Area.code).where(within(Area.code, caller.area_code))))


@router.get("/areas/{code}")
@requires(Right.read, AreaPolicy.checked)
async def area(code: str, caller: Caller) -> str:
    if not caller.covers(code):
        raise NotFoundError(f"There is no area '{code}'.")
    return code


@router.put("/areas/{code}")
@requires(Right.draft, AreaPolicy.checked)
async def put_area(code: str, caller: Caller) -> str:
    caller.require_area(code)
    return code


@router.post("/entities")
@requires(Right.record, AreaPolicy.checked)
async def create_entity(caller: Caller, body: dict[str, str]) -> dict[str, str]:
    caller.require_area(body.get("area_code"))
    return body


@router.post("/schemes")
@requires(Right.draft, AreaPolicy.unrestricted)
async def create_scheme(caller: Caller) -> str:
    return caller.label


@router.get("/audit")
@requires(Right.administer, AreaPolicy.filtered)
async def audit_entries() -> list[str]:
    return []


@router.get("/healthz")
@public
async def healthz() -> str:
    return "ok"


@requires(Right.bulk, AreaPolicy.filtered)
async def locate(request: PlainRequest) -> JSONResponse:
    covered = get_principal(request.scope).covered
    return JSONResponse(None if covered is None else sorted(covered))


def make_app(database: Database) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.database = database
    problems.add_exception_handlers(app)
    app.include_router(session_router)
    app.include_router(router)
    app.router.routes.append(Route("/v1/locate", locate, methods=["POST"]))
    app.mount("/assets", declare_access(AccessRule(Right.enter, AreaPolicy.none))(PlainTextResponse("page")))
    add_security(app, body_bytes=1000, upload_bytes=5000, upload_paths=["/v1/imports"])
    open_credential_cache(app, database)
    return app


@pytest.fixture
def ground(database: Database) -> Database:
    """A database with areas."""
    with database.write() as session:
        session.add_all(
            Area(code=code, name=code, level="", parent=parent, geometry=shapely.box(0, 0, 1, 1))
            for code, parent in AREAS.items()
        )
    return database


@pytest.fixture
def app(ground: Database) -> FastAPI:
    return make_app(ground)


Token = Callable[..., str]


@pytest.fixture
def token(ground: Database) -> Token:
    """Make a token of a role, bound to an area."""

    def make(role: Role, area_code: str | None = None, *, personal: bool = False) -> str:
        with ground.write() as session:
            return create_token(
                session, SYSTEM, "test", role, area_code, timedelta(days=1), personal=personal
            )[1]

    return make


class Client:
    """Calls an application in this process, keeping cookies; each caller may come from another address."""

    def __init__(
        self, app: Any, *, base_url: str = "http://localhost", address: str = "192.0.2.1", root_path: str = ""
    ) -> None:
        transport = httpx.ASGITransport(
            app, raise_app_exceptions=False, client=(address, 1024), root_path=root_path
        )
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url)
        self.cookies = self._client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(app: FastAPI) -> Iterator[MakeClient]:
    """Make clients of the service, at an address, under a URL."""
    made: list[Client] = []

    def make(**options: Any) -> Client:
        made.append(Client(app, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()


@pytest.fixture
def monitor(ground: Database) -> str:
    """The name of an account that reads county 440305."""
    with ground.write() as session:
        create_account(session, SYSTEM, "monitor", Role.viewer, "440305", PASSWORD)
    return "monitor"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
