"""Locked cells of a draft: who locked them, and what they refuse."""

import pytest
import shapely

from gis.errors import ConflictError, RefusedError, StaleError
from gis.redraw import Merge, Split, Transfer, Update
from layers.db.database import Database
from layers.db.keyset import PageRequest
from layers.models import Plan
from layers.plans.drafts import delete_draft
from layers.plans.edits import RenumberRequest, edit_plan, redo, undo
from layers.plans.history import list_history
from layers.plans.locks import list_locks, lock_cells, unlock_cells
from tests.layers.plans.test_edits import ACROSS, OWNERS, A, B, plan, version  # noqa: F401
from tests.layers.squares import SQUARES

OTHER = OWNERS[3, 1]


def test_locked_cells_refuse_what_changes_them(database: Database, plan: int) -> None:  # noqa: F811
    with database.write() as session:
        edit_plan(session, plan, Update(B, cell_name="b"), version=1, author="anna")
        found, locked = lock_cells(session, plan, [B], 2, author="ben")
        assert (found.version, locked) == (3, [B])
        assert lock_cells(session, plan, [B], author="carl").codes == []
        page = list_locks(session, PageRequest(9), found)[0]
        assert [(lock.cell_code, lock.locked_by) for lock in page] == [(B, "ben")]
    half = shapely.box(*SQUARES[1, 0].bounds).intersection(shapely.buffer(SQUARES[0, 0], 0.0004))
    for request in (
        Merge((A, B)),
        Transfer(half, A),
        Split(B, ACROSS),
        Update(B, kind="x"),
        Update(B, new_code="440304001-9"),
    ):
        with database.write() as session, pytest.raises(RefusedError, match=f"Cell '{B}' is locked"):
            edit_plan(session, plan, request, version=3, author="anna")
    with database.write() as session, pytest.raises(RefusedError, match=f"Cell '{B}' is locked"):
        undo(session, plan, version=3, author="anna")
    with database.write() as session:
        # A vertex on the border of a locked cell changes nothing of it.
        edit_plan(session, plan, Split(A, ACROSS), version=3, author="anna")
        undo(session, plan, version=4, author="anna")
        assert unlock_cells(session, plan, None, 5, author="carl").codes == [B]
        undo(session, plan, version=6, author="anna")
        redo(session, plan, version=7, author="anna")
        steps = list_history(session, PageRequest(20), session.get_one(Plan, plan))[0]
        told = [(each.action, each.content["cells"]) for each in steps if "cells" in (each.content or {})]
        assert told == [("lock", [B]), ("unlock", [B])]


def test_all_are_locked_and_unlocked(database: Database, plan: int) -> None:  # noqa: F811
    with database.write() as session:
        assert lock_cells(session, plan, None, author="ben").codes == sorted(OWNERS.values())
        with pytest.raises(RefusedError, match="locked"):
            edit_plan(session, plan, Update(OTHER, new_code="440304002-99"), version=2, author="anna")
        with pytest.raises(RefusedError, match="no cell 'x' in this draft"):
            unlock_cells(session, plan, ["x"], author="ben")
        with pytest.raises(StaleError):
            unlock_cells(session, plan, None, 1, author="ben")
        assert len(unlock_cells(session, plan, [A, B], author="ben").codes) == 2
        assert edit_plan(session, plan, Merge((A, B)), version=3, author="anna").plan.version == 4
        with pytest.raises(RefusedError, match="locked"):
            edit_plan(session, plan, RenumberRequest(), version=4, author="anna")
        delete_draft(session, plan)
    with database.write() as session, pytest.raises(Exception, match="no plan number"):
        lock_cells(session, plan, None)


def test_a_plan_in_review_is_not_locked(database: Database, plan: int) -> None:  # noqa: F811
    with database.write() as session:
        session.get_one(Plan, plan).state = "submitted"
        with pytest.raises(ConflictError, match="is submitted, not draft"):
            lock_cells(session, plan, None)
