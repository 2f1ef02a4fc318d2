"""Rows from before personal data was recognised wherever it comes in: moved, masked, and none of it lost."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import shapely
from sqlalchemy import insert, select, text

from layers.db import migrations
from layers.db.content_hash import hash_entity
from layers.db.database import Database
from layers.models import Cell, Entity, EntityVersion, Gap, GapRun, Job, Officer, Plan, Scheme

DAY = date(2026, 1, 1)
ID_NUMBER, MOBILE = "110101199003077651", "13800001234"
PLACE = shapely.Point(114.05, 22.55)


def add(database: Database, table: Any, **values: Any) -> None:
    """Insert a row as the former version would have."""
    if table is Cell:
        values["personal"] = {}
    with database.write() as session:
        session.execute(insert(table).values(values))


def fill(database: Database) -> None:
    common = {"valid_from": DAY, "version": 3, "personal": {}, "content_hash": "of before"}
    add(
        database, Entity, id=1, kind="household", external_id="h1", name="张三", geometry=PLACE,
        attributes={"紧急联系人": "李四", "备注": f"电话 {MOBILE}", "persons": 3, "phone": "1"},
        **common | {"personal": {"phone": MOBILE}},
    )  # fmt: skip
    add(
        database,
        Entity,
        id=2,
        kind="shop",
        external_id="s1",
        name="阳光",
        attributes={"residents": 30},
        **common,
    )
    add(
        database,
        Entity,
        id=3,
        kind="shop",
        external_id=ID_NUMBER,
        name=f"店 {MOBILE}",
        attributes={},
        **common,
    )
    add(
        database, EntityVersion, id=1, entity_id=1, name="张大", attributes={"mobile_no": MOBILE},
        personal={}, valid_from=DAY, valid_to=DAY, version=2,
    )  # fmt: skip
    add(
        database, Officer, id=1, external_id=MOBILE, personal={}, attributes={"姓名": "李雷", "公示电话":
        MOBILE}, valid_from=DAY, version=1,
    )  # fmt: skip
    now = datetime.now(UTC)
    add(
        database,
        Scheme,
        id=1,
        code="c",
        name="c",
        working_crs="EPSG:4547",
        rules={},
        created_at=now,
        version=1,
    )
    add(database, Plan, id=1, scheme_id=1, name="p", state="draft", created_by="t", created_at=now, version=1)
    add(
        database, GapRun, id=1, scheme_id=1, on=DAY, rules={}, summary={}, created_by="t", created_at=now,
    )  # fmt: skip
    figures = {"entity_kind": "shop", "entity_id": ID_NUMBER, "share": 1}
    add(
        database, Gap, id=1, run_id=1, kind="unassigned", severity="high", area_m2=0, households=0,
        enterprises=0, rule="", detail=f"The shop {ID_NUMBER} is in no cell.", figures=figures,
    )  # fmt: skip
    rejected = [
        {"record": 1, "id": ID_NUMBER, "reason": "ended"},
        {"record": 2, "id": "a", "reason": "ended"},
    ]
    add(
        database, Job, id=1, kind="import-entities", state="done", created_by="t", created_at=now, done=0,
        version=1, cancel_asked=False, parameters={}, result={"inserted": 1, "rejected_records": rejected},
    )  # fmt: skip
    cell = {
        "scheme_id": 1,
        "plan_id": 1,
        "kind": "",
        "area_m2": 1.0,
        "perimeter_m": 4.0,
        "geometry": PLACE.buffer(1),
    }
    add(
        database,
        Cell,
        id=1,
        code="c1",
        name="一",
        attributes={"网格员姓名": "王五", "households": 30},
        **cell,
    )
    add(database, Cell, id=2, code="c2", name=f"王五 {MOBILE}", attributes={}, **cell)


def test_what_is_personal_moves_to_where_it_is_masked(database: Database) -> None:
    fill(database)
    before = database.read_revision()
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "0002")
    database.migrate()
    assert database.read_revision() == before + 1
    with database.read() as session:
        home, shop, third = session.scalars(select(Entity).order_by(Entity.id))
        assert (home.name, home.attributes, home.version) == (None, {"persons": 3, "phone": "1"}, 4)
        assert home.personal == {
            "name": "张三", "紧急联系人": "李四", "备注": f"电话 {MOBILE}", "phone": MOBILE,
        }  # fmt: skip
        assert home.content_hash == hash_entity(None, None, home.attributes, home.personal, PLACE)
        assert (shop.name, shop.attributes, shop.personal, shop.version, shop.content_hash) == (
            "阳光", {"residents": 30}, {}, 3, "of before",
        )  # fmt: skip
        assert (third.external_id, third.name) == ("withheld-3", None)
        assert third.personal == {"name": f"店 {MOBILE}", "external_id": ID_NUMBER}
        former = session.scalars(select(EntityVersion)).one()
        assert (former.name, former.attributes, former.personal) == (
            None, {}, {"name": "张大", "mobile_no": MOBILE},
        )  # fmt: skip
        officer = session.scalars(select(Officer)).one()
        assert (officer.external_id, officer.attributes) == ("withheld-1", {"公示电话": MOBILE})
        assert officer.personal == {"姓名": "李雷", "external_id": MOBILE}
        gap = session.scalars(select(Gap)).one()
        assert gap.figures == {"entity_kind": "shop", "entity_id": "withheld", "share": 1}
        assert gap.detail == "The shop withheld is in no cell."
        result = session.scalars(select(Job.result)).one()
        assert result is not None
        assert [each["id"] for each in result["rejected_records"]] == [None, "a"]
        first, second = session.scalars(select(Cell).order_by(Cell.id))
        assert (first.attributes, first.personal) == ({"households": 30}, {"网格员姓名": "王五"})
        assert (second.name, second.personal) == ("c2", {"name": f"王五 {MOBILE}"})


def test_going_back_loses_nothing_of_the_cells(database: Database) -> None:
    fill(database)
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "0002")
        migrations.upgrade(connection)
        migrations.downgrade(connection, "0002")
        kept = connection.execute(text("SELECT attributes FROM cells WHERE id = 1")).scalar_one()
    assert "王五" in str(kept)
    database.migrate()


def test_a_database_with_nothing_personal_is_left_as_it_is(copy_of: Callable[[str], str]) -> None:
    with closing(Database(copy_of("migrated"))) as database:
        add(database, Entity, id=2, kind="shop", external_id="s1", name="阳光", attributes={"residents": 30},
            valid_from=DAY, version=3, personal={}, content_hash="of before")  # fmt: skip
        with database.engine.begin() as connection:
            migrations.downgrade(connection, "0002")
        before = database.read_revision()
        database.migrate()
        assert database.read_revision() == before
