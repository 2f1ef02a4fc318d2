"""Posts of every level from a table of officers, and into one: what is written is read again unchanged."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select

from layers.db.database import Database
from layers.exports.export_layer import export_layer
from layers.exports.layer_query import ExportFilters
from layers.formats import read_table
from layers.imports.officers import import_officers
from layers.models import CellGroup, Entity, Officer, Post
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.staff.groups import create_group
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES, WEST_TOWN, add_areas, add_entity, draft, spot

DAY, LATER = date(2025, 1, 1), date(2025, 7, 1)
OWNERS = {square: "W1" if square[0] < 2 else f"E{square[0]}" for square in SQUARES}
TABLE = pd.DataFrame(
    [
        # The leader of a street, who leads a group and looks after an enterprise as well.
        ("G1", "甲", EAST_TOWN, "leader", "A", None, None, EAST_TOWN, None, None, None, "东街道网格长", None),
        ("G1", "甲", EAST_TOWN, "leader", "A", None, "P1", None, None, None, "是", None, "2026-01-01"),
        ("G1", "甲", EAST_TOWN, "inspector", "B", None, None, None, "sensor", "E1", None, None, None),
        # Who has the cells of an area, a cell alone, and none at all.
        ("G2", "乙", WEST_TOWN, "officer", None, None, None, None, None, None, "0", None, None),
        ("G3", "丙", COUNTY, "officer", "B", "E3", None, None, None, None, None, None, None),
        ("G4", "丁", COUNTY, None, None, None, None, None, None, None, None, None, None),
    ],
    columns=[
        *("officer_id", "name", "area_code", "duty", "rank", "cell_code", "group_code", "post_area_code"),
        *("entity_kind", "entity_id", "part_time", "published_name", "post_to"),
    ],
)
POSTS = {
    ("G1", EAST_TOWN, "leader", "A", False, None, None),
    ("G1", "P1", "leader", "A", True, None, date(2026, 1, 1)),
    ("G1", "E1", "inspector", "B", False, None, None),
    ("G2", "W1", "officer", "A", False, None, None),
    ("G3", "E3", "officer", "B", False, None, None),
}


@pytest.fixture
def ground(database: Database) -> Database:
    """A county of two towns with a plan in force, a group of two cells, and an entity."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区")
        publish(session, draft(session, scheme.id, OWNERS).id, DAY)
        create_group(session, scheme, "P1", "东片", ["E2", "E3"], on=DAY)
        add_entity(session, "E1", spot((0, 0)), DAY)
    return database


def posts(database: Database) -> set[tuple[Any, ...]]:
    place = func.coalesce(Post.cell_code, Post.area_code, CellGroup.code, Entity.external_id)
    with database.read() as session:
        asked = select(
            *(Officer.external_id, place, Post.duty, Post.rank, Post.part_time),
            *(Post.published_name, Post.valid_to),
        ).join(Officer, Officer.id == Post.officer_id)
        asked = asked.outerjoin(CellGroup, CellGroup.id == Post.group_id)
        return {tuple(row) for row in session.execute(asked.outerjoin(Entity, Entity.id == Post.entity_id))}


def test_a_table_gives_posts_of_every_level_once(ground: Database) -> None:
    done = import_officers(ground, TABLE, scheme="community", on=DAY)
    assert (done.inserted, done.unchanged, done.begun, done.rejected) == (4, 2, 5, [])
    assert posts(ground) == POSTS
    again = import_officers(ground, TABLE, scheme="community", on=LATER)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 6)
    assert (again.begun, again.changed, again.ended, again.kept) == (0, 0, 0, 5)
    newer = TABLE.assign(part_time="yes").iloc[:1]
    changed = import_officers(ground, newer, scheme="community", on=LATER)
    # The table tells of groups and entities: what it does not name there ends.
    assert (changed.changed, changed.ended, changed.kept) == (1, 2, 0)
    plain = TABLE[["officer_id", "name", "area_code"]].assign(duty=None).iloc[3:4]
    assert import_officers(ground, plain, scheme="community", on=LATER).ended == 1


def test_a_table_without_groups_and_entities_leaves_posts_there(ground: Database) -> None:
    import_officers(ground, TABLE, scheme="community", on=DAY)
    plain = TABLE.iloc[:1].drop(columns=["group_code", "entity_kind", "entity_id"])
    done = import_officers(ground, plain, scheme="community", on=LATER)
    assert (done.ended, done.kept) == (0, 1)


@pytest.mark.parametrize("form", ["csv", "gpkg", "parquet"])
def test_what_is_exported_is_read_again_unchanged(ground: Database, tmp_path: Path, form: str) -> None:
    import_officers(ground, TABLE, scheme="community", on=DAY)
    file = tmp_path / f"officers.{form}"
    filters = ExportFilters(scheme="community", on=LATER)
    rows, _ = export_layer(ground, file, "officers", filters=filters, personal=True)
    assert rows == 6
    table = read_table(file)
    again = import_officers(ground, table, scheme="community", on=LATER)
    assert (again.inserted, again.updated, again.unchanged, again.rejected) == (0, 0, 6, [])
    assert (again.begun, again.changed, again.ended, again.kept) == (0, 0, 0, 5)
    assert posts(ground) == POSTS
    rows, _ = export_layer(ground, file, "officers", filters=ExportFilters(area_code=EAST_TOWN))
    told = read_table(file)
    assert (rows, told["officer_id"].tolist(), "name" in told) == (1, ["G1"], False)


def test_every_row_that_cannot_be_taken_has_a_reason(ground: Database) -> None:
    first = dict(TABLE.iloc[0])
    rows = [
        first,
        first,
        {**first, "cell_code": "E2"},
        {**first, "post_area_code": None, "group_code": "P9"},
        {**first, "post_area_code": "9"},
        {**first, "post_area_code": COUNTY, "part_time": "perhaps"},
        {**first, "post_area_code": COUNTY, "post_to": "soon"},
        {**first, "post_area_code": COUNTY, "name": "另"},
    ]
    done = import_officers(ground, pd.DataFrame(rows), scheme="community", on=DAY)
    assert [(each.record, each.reason.value) for each in done.rejected] == [
        (2, "duplicate_id"),
        (3, "contradictory"),
        (4, "unknown_place"),
        (5, "unknown_place"),
        (6, "contradictory"),
        (7, "invalid_date"),
        (8, "contradictory"),
    ]
    assert done.begun == 1
