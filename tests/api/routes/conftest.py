"""A running service on a migrated database with areas, and a caller for each role."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import shapely
import uvicorn

from api.app import create_app
from api.security.accounts import create_token
from api.security.principal import SYSTEM, Role
from api.settings import ServiceSettings
from layers.db.database import Database, bump_revision
from layers.models import Area
from tests.plain_http import NO_CERTIFICATES

WEST, SOUTH, STEP = 114.0, 22.5, 0.01
Client = Callable[..., httpx.Client]


def square(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle of the ground in steps of about a kilometre, with a vertex at each half step."""
    west, south, east, north = (round(2 * value) for value in (column, row, column + width, row + height))
    ring = [(x, south) for x in range(west, east)]
    ring += [(east, y) for y in range(south, north)]
    ring += [(x, north) for x in range(east, west, -1)]
    ring += [(west, y) for y in range(north, south, -1)]
    return shapely.Polygon([(WEST + x * STEP / 2, SOUTH + y * STEP / 2) for x, y in ring])


@contextmanager
def serving(settings: ServiceSettings) -> Iterator[str]:
    """The service on a free port, in a thread."""
    config = uvicorn.Config(create_app(settings), port=0, log_config=None, access_log=False)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        for _ in range(1200):
            if server.started or not thread.is_alive():
                break
            thread.join(0.05)
        assert server.started
        yield address
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()


@pytest.fixture
def ground(database: Database) -> Database:
    """A county of two towns."""
    with database.write() as session:
        for code, parent, level, shape in (
            ("440305", None, "county", square(0, 0, 4, 2)),
            ("440305001", "440305", "town", square(0, 0, 2, 2)),
            ("440305002", "440305", "town", square(2, 0, 2, 2)),
        ):
            session.add(Area(code=code, name=f"地{code}", level=level, parent=parent, geometry=shape))
        bump_revision(session)
    return database


@pytest.fixture
def service(ground: Database, tmp_path: Path) -> Iterator[str]:
    """The address of a service."""
    url = ground.url.render_as_string(hide_password=False)
    with serving(ServiceSettings(database=url, uploads=tmp_path, request_s=20)) as address:
        yield address


@pytest.fixture
def client(service: str, ground: Database) -> Iterator[Client]:
    """Make a client with a role, bound to an area or to none."""
    made: list[httpx.Client] = []

    def make(role: str = "admin", area: str | None = None) -> httpx.Client:
        with ground.write() as session:
            _, token = create_token(
                session, SYSTEM, f"{role} {len(made)}", Role(role), area, timedelta(hours=1)
            )
        headers = {"Authorization": f"Bearer {token}"}
        made.append(httpx.Client(base_url=service, headers=headers, timeout=90, verify=NO_CERTIFICATES))
        return made[-1]

    yield make
    for each in made:
        each.close()
