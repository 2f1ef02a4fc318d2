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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
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
from layers.models import (
    Absence,
    Area,
    AreaAdjustment,
    Assignment,
    AuditEntry,
    Cell,
    CellGroup,
    CellLock,
    CellUnit,
    Entity,
    Gap,
    GapRun,
    GroupCell,
    Job,
    Officer,
    Plan,
    PlanCell,
    PlanState,
    Post,
    Scheme,
    Waiver,
)
from tests.api.security.conftest import bearer

HOME, ABROAD = "440305", "440306"
FOREIGN = "外区"
SECRET = "秘密电话13900007788"
PATHS = re.compile(r"\{(\w+)(?::\w+)?\}")
DAY = date(2026, 1, 1)


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


def fill(database: Database) -> dict[str, dict[str, str]]:
    """Store the same things in two counties; return the ids of each, by the names of path parameters."""
    now = datetime.now(UTC)
    ids: dict[str, dict[str, str]] = {}
    with database.write() as session:
        session.add(Area(code="4403", name="city", level="city", geometry=shapely.box(113, 22, 115, 23)))
        scheme = Scheme(
            code="community", name="community", working_crs="EPSG:4547", rules={}, created_at=now, version=1
        )
        session.add(scheme)
        session.flush()
        report = {"changes": [], "ground": [], "effects": {}}
        adjustment = AreaAdjustment(valid_from=DAY, created_by=FOREIGN, created_at=now, report=report)
        session.add(adjustment)
        whole = gap_run(scheme.id, None, FOREIGN)
        session.add(whole)
        session.flush()
        for code, name, west in ((HOME, "本区", 113), (ABROAD, FOREIGN, 114)):
            ground = shapely.box(west, 22, west + 1, 23)
            plan = Plan(
                scheme_id=scheme.id, name=name, state=PlanState.published, area_code=code, valid_from=DAY,
                created_by="test", created_at=now, published_at=now, checked_at=now, version=1,
                findings={"valid": True, "summary": {}, "findings": []},
            )  # fmt: skip
            officer = Officer(
                external_id=f"{name} officer", area_code=code, personal={"name": SECRET}, attributes={},
                valid_from=DAY, version=1,
            )  # fmt: skip
            entity = Entity(
                kind="household", external_id=f"{name} household", name=name, area_code=code, attributes={},
                personal={"contact": SECRET}, valid_from=DAY, version=1, geometry=ground.centroid,
            )  # fmt: skip
            job = Job(
                kind="check", state="done", area_code=code, created_by=name, created_at=now,
                cancel_asked=False, done=0, parameters={"name": name}, version=1,
            )  # fmt: skip
            file = Job(
                kind="export", state="done", area_code=code, created_by=name, created_at=now,
                cancel_asked=False, done=1, version=1,
                result={"rows": 1, "expires_at": "2999-01-01T00:00:00Z"},
                parameters={"layer": "areas", "format": "csv", "place": code, "reveal": False},
            )  # fmt: skip
            entry = AuditEntry(
                at=now, actor=name, action=Action.record, subject=name, area_code=code, details={}
            )
            session.add_all([
                Area(code=code, name=name, level="county", parent="4403", geometry=ground),
                plan, officer, entity, job, file, entry,
            ])  # fmt: skip
            session.flush()
            cell = Cell(
                scheme_id=scheme.id, plan_id=plan.id, code=f"{code}000000001", name=name, kind="",
                area_code=code, area_m2=1.0, perimeter_m=1.0, attributes={}, personal={"leader": SECRET},
                valid_from=DAY, geometry=ground,
            )  # fmt: skip
            post = Post(
                officer_id=officer.id, scheme_id=scheme.id, cell_code=cell.code, duty="leader", rank="A",
                valid_from=DAY, version=1,
            )  # fmt: skip
            belongs = Assignment(
                entity_id=entity.id, scheme_id=scheme.id, cell_code=cell.code, share=1.0, method="inside",
                valid_from=DAY,
            )  # fmt: skip
            waiver = Waiver(
                scheme_id=scheme.id, plan_id=plan.id, rule="caps.households", cell_code=cell.code,
                content_hash="", reason=name, created_by=name, created_at=now,
            )  # fmt: skip
            lock = CellLock(plan_id=plan.id, cell_code=cell.code, locked_by=name, locked_at=now)
            session.add_all([cell, post, belongs, waiver, lock])
            session.flush()
            session.add(PlanCell(plan_id=plan.id, cell_id=cell.id))
            session.add(CellUnit(cell_id=cell.id, unit_code=f"{name} unit"))
            group = CellGroup(
                scheme_id=scheme.id, code=f"{code}P", name=name, area_code=code, valid_from=DAY, version=1
            )
            absence = Absence(
                officer_id=officer.id, valid_from=DAY, valid_to=DAY + timedelta(days=1),
                personal={"reason": SECRET}, created_by=name, created_at=now, version=1,
            )  # fmt: skip
            session.add_all([group, absence])
            session.flush()
            session.add(
                GroupCell(
                    group_id=group.id, scheme_id=scheme.id, cell_code=cell.code, valid_from=DAY, version=1
                )
            )
            for place in ({"group_id": group.id}, {"area_code": code}, {"entity_id": entity.id}):
                at_place = {"scheme_id": scheme.id, **place, "duty": "leader", "rank": "A"}
                published = {"published_name": name, "valid_from": DAY, "version": 1}
                session.add(Post(officer_id=officer.id, **at_place, **published))
            # Each county's gap is in a run of its own, and in the one of all ground.
            own = gap_run(scheme.id, code, name)
            session.add(own)
            session.flush()
            found = [gap(run.id, cell, name) for run in (own, whole)]
            session.add_all(found)
            session.flush()
            ids[code] = {
                "code": code, "scheme": "community", "plan_id": str(plan.id), "against": str(plan.id),
                "entity_id": str(entity.id), "officer_id": str(officer.id), "post_id": str(post.id),
                "job_id": str(job.id), "export_id": str(file.id), "run_id": str(own.id),
                "waiver_id": str(waiver.id),
                "gap_id": str(found[1].id), "form": "html",
                "group": group.code, "absence_id": str(absence.id),
                # The tile that this county fills, with a strip of the other.
                "z": "8", "x": str(int((west + 180.5) / 360 * 256)), "y": "111",
                "adjustment_id": str(adjustment.id), "measure": "households", "style": "calm",
                "lon": str(west + 0.5), "lat": "22.5", "name": "start.js",
                "cell_code": cell.code, "area_code": code,
            }  # fmt: skip
    return ids


def gap_run(scheme_id: int, area_code: str | None, name: str) -> GapRun:
    counted = {"gaps": 1, "high": 1, "medium": 0, "low": 0, "area_m2": 1.0, "households": 1, "enterprises": 1}
    summary = {"gaps": 1, "kinds": {"unassigned": counted}, "skipped": {}}
    return GapRun(
        scheme_id=scheme_id, area_code=area_code, on=DAY, rules={}, summary=summary, created_by=name,
        created_at=datetime.now(UTC),
    )  # fmt: skip


def gap(run_id: int, cell: Cell, name: str) -> Gap:
    return Gap(
        run_id=run_id, kind="unassigned", severity="high", cell_code=cell.code, area_code=cell.area_code,
        area_m2=1.0, households=1, enterprises=1, rule="", detail=name, geometry=cell.geometry,
        figures={"entity_kind": "household", "entity_id": name, "reason": "outside"},
    )  # fmt: skip


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
