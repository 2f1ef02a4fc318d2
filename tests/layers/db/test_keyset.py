"""Pages: none is empty but the only one, and none repeats or leaves out a record."""

from itertools import chain
from typing import Any

import pytest
import shapely
from sqlalchemy import select

from gis.errors import InputError
from layers.db.database import Database
from layers.db.keyset import PageRequest
from layers.models import Area

CODES = ["1", "2", "3", "4"]


@pytest.fixture
def areas(database: Database) -> Database:
    with database.write() as session:
        session.add_all(
            Area(code=code, name=code, level="", parent=None, geometry=shapely.box(0, 0, 1, 1))
            for code in CODES
        )
    return database


def pages(database: Database, limit: int, **options: Any) -> list[list[str]]:
    """Follow `next` from page to page; return the codes of each."""
    found: list[list[str]] = []
    cursor: str | None = None
    with database.read() as session:
        for _ in range(10):
            rows, cursor = PageRequest(limit, cursor).fetch(session, select(Area), Area.code, **options)
            found.append([row[0].code for row in rows])
            if cursor is None:
                return found
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1]), (4, [4]), (5, [4])]
)
def test_pages_hold_each_record_once(areas: Database, limit: int, sizes: list[int]) -> None:
    found = pages(areas, limit)
    assert ([len(page) for page in found], list(chain(*found))) == (sizes, CODES)
    backwards = pages(areas, limit, descending=True)
    assert ([len(page) for page in backwards], list(chain(*backwards))) == (sizes, CODES[::-1])


def test_pages_go_on_within_records_of_one_name(areas: Database) -> None:
    with areas.read() as session:
        first, cursor = PageRequest(3, None).fetch(session, select(Area), Area.level, Area.code)
        rest, end = PageRequest(3, cursor).fetch(session, select(Area), Area.level, Area.code)
    assert [row[0].code for row in (*first, *rest)] == CODES
    assert end is None


def test_an_empty_list_is_one_page(database: Database) -> None:
    assert pages(database, 1) == [[]]


@pytest.mark.parametrize(
    ("cursor", "message"),
    [("!", "is none"), ("é", "is none"), ("WzFd", "of another list"), ("WyIxIiwiMSJd", "of another list")],
)
def test_a_cursor_of_another_list_is_refused(areas: Database, cursor: str, message: str) -> None:
    with areas.read() as session, pytest.raises(InputError, match=message):
        PageRequest(1, cursor).fetch(session, select(Area), Area.code)
