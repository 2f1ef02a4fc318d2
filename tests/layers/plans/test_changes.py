"""What a plan changes: exactly the entities that its publication gives to other cells."""

import numpy as np
import pytest
import shapely
from sqlalchemy import select

from gis.errors import InputError, NotFoundError
from layers.db.database import Database
from layers.lists import LISTS, ListRequest
from layers.models import Assignment, Scheme
from layers.plans.changes import read_changes
from layers.plans.copies import copy_in_force, copy_plan
from layers.plans.publish import publish
from tests.layers.plans.redrawn import START, TODAY, publish_with_entities, redraw_copy


def owners_on(session, day):
    rows = session.execute(
        select(Assignment.entity_id, Assignment.cell_code).where(
            Assignment.valid_from <= day, Assignment.valid_to.is_(None) | (Assignment.valid_to > day)
        )
    )
    return dict(iter(rows))


@pytest.mark.parametrize(("seed", "distance"), [(0, None), (3, 200.0)])
def test_the_entities_that_move_are_those_that_publishing_moves(database: Database, seed, distance):
    rng = np.random.default_rng(seed)
    with database.write() as session:
        former = publish_with_entities(session, rng, max_distance_m=distance)
        copy = redraw_copy(session, rng)
        before = owners_on(session, TODAY)
        found = read_changes(session, copy.id, former.id, on=TODAY)
        same = read_changes(session, copy.id, on=TODAY)
        assert found.moves.equals(same.moves)
        told = {row.entity: (row.from_code, row.to_code) for row in found.moves.itertuples()}
        counted = int(found.pieces().filter(like="moved_").to_numpy().sum())
        publish(session, copy.id, TODAY)
        after = owners_on(session, TODAY)
        moved = {key: (before.get(key), after.get(key)) for key in before if before[key] != after.get(key)}
        assert told == moved
        assert counted <= len(moved) == found.counts()["number"].sum()
        published = read_changes(session, copy.id, former.id)
        assert {row.entity: (row.from_code, row.to_code) for row in published.moves.itertuples()} == moved
        back = read_changes(session, former.id, copy.id, on=TODAY)
        assert {row.entity: (row.to_code, row.from_code) for row in back.moves.itertuples()} == moved


def test_an_unedited_copy_changes_nothing(database: Database):
    with database.write() as session:
        former = publish_with_entities(session, np.random.default_rng(5))
        copy = copy_plan(session, former.id, name="copy")
        found = read_changes(session, copy.id, former.id, on=TODAY)
        assert found.moves.empty
        assert found.difference.is_unchanged
        assert found.pieces().empty
        assert found.counts().empty


def test_lists_open_the_counts(database: Database):
    rng = np.random.default_rng(1)
    with database.write() as session:
        publish_with_entities(session, rng)
        copy = redraw_copy(session, rng)
        found = read_changes(session, copy.id, on=TODAY)
        request = {"scope": None, "language": "en", "personal_of": lambda _: {}, "personal": False}
        request |= {"on": TODAY, "plan": copy.id}
        listing = LISTS["moved-entities"]
        pages = [listing.read(session, ListRequest(**request), 3, start) for start in range(0, 60, 3)]
        rows = [row for page in pages for row in page.rows]
        assert {page.total for page in pages} == {len(found.moves)}
        assert {(row["id"], row["from_cell"], row["to_cell"]) for row in rows} == {
            (row.entity, row.from_code, row.to_code) for row in found.moves.itertuples()
        }
        assert all(row["external_id"].startswith("e") for row in rows)
        for each in found.counts().itertuples():
            asked = ListRequest(**request, kind=each.kind, from_cell=each.from_code, to_cell=each.to_code)
            if each.from_code and each.to_code:
                assert listing.read(session, asked, 100, 0).total == each.number
        changes = LISTS["plan-changes"].read(session, ListRequest(**request), 100, 0)
        codes = found.difference.codes
        assert [row["cell_code"] for row in changes.rows] == codes.loc[
            codes["kind"] != "unchanged", "code"
        ].tolist()
        assert sum(row["left"] for row in changes.rows) == found.moves["from_code"].notna().sum()
        assert shapely.is_valid(found.pieces().geometry.to_numpy()).all()


def test_what_cannot_be_compared_is_refused(database: Database):
    with database.write() as session:
        publish_with_entities(session, np.random.default_rng(5))
        copy = copy_in_force(session, "community", name="copy", on=TODAY)
        with pytest.raises(NotFoundError, match="no plan number 99"):
            read_changes(session, copy.id, 99)
        with pytest.raises(InputError, match="No cells are in force on 2025-12-01 where plan"):
            read_changes(session, copy.id, on=START.replace(year=2025, month=12))
        assert session.scalar(select(Scheme.code)) == "community"
