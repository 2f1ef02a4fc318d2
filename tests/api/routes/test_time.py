"""The limit of time of a request: what waits too long is told so, and the service goes on."""

import time
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import text

from api.security.accounts import create_token
from api.security.principal import SYSTEM, Role
from api.settings import ServiceSettings
from layers.db.database import Database
from tests.api.routes.conftest import serving

LIMIT_S = 1.0


def test_a_request_that_waits_too_long_is_given_up(ground: Database, tmp_path: Path) -> None:
    url = ground.url.render_as_string(hide_password=False)
    with ground.write() as session:
        _, token = create_token(session, SYSTEM, "admin", Role.admin, None, timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    asked = {"code": "s", "name": "s"}
    with (
        serving(ServiceSettings(database=url, uploads=tmp_path, request_s=LIMIT_S)) as address,
        httpx.Client(base_url=address, headers=headers, timeout=30) as admin,
    ):
        with ground.write() as session:
            if not ground.embedded:
                session.execute(text("LOCK TABLE schemes"))
            begun = time.monotonic()
            late = admin.post("/v1/schemes", json=asked)
            assert time.monotonic() - begun >= LIMIT_S
            assert late.status_code == 503
            assert late.headers["Content-Type"] == "application/problem+json"
            assert int(late.headers["Retry-After"]) > 0
            assert "longer than 1 s" in late.json()["detail"]
            assert admin.get("/healthz").status_code == 200
        # What was given up may still be done; the key tells that it was the same write.
        for _ in range(600):
            again = admin.post("/v1/schemes", json=asked)
            # On a busy machine this one may take longer than a second as well.
            if again.status_code not in (409, 503):
                break
            time.sleep(0.1)
        assert again.status_code == 201
    with ground.read() as session:
        assert session.scalars(text("SELECT code FROM schemes")).all() == ["s"]
