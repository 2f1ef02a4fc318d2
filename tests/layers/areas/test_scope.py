"""What lies within an area: itself, all beneath it, and nothing without an area."""

import shapely
from sqlalchemy import select

from layers.areas.scope import beneath, within
from layers.db.database import Database
from layers.models import Area

SQUARE = shapely.box(114.0, 22.5, 114.1, 22.6)


def test_an_area_holds_itself_and_all_beneath_it(database: Database) -> None:
    with database.write() as session:
        for code, parent in (("1", None), ("11", "1"), ("111", "11"), ("12", "1"), ("2", None)):
            session.add(Area(code=code, name=code, level="x", parent=parent, geometry=SQUARE))
    with database.read() as session:

        def seen(scope: str | None) -> list[str]:
            return sorted(session.scalars(select(Area.code).where(within(Area.code, scope))))

        assert seen(None) == ["1", "11", "111", "12", "2"]
        assert seen("1") == ["1", "11", "111", "12"]
        assert seen("11") == ["11", "111"]
        assert seen("111") == ["111"]
        assert seen("3") == []
        # Areas at the top have no parent, which lies in no area.
        assert sorted(session.scalars(select(Area.code).where(within(Area.parent, "1")))) == [
            "11",
            "111",
            "12",
        ]
        assert list(session.scalars(beneath("3"))) == ["3"]


def test_parents_in_a_circle_come_to_an_end(database: Database) -> None:
    with database.write() as session:
        for code, parent in (("1", "2"), ("2", "1")):
            session.add(Area(code=code, name=code, level="x", parent=parent, geometry=SQUARE))
    with database.read() as session:
        assert sorted(session.scalars(beneath("1"))) == ["1", "2"]
