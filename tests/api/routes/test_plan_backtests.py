"""The backtest of a plan over HTTP and at the command line."""

from datetime import date

import httpx
import numpy as np
import pytest

from layers.db.database import Database
from layers.plans.backtest import read_backtest
from tests.api.conftest import Run
from tests.api.routes.conftest import Client
from tests.layers.plans.redrawn import publish_with_entities, redraw_copy

PERIOD = {"since": "2026-01-10", "until": "2026-02-28"}


@pytest.fixture
def drafted(database: Database) -> int:
    rng = np.random.default_rng(1)
    with database.write() as session:
        publish_with_entities(session, rng)
        return redraw_copy(session, rng).id


@pytest.fixture
def ground(drafted: int, database: Database) -> Database:
    """In the place of the county of two towns."""
    return database


def test_a_backtest_tells_both_sides_and_what_it_did_not_look_at(
    client: Client, drafted: int, database: Database
) -> None:
    viewer: httpx.Client = client("viewer")
    path = f"/v1/plans/{drafted}/backtest"
    answer = viewer.get(path, params=PERIOD)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    with database.read() as session:
        found = read_backtest(session, drafted, since=date(2026, 1, 10), until=date(2026, 2, 28))
    assert (told["days"], told["not_looked_at"].keys()) == (50, {"visits", "events"})
    for side in ("before", "after"):
        cells = {each["code"]: each for each in told[side]["cells"]}
        for each in getattr(found, side).cells:
            assert cells[each.owner]["loads"]["households"] == pytest.approx(
                each.loads["households"], abs=1e-3
            )
    assert [each["external_id"] for each in told["before"]["officers"]] == [
        f"G-{number}" for number in range(8)
    ]
    assert all("Officer" not in each["name"] for each in told["before"]["officers"])
    assert viewer.get(f"{path}.xlsx", params=PERIOD | {"lang": "en"}).content[:2] == b"PK"
    assert viewer.get(path, params={"since": "2026-02-01", "until": "2026-01-01"}).status_code == 422
    assert client("viewer", "440304001").get(path).status_code == 404
    assert viewer.get(path, params={"reveal": "true"}).status_code == 403
    shown = client().get(path, params={"reveal": "true", **PERIOD}).json()
    assert {each["name"] for each in shown["before"]["officers"]} == {
        f"Officer {number}" for number in range(8)
    }


def test_the_command_writes_a_workbook(wangge: Run, drafted: int, database: Database, tmp_path) -> None:
    url = database.url.render_as_string(hide_password=False)
    book = tmp_path / "backtest.xlsx"
    given = ("plan", "backtest", drafted, "--since", "2026-01-10", "--until", "2026-02-28", "--database", url)
    outcome = wangge(*given, "-o", book, "--lang", "en")
    assert outcome.code == 0, outcome.err
    assert book.read_bytes()[:2] == b"PK"
    assert "Households of cells: mean" in outcome.out
    assert "not looked at: visits" in outcome.out
    refused = wangge(*given, "-o", tmp_path / "backtest.pdf")
    assert (refused.code, "give it the extension .xlsx" in refused.err) == (2, True)
