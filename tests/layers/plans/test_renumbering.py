"""Cells numbered again: in reading order, with no code that ever named another cell."""

from datetime import date

import pytest
from sqlalchemy import select

from gis.errors import NotFoundError, RefusedError
from gis.redraw import Merge, Split, Update
from layers.db.database import Database
from layers.models import Cell, PlanOfficers
from layers.plans.check import check_plan
from layers.plans.copies import copy_plan
from layers.plans.drafts import create_draft
from layers.plans.edits import RenumberRequest, edit_plan, redo, undo
from layers.plans.publish import publish
from layers.plans.schemes import change_scheme, create_scheme
from layers.plans.units import read_plan_units
from tests.layers.plans.test_edits import ACROSS, rows
from tests.layers.squares import SQUARES, WEST_TOWN, add_areas, cells

SHUFFLED = {
    square: f"44030400{1 + square[0] // 2}-{number}"
    for square, number in zip(SQUARES, (3, 1, 4, 2, 1, 4, 2, 3), strict=True)
}
# Of each town the northern row first, each from west to east.
IN_ORDER = {
    square: f"44030400{1 + square[0] // 2}-{1 + square[0] % 2 + 2 * (1 - square[1])}" for square in SQUARES
}


@pytest.fixture
def plan(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区网格")
        names = {code: f"镇 第{int(code[-1]):03d}网格" for code in SHUFFLED.values()}
        given = cells(SHUFFLED, staff=sorted(names), name=[names[code] for code in sorted(names)])
        return create_draft(session, scheme.id, given, name="p", created_by="t").id


def owners(database: Database, plan: int) -> dict[tuple[int, int], str]:
    with database.read() as session:
        drawn = session.execute(select(Cell.code, Cell.geometry).where(Cell.plan_id == plan)).all()
        return {
            square: next(code for code, shape in drawn if shape.intersects(shape_of.centroid))
            for square, shape_of in SQUARES.items()
        }


def test_numbers_follow_the_order_and_undo_brings_them_back(database: Database, plan: int) -> None:
    before = rows(database, plan)
    with database.write() as session:
        chosen = SHUFFLED[0, 0]
        session.add(PlanOfficers(plan_id=plan, cell_code=chosen, posts=[], chosen_by="t"))
    with database.write() as session:
        done = edit_plan(session, plan, RenumberRequest(), version=1, author="anna")
        assert done.step.command == "renumber"
    found = owners(database, plan)
    assert {square: f"{code[:10]}{int(code[10:])}" for square, code in found.items()} == IN_ORDER
    after = rows(database, plan)
    for square, code in found.items():
        was = before[SHUFFLED[square]]
        assert after[code][5] == was[5]
        assert after[code][1] == f"镇 第{int(code[10:]):03d}网格"
        assert after[code][-1] == was[-1]
    with database.read() as session:
        assert session.scalars(select(PlanOfficers.cell_code)).all() == [found[0, 0]]
    with database.write() as session, pytest.raises(RefusedError, match="changes nothing"):
        edit_plan(session, plan, RenumberRequest(), version=2, author="anna")
    with database.write() as session:
        undo(session, plan, version=2, author="anna")
    assert rows(database, plan) == before
    with database.write() as session:
        redo(session, plan, version=3, author="anna")
    assert rows(database, plan) == after
    with database.read() as session:
        assert session.scalars(select(PlanOfficers.cell_code)).all() == [found[0, 0]]


def test_codes_that_were_in_force_name_no_other_cell(database: Database, plan: int) -> None:
    with database.write() as session:
        edit_plan(session, plan, RenumberRequest(), version=1, author="anna")
        check_plan(session, plan)
        publish(session, plan, date(2026, 1, 1))
    first = owners(database, plan)
    with database.write() as session:
        draft = copy_plan(session, plan, name="d", author="anna").id
        with pytest.raises(RefusedError, match="changes nothing"):
            edit_plan(session, draft, RenumberRequest(), version=1, author="anna")
        # In the west town the two northern cells are merged, and the south-western one is split.
        north = (first[0, 1], first[1, 1])
        edit_plan(session, draft, Merge(north), version=1, author="anna")
        split = edit_plan(session, draft, Split(first[0, 0], ACROSS), version=2, author="anna").drawn.edit
        (made,) = {cell.code for cell in split.after} - {cell.code for cell in split.before}
        edit_plan(session, draft, Update(made, new_code="440304001-099"), version=3, author="anna")
    with database.write() as session:
        edit_plan(session, draft, RenumberRequest(only_new=True), version=4, author="anna")
    with database.read() as session:
        codes = set(session.scalars(select(Cell.code).where(Cell.plan_id == draft)))
        assert set(first.values()) - {first[1, 1]} <= codes
        (new,) = codes - set(first.values())
        assert int(new[10:]) == 5
    with database.write() as session:
        edit_plan(session, draft, RenumberRequest((WEST_TOWN,)), version=5, author="anna")
        drawn = select(Cell.code).where(Cell.plan_id == draft, Cell.area_code == WEST_TOWN)
        west = set(session.scalars(drawn))
        assert {int(code[10:]) for code in west} == {5, 6, 7, 8}
        assert not west & set(first.values())
        with pytest.raises(NotFoundError, match="no area 'x'"):
            edit_plan(session, draft, RenumberRequest(("x",)), version=6, author="anna")
        check_plan(session, draft)
        assert publish(session, draft, date(2026, 2, 1)).begun == 4


def test_cells_without_an_area_have_no_number(database: Database, plan: int) -> None:
    with database.write() as session:
        session.execute(Cell.__table__.update().values(area_code=None))
    with database.write() as session, pytest.raises(RefusedError, match="lies in no area"):
        edit_plan(session, plan, RenumberRequest(), version=1, author="anna")


def test_units_stay_with_their_cells(database: Database, plan: int) -> None:
    with database.write() as session:
        check_plan(session, plan)
        publish(session, plan, date(2026, 1, 1))
        over = create_scheme(session, "management", "管理网格", unit_scheme="community")
        groups = {code: f"{code[:9]}-{'ab'[int(code[-1]) % 2]}" for code in SHUFFLED.values()}
        rule = {"units": {"adjacent": False}}
        change_scheme(session, over.code, over.version, rules=rule)
        draft = create_draft(session, over.id, None, name="m", created_by="t", units=groups)
        before = {each.unit: each.cell for each in read_plan_units(session, draft)}
        edit = edit_plan(session, draft.id, RenumberRequest(), version=1, author="anna").drawn.edit
        after = {each.unit: each.cell for each in read_plan_units(session, draft)}
        assert {unit: edit.heirs[cell] for unit, cell in after.items()} == before
        assert check_plan(session, draft.id).is_valid
