"""Drafts redrawn in the database: each step whole, undone and done again by several people."""

from datetime import date

import numpy as np
import pytest
import shapely
from pyproj import CRS
from sqlalchemy import select

from gis.errors import ConflictError, InputError, RefusedError, StaleError
from gis.redraw import Merge, MoveBorder, Split, SplitEvenly, Transfer, Update, why_disabled
from gis.redraw.cell_set import CellSet
from layers.db.database import Database
from layers.models import Cell, CellUnit, Plan, PlanEdit
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.edits import UnitsRequest, edit_plan, preview_edit, redo, undo, undoable
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.gis.redraw.towns import random_command
from tests.layers.squares import SOUTH, SQUARES, WEST, add_areas, cells

OWNERS = {square: f"44030400{1 + square[0] // 2}-{1 + square[0] % 2 + 2 * square[1]}" for square in SQUARES}
A, B = OWNERS[0, 0], OWNERS[1, 0]
ACROSS = shapely.LineString([(WEST - 1, SOUTH + 0.0005), (WEST + 1, SOUTH + 0.0005)])


@pytest.fixture
def plan(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区网格")
        given = cells(OWNERS, households=range(len(OWNERS)), 网格员=[f"n{k}" for k in range(len(OWNERS))])
        return create_draft(session, scheme.id, given, name="p", created_by="t").id


def rows(database: Database, plan: int) -> dict[str, tuple]:
    with database.read() as session:
        frame = plan_cells(session, plan)
        columns = [
            "code",
            "name",
            "kind",
            "parent",
            "area_code",
            "attributes",
            "personal",
            "area_m2",
            "perimeter_m",
        ]
        wkb = shapely.to_wkb(frame.geometry.to_numpy())
        return {
            row[0]: (*row, shape)
            for row, shape in zip(frame[columns].itertuples(index=False), wkb, strict=True)
        }


def version(database: Database, plan: int) -> int:
    with database.read() as session:
        return session.get_one(Plan, plan).version


def test_an_edit_changes_its_cells_and_undo_brings_everything_back(database: Database, plan: int) -> None:
    before = rows(database, plan)
    with database.write() as session:
        done = edit_plan(session, plan, Merge((A, B)), version=1, author="anna")
        assert (done.plan.version, done.step.action, done.step.created_by) == (2, "edit", "anna")
        assert {(each.source, each.target) for each in done.drawn.descents} == {(A, A), (B, A)}
    after = rows(database, plan)
    assert after.keys() == before.keys() - {B}
    assert after[A][5:7] == before[A][5:7]
    assert after[A][7] == pytest.approx(before[A][7] + before[B][7], abs=0.01)
    with database.write() as session:
        undo(session, plan, version=2, author="ben")
    assert rows(database, plan) == before
    with database.write() as session:
        assert undoable(session, plan) == (None, 1)
        redo(session, plan, version=3, author="anna")
    assert rows(database, plan) == after
    with database.write() as session:
        assert [
            (step.version, step.action, step.created_by) for step in session.scalars(select(PlanEdit))
        ] == [
            (2, "edit", "anna"),
            (3, "undo", "ben"),
            (4, "redo", "anna"),
        ]
        check_plan(session, plan)
        publish(session, plan, date(2026, 1, 1))
    with database.write() as session, pytest.raises(ConflictError, match="is published, not draft"):
        undo(session, plan, version=version(database, plan), author="anna")


def test_new_cells_begin_without_the_data_of_others(database: Database, plan: int) -> None:
    with database.write() as session:
        done = edit_plan(session, plan, Split(A, ACROSS), version=1, author="anna")
        (made,) = {cell.code for cell in done.drawn.edit.after} - {
            cell.code for cell in done.drawn.edit.before
        }
    found = rows(database, plan)
    assert found[made][4] == found[A][4]
    assert found[made][5:7] == ({}, {})
    assert found[A][6] == {"网格员": "n0"}
    with database.write() as session:
        renamed = edit_plan(session, plan, Update(A, new_code="440304001-9"), version=2, author="anna")
        assert renamed.drawn.edit.after[0].code == "440304001-9"
    assert rows(database, plan)["440304001-9"][6] == {"网格员": "n0"}


def test_an_edit_since_ends_what_was_undone(database: Database, plan: int) -> None:
    with database.write() as session:
        edit_plan(session, plan, Merge((A, B)), version=1, author="anna")
        undo(session, plan, version=2, author="anna")
        edit_plan(session, plan, Update(A, cell_name="x"), version=3, author="anna")
        assert undoable(session, plan) == (3, None)
        with pytest.raises(ConflictError, match="no edit that was undone"):
            redo(session, plan, version=4, author="anna")
        undo(session, plan, version=4, author="anna")
        with pytest.raises(ConflictError, match="no edit to undo"):
            undo(session, plan, version=5, author="anna")


def test_edits_of_different_cells_meet_and_of_the_same_are_told(database: Database, plan: int) -> None:
    other = OWNERS[3, 1]
    with database.write() as session:
        edit_plan(session, plan, Update(A, cell_name="anna's"), version=1, author="anna")
        edit_plan(session, plan, Update(other, cell_name="ben's"), version=1, author="ben")
    with database.write() as session, pytest.raises(StaleError, match=f"Cells {A} have been changed by anna"):
        edit_plan(session, plan, Update(A, cell_name="ben's"), version=1, author="ben")
    with (
        database.write() as session,
        pytest.raises(StaleError, match=f"Cells {other} have been changed by ben"),
    ):
        undo(session, plan, version=2, author="anna")
    with database.write() as session, pytest.raises(StaleError, match="it has version 3, not 7"):
        edit_plan(session, plan, Update(A, cell_name="x"), version=7, author="ben")
    assert version(database, plan) == 3


def test_a_refused_edit_writes_nothing(database: Database, plan: int) -> None:
    before = rows(database, plan)
    for request, error, match in (
        (Merge((A, OWNERS[3, 1])), RefusedError, "none crosses its area"),
        (Merge((A, "nowhere")), RefusedError, "no cell 'nowhere'"),
        (UnitsRequest(A, ("u",)), InputError, "are not made of units"),
        (Transfer(shapely.box(0, 0, 1, 1), A), RefusedError, "no ground of other cells"),
    ):
        with database.write() as session, pytest.raises(error, match=match):
            edit_plan(session, plan, request, version=1, author="anna")
    assert rows(database, plan) == before
    with database.read() as session:
        drawn = preview_edit(session, plan, MoveBorder(A, B, ACROSS.segmentize(1)))
        assert drawn.edit.after
        assert drawn.descents
    assert rows(database, plan) == before


def test_cells_made_of_units_exchange_whole_units(database: Database) -> None:
    with database.write() as session:
        add_areas(session)
        units = create_scheme(session, "unit", "单元网格")
        squares = {square: f"u{square[0]}{square[1]}" for square in SQUARES}
        base = create_draft(session, units.id, cells(squares), name="u", created_by="t")
        check_plan(session, base.id)
        publish(session, base.id, date(2026, 1, 1))
        upper = create_scheme(session, "manage", "管理网格", unit_scheme="unit")
        owners = {unit: f"{'w' if square[0] < 2 else 'e'}{square[1]}" for square, unit in squares.items()}
        plan = create_draft(session, upper.id, None, units=owners, name="p", created_by="t").id
        with pytest.raises(InputError, match="made of whole units"):
            edit_plan(session, plan, Split("w0", ACROSS), version=1, author="anna")
        edit_plan(session, plan, UnitsRequest("w0", ("u01",)), version=1, author="anna")

    def members() -> dict[str, set[str]]:
        with database.read() as session:
            chosen = select(Cell.code, CellUnit.unit_code).join(CellUnit, CellUnit.cell_id == Cell.id)
            found: dict[str, set[str]] = {}
            for code, unit in session.execute(chosen.where(Cell.plan_id == plan)):
                found.setdefault(code, set()).add(unit)
            return found

    moved = {"w0": {"u00", "u10", "u01"}, "w1": {"u11"}, "e0": {"u20", "u30"}, "e1": {"u21", "u31"}}
    assert members() == moved
    with database.write() as session:
        edit_plan(session, plan, Merge(("w0", "w1")), version=2, author="anna")
    assert members() == {"w0": {"u00", "u10", "u01", "u11"}, "e0": moved["e0"], "e1": moved["e1"]}
    with database.write() as session:
        undo(session, plan, version=3, author="anna")
    assert members() == moved
    with database.write() as session:
        undo(session, plan, version=4, author="anna")
        check_plan(session, plan)


def test_the_part_that_is_read_decides_as_the_whole_plan_would(database: Database, plan: int) -> None:
    rng = np.random.default_rng(5)
    step = 1
    done = 0
    for _ in range(30):
        with database.read() as session:
            whole = CellSet.from_frame(plan_cells(session, plan), crs=CRS.from_epsg(4547))
        command = random_command(whole, rng)
        reason = why_disabled(command, whole)
        if isinstance(command, SplitEvenly | Split) and len(whole) > 14:
            continue
        with database.write() as session:
            if reason is None:
                edit_plan(session, plan, command, version=step, author="anna")
                step, done = step + 1, done + 1
            else:
                with pytest.raises((RefusedError, ConflictError), match=r".") as caught:
                    edit_plan(session, plan, command, version=step, author="anna")
                assert str(caught.value) == reason
    assert done > 5
    with database.write() as session:
        assert check_plan(session, plan).is_valid
        step += 1
        for _ in range(done):
            undo(session, plan, version=step, author="anna")
            step += 1
        assert sorted(plan_cells(session, plan)["code"]) == sorted(set(OWNERS.values()))
