"""The gate: every route × role × jurisdiction, generated from the routes, and what no caller gets past."""

import time
from collections.abc import Iterable

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import delete, update

from api.security import credential_cache
from api.security.accounts import create_token, list_tokens, revoke_token
from api.security.credentials import is_token
from api.security.principal import RIGHTS, SYSTEM, Right, Role
from api.security.requirements import (
    AccessRule,
    AreaPolicy,
    RouteTable,
    UndeclaredRouteError,
    public,
    requires,
    route_requirements,
)
from api.security.setup import add_security
from layers.db.database import Database
from layers.models import Token as TokenRecord
from tests.api.security.conftest import AREAS, BENEATH, Client, MakeClient, Token, bearer

BOUND = [None, "4403", "440305", "440306", "MC-LC"]


def requests(app: FastAPI) -> Iterable[tuple[str, str, AccessRule]]:
    for demand in route_requirements(app):
        for method in sorted(demand.methods):
            path = demand.path.replace("{code}", "440305001").replace("/assets", "/assets/page.html")
            yield method, path, demand.rule


def test_only_public_routes_answer_without_credentials(client: Client, app: FastAPI) -> None:
    asked = list(requests(app))
    assert len(asked) >= 12
    for method, path, demanded in asked:
        status = client.request(method, path, json={}).status_code
        assert (status != 401) == (demanded.right is None), (method, path)
    assert client.get("/v1/healthz").json() == "ok"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/v1/none", "/v1/areas/", "/v1/areas/%0a", "//v1/areas"]
)
def test_an_unknown_path_tells_nothing_without_credentials(client: Client, token: Token, path: str) -> None:
    assert client.get(path).status_code == 401
    found = client.get(path, headers=bearer(token(Role.viewer, "440305")))
    assert found.status_code == 404
    assert found.headers["content-type"] == "application/problem+json"


def test_each_route_admits_exactly_the_roles_and_areas_it_declares(
    client: Client, app: FastAPI, token: Token
) -> None:
    body = {"area_code": "440305001"}
    for role in Role:
        for area_code in (None, "440305", "440306"):
            headers = bearer(token(role, area_code))
            for method, path, demanded in requests(app):
                status = client.request(method, path, headers=headers, json=body).status_code
                case = (role, area_code, method, path)
                if demanded.right is None:
                    assert status not in {401, 403}, case
                elif demanded.right not in RIGHTS[role] or (
                    demanded.area_policy is AreaPolicy.unrestricted and area_code is not None
                ):
                    assert status == 403, case
                elif demanded.area_policy is AreaPolicy.checked and "440305001" not in BENEATH[area_code]:
                    assert status == (404 if method == "GET" else 403), case
                else:
                    assert status in {200, 204}, case


@pytest.mark.parametrize("area_code", BOUND)
def test_sql_and_memory_agree_on_what_an_area_covers(
    client: Client, token: Token, area_code: str | None
) -> None:
    headers = bearer(token(Role.integrator, area_code))
    assert set(client.get("/v1/areas", headers=headers).json()) == BENEATH[area_code]
    covered = client.post("/v1/locate", headers=headers).json()
    assert covered is None if area_code is None else set(covered) == BENEATH[area_code]
    for code in AREAS:
        status = client.get(f"/v1/areas/{code}", headers=headers).status_code
        assert status == (200 if code in BENEATH[area_code] else 404)


def test_an_unloaded_area_covers_nothing_else(client: Client, token: Token) -> None:
    headers = bearer(token(Role.viewer, "44"))
    assert client.get("/v1/areas", headers=headers).json() == []


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Bearer wg_", "Bearer wg_" + "0" * 43, "Basic dXNlcjpwdw==", "wg_" + "0" * 43,
     "Bearer wg_" + "é" * 43, "Bearer " + "x" * 10_000],
)  # fmt: skip
def test_a_token_that_is_none_is_refused(client: Client, value: str) -> None:
    answer = client.get("/v1/areas", headers={"Authorization": value.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "x" * 100 not in answer.text


def test_a_revoked_or_expired_token_is_refused_within_two_seconds(
    client: Client, token: Token, ground: Database
) -> None:
    revoked, expired = token(Role.viewer), token(Role.viewer)
    for each in (revoked, expired):
        assert client.get("/v1/areas", headers=bearer(each)).status_code == 200
    with ground.write() as session:
        first, second = list_tokens(session, SYSTEM)
        revoke_token(session, SYSTEM, str(first.id))
        session.execute(
            update(TokenRecord).where(TokenRecord.id == second.id).values(expires_at=second.created_at)
        )
    end = time.monotonic() + 2
    while True:
        # What is asked when they are over counts, however long the answers take.
        over = time.monotonic() >= end
        statuses = {client.get("/v1/areas", headers=bearer(each)).status_code for each in (revoked, expired)}
        if statuses == {401}:
            return
        assert not over, statuses
        time.sleep(0.05)


def test_a_known_caller_needs_no_database_for_a_while(
    client: Client, token: Token, ground: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_cache, "CACHE_TTL_S", 60.0)
    given = token(Role.viewer)
    assert client.get("/v1/session", headers=bearer(given)).status_code == 200
    with ground.write() as session:
        session.execute(delete(TokenRecord))
    assert client.get("/v1/session", headers=bearer(given)).status_code == 200


def test_a_token_is_kept_as_its_hash_and_named_by_its_prefix(token: Token, ground: Database) -> None:
    given = token(Role.integrator, "440305")
    assert is_token(given)
    with ground.read() as session:
        (kept,) = list_tokens(session, SYSTEM)
        values = {str(getattr(kept, column.key)) for column in TokenRecord.__table__.columns}
        assert given not in " ".join(values)
        assert given.startswith(kept.prefix)
        assert len(kept.prefix) == 9


def test_a_method_that_a_path_has_not_tells_those_it_has(client: Client, token: Token) -> None:
    answer = client.delete("/v1/areas/440305", headers=bearer(token(Role.viewer)))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PUT"
    assert client.delete("/v1/areas/440305").status_code == 401


def test_an_undeclared_route_keeps_the_application_from_starting() -> None:
    app = FastAPI(openapi_url=None)
    router = APIRouter()

    @router.get("/forgotten/{what}")
    def forgotten(what: str) -> str:
        return what

    app.include_router(router, prefix="/v1")
    with pytest.raises(UndeclaredRouteError, match=r"GET /v1/forgotten/\{what\}"):
        add_security(app)


def test_the_directory_finds_the_route_that_the_router_takes() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/plans/{plan}")
    @requires(Right.read, AreaPolicy.checked)
    def plan(plan: str) -> str:
        return plan

    @app.get("/plans/open")
    @public
    def shadowed() -> str:
        return ""

    directory = RouteTable(route_requirements(app))
    assert directory.find("GET", "/plans/open") == AccessRule(Right.read, AreaPolicy.checked)
    assert directory.find("POST", "/plans/open") is None
    assert directory.allowed_methods("/plans/open") == {"GET"}


def test_the_gate_stands_behind_the_prefix_of_a_proxy(make_client: MakeClient, token: Token) -> None:
    client = make_client(root_path="/wangge")
    assert client.get("/wangge/v1/areas").status_code == 401
    answer = client.get("/wangge/v1/areas", headers=bearer(token(Role.viewer, "440305001")))
    assert answer.json() == ["440305001"]


def test_a_caller_gives_away_no_more_ground_than_their_own(ground: Database) -> None:
    from datetime import timedelta

    from api.security.principal import Principal
    from gis.errors import ForbiddenError, InputError, NotFoundError

    covered = frozenset(BENEATH["440305"])
    admin = Principal("account", 1, "county", Role.admin, RIGHTS[Role.admin], "440305", covered)
    with ground.write() as session:
        whole, _ = create_token(session, SYSTEM, "whole", Role.viewer, None, timedelta(days=1))
        own, _ = create_token(session, admin, "own", Role.viewer, "440305001", timedelta(days=1))
        for foreign in (None, "4403", "440306"):
            with pytest.raises(ForbiddenError):
                create_token(session, admin, "more", Role.viewer, foreign, timedelta(days=1))
        with pytest.raises(InputError, match="integrators only"):
            create_token(session, admin, "p", Role.viewer, "440305", timedelta(days=1), personal=True)
        assert [each.id for each in list_tokens(session, admin)] == [own.id]
        with pytest.raises(NotFoundError):
            revoke_token(session, admin, str(whole.id))
