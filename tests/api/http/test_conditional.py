"""The version that a write names in If-Match."""

import asyncio
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.http.conditional import IfMatchVersion, is_not_modified, make_etag, version_etag
from gis.errors import StaleError
from layers.db.database import Database
from layers.db.versions import require_version

app = FastAPI()
app.state.database = None
problems.add_exception_handlers(app)


@app.put("/")
async def put(version: IfMatchVersion) -> int:
    return version


def ask(**headers: str) -> tuple[int, str]:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            return await client.put("/", headers=headers)

    answer = asyncio.run(send())
    return answer.status_code, answer.text


@pytest.mark.parametrize("version", [0, 3, 10**17 - 1])
def test_a_version_is_read_in_quotes_and_without(version: int) -> None:
    assert ask(**{"If-Match": f'"{version}"'}) == (200, str(version))
    assert ask(**{"If-Match": str(version)}) == (200, str(version))


@pytest.mark.parametrize("etag", [f'"{10**17}"', '""', '"-1"', '"1.5"', "*", 'W/"3"'])
def test_what_is_no_version_is_stale(etag: str) -> None:
    assert ask(**{"If-Match": etag})[0] == 412


def test_a_version_of_another_database_is_stale(tmp_path: Path) -> None:
    ours, theirs = (Database(f"sqlite:///{tmp_path / name}.gpkg") for name in ("ours", "theirs"))
    with closing(ours), closing(theirs):
        ours.migrate()
        theirs.migrate()
        app.state.database = ours
        assert ask(**{"If-Match": version_etag(ours, 3)}) == (200, "3")
        assert version_etag(ours, 3) != version_etag(theirs, 3)
        status, told = ask(**{"If-Match": version_etag(theirs, 3)})
    assert (status, "before the database was restored" in told) == (412, True)


def test_a_write_without_a_version_is_refused() -> None:
    assert ask()[0] == 428


def test_another_version_is_stale_be_it_older_or_newer() -> None:
    require_version(2, 2)
    for expected in (1, 3):
        with pytest.raises(StaleError, match=f"version 2, not {expected}"):
            require_version(2, expected)


def test_an_etag_tells_what_it_is_made_of() -> None:
    etags = [make_etag(*parts) for parts in ((1, 2), (12,), (1, "2"), (2, 1))]
    assert len(set(etags)) == 4
    assert make_etag(1, 2) == etags[0]
    assert all(etag[0] == etag[-1] == '"' and len(etag) == 26 for etag in etags)


@pytest.mark.parametrize(
    ("if_none_match", "etag", "expected"),
    [
        (None, '"a"', False),
        ("", '"a"', False),
        ('"a"', '"a"', True),
        ('W/"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ('"b", W/"a" ,"c"', '"a"', True),
        ('"ab"', '"a"', False),
        ('"b","c"', '"a"', False),
    ],
)
def test_an_answer_is_not_modified_where_one_of_the_tags_is_its_own(
    if_none_match: str | None, etag: str, *, expected: bool
) -> None:
    assert is_not_modified(if_none_match, etag) is expected
