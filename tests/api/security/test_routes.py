"""The whole service: role × route × jurisdiction, generated from its routes, so that none can be forgotten.

Two counties hold the same things. Whatever a caller bound to one asks, by whichever route, nothing of the
other may come back; and nobody gets personal data without the right to it, nor unrecorded.
"""

import asyncio
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from api.app import create_app
from api.jobs.export_files import export_path
from api.security.accounts import create_token
from api.security.audit import Action
from api.security.principal import RIGHTS, SYSTEM, Right, Role
from api.security.requirements import AreaPolicy, RouteRequirement, route_requirements
from api.settings import ServiceSettings
from layers.db.database import Database
from layers.models import AuditEntry
from tests.api.security.conftest import bearer
from tests.api.security.two_counties import ABROAD, FOREIGN, HOME, SECRET, fill

PATHS = re.compile(r"\{(\w+)(?::\w+)?\}")


def text_of(answer: httpx.Response) -> str:
    """What an answer says; a workbook is unpacked."""
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(name).decode(errors="replace") for name in book.namelist())


class Service:
    """The application with its lifespan, called in this process."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.demands = [each for each in route_requirements(app) if each.rule.right is not None]
        self._runner = asyncio.Runner()
        self._lifespan: AbstractAsyncContextManager[Any] = app.router.lifespan_context(app)
        self._runner.run(self._lifespan.__aenter__())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self._schema = app.openapi()

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.run(self._lifespan.__aexit__(None, None, None))
        self._runner.close()

    def ask(
        self,
        demand: RouteRequirement,
        ids: dict[str, str],
        token: str | None,
        named: dict[str, str] | None = None,
        *,
        reveal: bool = False,
    ) -> Iterator[tuple[str, httpx.Response]]:
        """Ask a route by each of its methods for the thing of some ids, with what its description gives."""
        path = PATHS.sub(lambda found: ids[found[1]], demand.path)
        headers = {"If-Match": '"1"', **(bearer(token) if token is not None else {})}
        for method in sorted(demand.methods - {"HEAD"}):
            operation = self._operation(method, demand.path)
            query = {
                each["name"]: ids.get(each["name"], self._example(each.get("schema", each)))
                for each in operation.get("parameters", [])
                if each["in"] == "query" and each.get("required")
            }
            if reveal and self.reveals(method, demand.path):
                query["reveal"] = "true"
            if demand.path.startswith("/v1/lists/"):
                query["scheme"] = ids["scheme"]
            if demand.path == "/v1/search":
                query["text"] = SECRET
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            given = self._example(body.get("schema", {})) if body else None
            if demand.path == "/v1/locate":
                query = {each: ids[each] for each in ("lon", "lat")} if method == "GET" else {}
                given = {each: [float(ids[each])] for each in ("lon", "lat")} if method == "POST" else None
            if isinstance(given, dict) and named is not None:
                given |= {key: named[key] for key in ("area_code", "cell_code") if key in given}
            if isinstance(given, dict) and "geometry" in given:
                given["geometry"] = {"type": "Point", "coordinates": [float(ids["lon"]), float(ids["lat"])]}
            asked = self._client.request(method, path, params=query, headers=headers, json=given, timeout=60)
            yield method, self._runner.run(asked)

    def reveals(self, method: str, path: str) -> bool:
        """Tell whether a route can be asked for personal data."""
        parameters = self._operation(method, path).get("parameters", [])
        return any(each["name"] == "reveal" for each in parameters)

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._schema["paths"].get(path, {}).get(method.lower(), {})
        return found

    def _example(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self._example(self._schema["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        if "examples" in schema:
            return schema["examples"][0]
        for key in ("anyOf", "allOf", "oneOf"):
            if key in schema:
                return self._example(schema[key][0])
        if "properties" in schema:
            return {name: self._example(each) for name, each in schema["properties"].items()}
        if "enum" in schema:
            return schema["enum"][0]
        plain = {"integer": 1, "number": 1.0, "array": [], "object": {}, "boolean": False}
        return plain.get(schema.get("type", ""), "x")


@pytest.fixture
def ids(database: Database) -> dict[str, dict[str, str]]:
    return fill(database)


@pytest.fixture
def service(database: Database, ids: dict[str, dict[str, str]], tmp_path: Path) -> Iterator[Service]:
    url = database.url.render_as_string(hide_password=False)
    for code, name in ((HOME, "本区"), (ABROAD, FOREIGN)):
        file = export_path(tmp_path, {"layer": "areas", "format": "csv", "place": code})
        file.parent.mkdir(parents=True)
        file.write_text(f"code,name\n{code},{name}\n", encoding="utf-8")
    opened = Service(create_app(ServiceSettings(database=url, uploads=tmp_path)))
    yield opened
    opened.close()


def issue(database: Database, role: Role, area_code: str | None) -> str:
    with database.write() as session:
        return create_token(session, SYSTEM, f"{role}", role, area_code, timedelta(days=1))[1]


def named(demand: RouteRequirement, ids: dict[str, str]) -> dict[str, str]:
    """Return the ids for a route; `code` is a cell's in the history of cells, a scheme's among schemes."""
    if demand.path.startswith("/v1/schemes/{code}"):
        return {**ids, "code": "community"}
    if demand.path.startswith("/v1/exports/"):
        return {**ids, "job_id": ids["export_id"]}
    if demand.path.endswith("/handover.{form}"):
        return ids
    if demand.path.startswith("/v1/plans/"):
        return {**ids, "form": "csv"}
    if demand.path.startswith("/v1/gaps/"):
        return {**ids, "against": ids["run_id"]}
    if demand.path.startswith("/v1/lists/"):
        return {**ids, "name": "cells", "form": "csv"}
    if "/cells/{code}" in demand.path:
        return {**ids, "code": ids["cell_code"]}
    return ids


def test_nothing_but_life_answers_without_credentials(
    service: Service, ids: dict[str, dict[str, str]]
) -> None:
    public = {each.path for each in route_requirements(service.app) if each.rule.right is None}
    files = {"/", "/plan", "/web/{path:path}", "/docs", "/docs/{name}"}
    assert public - files - {"/v1/session", "/v1/session/link"} == {"/healthz", "/readyz"}
    for demand in service.demands:
        for method, answer in service.ask(demand, named(demand, ids[HOME]), None):
            assert answer.status_code == 401, (method, demand.path)


@pytest.mark.parametrize("role", Role)
def test_a_role_passes_where_it_has_the_right_and_the_ground(
    service: Service, ids: dict[str, dict[str, str]], database: Database, role: Role
) -> None:
    for area_code in (None, HOME):
        token = issue(database, role, area_code)
        for demand in service.demands:
            if "DELETE" in demand.methods:
                continue
            admitted = demand.rule.right in RIGHTS[role] and (
                demand.rule.area_policy is not AreaPolicy.unrestricted or area_code is None
            )
            if demand.path == "/v1/jobs/{job_id}/cancel":
                # The job is another's: it takes an administrator.
                admitted = Right.administer in RIGHTS[role]
            for method, answer in service.ask(demand, named(demand, ids[HOME]), token, ids[HOME]):
                case = (role, area_code, method, demand.path, answer.text)
                assert answer.status_code < 500, case
                assert (answer.status_code not in {401, 403}) == admitted, case


def test_nothing_of_another_county_comes_back_by_any_route(
    service: Service, ids: dict[str, dict[str, str]], database: Database
) -> None:
    bound, everywhere = issue(database, Role.admin, HOME), issue(database, Role.admin, None)
    telling = 0
    for demand in service.demands:
        there = named(demand, ids[ABROAD])
        if demand.methods & {"GET"}:
            telling += any(FOREIGN in answer.text for _, answer in service.ask(demand, there, everywhere))
        for method, answer in service.ask(demand, there, bound, ids[ABROAD]):
            case = (method, demand.path, answer.status_code, answer.text)
            assert FOREIGN not in text_of(answer), case
            assert answer.status_code < 500, case
            if demand.rule.area_policy is AreaPolicy.checked:
                assert answer.status_code in {403, 404, 422}, case
            if demand.rule.area_policy is AreaPolicy.unrestricted:
                assert answer.status_code == 403, case
        if demand.methods & {"POST", "PUT", "PATCH"} and demand.rule.area_policy is AreaPolicy.checked:
            # One's own thing cannot be moved abroad, nor tied to what lies there.
            for method, answer in service.ask(demand, named(demand, ids[HOME]), bound, ids[ABROAD]):
                sent = answer.request.content.decode()
                if '"area_code":"' in sent or '"cell_code":"' in sent:
                    assert answer.status_code in {403, 404, 412, 422}, (method, demand.path, answer.text)
    # Where the other county does come back for who may see it, its absence says something.
    assert telling >= 7


@pytest.mark.parametrize("role", Role)
def test_personal_data_comes_back_for_those_who_may_see_it_and_is_recorded(
    service: Service, ids: dict[str, dict[str, str]], database: Database, role: Role
) -> None:
    def reveals() -> int:
        asked = select(func.count()).where(AuditEntry.action == Action.reveal)
        with database.read() as session:
            return session.scalar(asked) or 0

    token = issue(database, role, HOME)
    revealing = 0
    for demand in service.demands:
        if not demand.methods & {"GET"}:
            continue
        here = named(demand, ids[HOME])
        for _, answer in service.ask(demand, here, token):
            assert SECRET not in text_of(answer), demand.path
        if not service.reveals("GET", demand.path):
            continue
        before = reveals()
        for _, answer in service.ask(demand, here, token, reveal=True):
            shown = Right.reveal in RIGHTS[role]
            assert answer.status_code == (200 if shown else 403), (demand.path, answer.text)
            assert (SECRET in text_of(answer)) == shown, demand.path
            # A sheet shows officers and the cell: an entry for each.
            assert (reveals() > before) == shown, demand.path
            revealing += 1
    assert revealing >= 2
