"""Borders that several schemes share: who is told of a change, and what is proposed to them."""

from datetime import date

import numpy as np
import pytest
import shapely

from gis.redraw import Merge, MoveBorder, Split, Transfer
from layers.db.database import Database
from layers.models import Plan
from layers.plans.border_proposals import propose_to_others
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.edits import edit_plan
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme, find_scheme
from layers.plans.shared_borders import find_shared_borders
from tests.layers.plans.test_edits import ACROSS, OWNERS, A, B
from tests.layers.squares import SIZE, SOUTH, SQUARES, WEST, add_areas, cells

# Columns: the safety grid has one cell for both squares of each column, the labour grid those of each town.
COLUMNS = {square: f"44030400{1 + square[0] // 2}-C{square[0]}" for square in SQUARES}
TOWNS = {square: f"44030400{1 + square[0] // 2}-T" for square in SQUARES}


@pytest.fixture
def draft(database: Database) -> int:
    """A draft of the community grid, with two other schemes in force."""
    with database.write() as session:
        add_areas(session)
        for code, owners in (("labour", TOWNS), ("safety", COLUMNS)):
            scheme = create_scheme(session, code, code)
            plan = create_draft(session, scheme.id, cells(owners), name=code, created_by="t").id
            check_plan(session, plan)
            publish(session, plan, date(2026, 1, 1))
        scheme = create_scheme(session, "community", "社区网格")
        return create_draft(session, scheme.id, cells(OWNERS), name="spring", created_by="t").id


def strip(south: float, height: float) -> shapely.Geometry:
    """The eastern quarter of the cells of the first column, over some of its height."""
    return shapely.box(WEST + 0.75 * SIZE, SOUTH + south * SIZE, WEST + SIZE, SOUTH + (south + height) * SIZE)


def test_who_shares_a_border_is_told(database: Database, draft: int) -> None:
    with database.write() as session:
        done = edit_plan(session, draft, Transfer(strip(0, 1), B), version=1, author="anna")
        told = find_shared_borders(session, done.plan, done.drawn.edit)
        assert [(each.scheme, each.code) for each in told] == [
            ("safety", COLUMNS[0, 0]),
            ("safety", COLUMNS[1, 0]),
        ]
        # The whole border between both squares has moved.
        assert np.allclose([each.length_m for each in told], 110.8, atol=0.5)
        assert find_shared_borders(session, done.plan, done.drawn.edit, "440304002") == []
        split = edit_plan(session, draft, Split(A, ACROSS), version=2, author="anna")
        assert find_shared_borders(session, split.plan, split.drawn.edit) == []


def test_the_same_change_is_proposed_once_for_each_scheme(database: Database, draft: int) -> None:
    north = OWNERS[1, 1]
    for version, (region, to) in enumerate(((strip(0, 1), B), (strip(1, 0.5), north)), 1):
        with database.write() as session:
            done = edit_plan(session, draft, Transfer(region, to), version=version, author="anna")
            shared = find_shared_borders(session, done.plan, done.drawn.edit)
            (made,) = propose_to_others(session, done.plan, done.drawn.edit, shared, author="anna")
            assert (made.scheme, made.created, made.refused) == ("safety", version == 1, [])
            assert made.codes == [COLUMNS[0, 0], COLUMNS[1, 0]]
            assert made.plan is not None
            assert made.plan.name == f"spring (community {draft})"
            proposed = made.plan.id
    with database.write() as session:
        drawn = plan_cells(session, proposed).set_index("code").geometry
        moved = shapely.union_all([strip(0, 1), strip(1, 0.5)])
        expected = shapely.union_all([SQUARES[1, 0], SQUARES[1, 1], moved])
        assert shapely.area(shapely.symmetric_difference(drawn[COLUMNS[1, 0]], expected)) < 1e-12
        assert check_plan(session, proposed).is_valid
        check = check_plan(session, draft)
        assert check.is_valid


def test_what_cannot_be_proposed_is_told(database: Database, draft: int) -> None:
    with database.write() as session:
        safety = find_scheme(session, "safety").id
        over = create_scheme(session, "management", "m", unit_scheme="safety")
        units = {code: code for code in set(COLUMNS.values())}
        plan = create_draft(session, over.id, None, name="m", created_by="t", units=units).id
        check_plan(session, plan)
        publish(session, plan, date.today())
        # Merged to a whole column, the cell leaves the others nothing but to merge theirs.
        done = edit_plan(session, draft, Merge((A, OWNERS[0, 1])), version=1, author="anna")
        assert find_shared_borders(session, done.plan, done.drawn.edit) == []
        both = edit_plan(session, draft, Merge((B, OWNERS[1, 1])), version=2, author="anna")
        whole = edit_plan(session, draft, Merge((B, A)), version=both.plan.version, author="anna")
        shared = find_shared_borders(session, whole.plan, whole.drawn.edit)
        told = {
            each.scheme: each
            for each in propose_to_others(session, whole.plan, whole.drawn.edit, shared, author="anna")
        }
        assert told["management"].plan is None
        assert told["management"].refused == [
            "Its cells are made of whole units; change the units, and the change is carried through."
        ]
        assert told["safety"].plan is not None
        assert told["safety"].plan.scheme_id == safety
        left = plan_cells(session, told["safety"].plan.id)
        assert len(left) == len(set(COLUMNS.values())) - 1


def test_several_cells_beyond_a_border_are_left_to_draw(database: Database, draft: int) -> None:
    with database.write() as session:
        before = session.query(Plan).count()
        edit_plan(session, draft, Merge((A, OWNERS[0, 1])), version=1, author="anna")
        edit_plan(session, draft, Merge((B, OWNERS[1, 1])), version=2, author="anna")
        fine = create_scheme(session, "fine", "fine")
        plan = create_draft(session, fine.id, cells(OWNERS), name="fine", created_by="t").id
        check_plan(session, plan)
        publish(session, plan, date(2026, 1, 1))
        line = shapely.LineString(
            [(WEST + 1.25 * SIZE, SOUTH - SIZE), (WEST + 1.25 * SIZE, SOUTH + 3 * SIZE)]
        )
        done = edit_plan(session, draft, MoveBorder(A, B, line), version=3, author="anna")
        shared = find_shared_borders(session, done.plan, done.drawn.edit)
        told = {
            each.scheme: each
            for each in propose_to_others(session, done.plan, done.drawn.edit, shared, author="anna")
        }
        assert told["fine"].plan is None
        (reason,) = told["fine"].refused
        assert reason == f"Beyond the border lie several cells ({A}, {OWNERS[0, 1]}); draw the change there."
        assert told["safety"].codes == [COLUMNS[0, 0], COLUMNS[1, 0]]
        assert session.query(Plan).count() == before + 2
