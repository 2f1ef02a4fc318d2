"""What surrounds the routes: health, ids, logs without secrets, documentation, and the OpenAPI as a whole."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.app import create_app
from api.security.accounts import create_token
from api.security.principal import SYSTEM, Role
from api.settings import ServiceSettings
from layers.db.database import Database
from layers.models import Scheme
from tests.api.routes.conftest import Client


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app(ServiceSettings(database="sqlite:///nowhere.gpkg")).openapi()


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_what_it_does_and_how_it_fails(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(description)]
    assert len(set(names)) == len(names)
    for name, operation in operations(description):
        assert operation["summary"], name
        assert operation["tags"], name
        if operation.get("security") != []:
            for status in ("401", "403", "422"):
                assert "application/problem+json" in operation["responses"][status]["content"], name


def test_every_answer_and_body_has_an_example(description: dict[str, Any]) -> None:
    text = json.dumps(description)
    for reference in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert reference in description["components"]["schemas"]
    for name, schema in description["components"]["schemas"].items():
        if name.startswith(("Page", "Body", "HTTPValidation")) or "enum" in schema:
            continue
        fields = schema["properties"].values()
        assert any("examples" in each or "const" in each or "default" in each for each in fields), name


def test_an_unknown_address_tells_nothing_without_a_token(service: str, client: Client) -> None:
    assert httpx.get(f"{service}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{service}/readyz").json() == {"status": "ok"}
    for path in ("/v1/areas", "/nothing", "/openapi.json", "/metrics", "/v1/jobs/1"):
        answer = httpx.get(service + path)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    # The page of the documentation tells nothing itself, and leads whoever may not read it to signing in.
    assert "#next=docs" in httpx.get(f"{service}/docs/start.js").text
    assert "/v1/" not in httpx.get(f"{service}/docs").text
    assert client("viewer").get("/metrics").status_code == 200
    assert client("admin", "440305").get("/metrics").status_code == 403


def test_metrics_and_documentation_come_from_here(client: Client) -> None:
    admin = client()
    admin.get("/v1/areas")
    assert 'wangge_requests_total{method="GET",route="/v1/areas",status="200"}' in admin.get("/metrics").text
    page = admin.get("/docs")
    assert "'self'" in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert admin.get(f"/{name}").status_code == 200
    assert admin.get("/docs/../api/app.py").status_code == 404


def test_the_command_serves_and_stops(ground: Database, tmp_path: Path) -> None:
    if not ground.embedded:
        pytest.skip("one database is enough for processes")
    program = "from api.cli import main; main()"
    url = ground.url.render_as_string(hide_password=False)
    with ground.write() as session:
        _, token = create_token(session, SYSTEM, "admin", Role.admin, None, timedelta(hours=1))
    with subprocess.Popen(
        [sys.executable, "-c", program, "serve", "--port", "0", "--workers", "1", "--database", url],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "WANGGE_GRACE_S": "1",
        },
    ) as process:
        try:
            assert process.stderr is not None
            lines: list[str] = []
            for line in process.stderr:
                lines.append(line)
                if "startup complete" in line:
                    break
            address = next(found[0] for each in lines if (found := re.findall(r"http://\S+:\d+", each)))
            assert httpx.get(f"{address}/readyz?token=wg_secret").status_code == 200
            # A write that waits for another does not keep the service from its end.
            with ground.write(), ThreadPoolExecutor(1) as pool:
                writing = pool.submit(
                    httpx.post,
                    f"{address}/v1/schemes",
                    json={"code": "community", "name": "社区"},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=60,
                )
                with pytest.raises(FutureTimeout):
                    writing.result(1)
                process.send_signal(signal.SIGTERM)
                assert process.wait(20) == 0
                answer = writing.result()
            rest = process.stderr.read()
        finally:
            process.terminate()
    assert (answer.status_code, "nothing of this is kept" in answer.text) == (503, True)
    assert "wg_secret" not in "".join(lines) + rest
    assert "Traceback" not in rest
    with ground.read() as session:
        assert session.scalars(select(Scheme.code)).all() == []
