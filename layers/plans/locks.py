"""Locks: cells of a draft that are not to be redrawn, and who wanted it so."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gis.errors import RefusedError
from layers.db.bulk import insert_rows, text_in
from layers.db.keyset import PageRequest
from layers.models import Cell, CellLock, Plan
from layers.plans.history import UNNAMED, lock_plan, record_step
from layers.plans.states import Step, require_step, take_step


class LockResult(NamedTuple):
    """The plan, in another version where anything changed, and the cells that were locked or unlocked."""

    plan: Plan
    codes: list[str]


def lock_cells(
    session: Session,
    plan_id: int,
    codes: Collection[str] | None,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
) -> LockResult:
    """Lock cells of a draft; those that are locked already stay so, by whom they were.

    Parameters
    ----------
    session
        Of `Database.write`.
    codes
        Of the cells; None for all.
    version
        The version of the plan that this is based on; not compared when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    author
        The label of who locks them.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If the plan has another version by now.
    ConflictError
        If it is no draft.
    RefusedError
        If it has no such cell.
    """
    plan = lock_plan(session, plan_id, version, scope)
    require_step(plan, Step.lock)
    chosen = _select_codes(session, plan, codes)
    new = sorted(chosen - read_locked_codes(session, plan))
    now = datetime.now(UTC)
    insert_rows(
        session,
        CellLock.metadata.tables["cell_locks"],
        [{"plan_id": plan.id, "cell_code": code, "locked_by": author, "locked_at": now} for code in new],
    )
    return _record(session, plan, Step.lock, new, author)


def unlock_cells(
    session: Session,
    plan_id: int,
    codes: Collection[str] | None,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
) -> LockResult:
    """Unlock cells of a draft, whoever locked them; parameters and errors are those of `lock_cells`."""
    plan = lock_plan(session, plan_id, version, scope)
    require_step(plan, Step.unlock)
    former = sorted(_select_codes(session, plan, codes) & read_locked_codes(session, plan))
    session.execute(
        delete(CellLock).where(CellLock.plan_id == plan.id, text_in(session, CellLock.cell_code, former)),
        execution_options={"synchronize_session": False},
    )
    return _record(session, plan, Step.unlock, former, author)


def list_locks(session: Session, page: PageRequest, plan: Plan) -> tuple[Sequence[CellLock], str | None]:
    """Return a page of the locks of a plan in the order of the codes, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    chosen = select(CellLock).where(CellLock.plan_id == plan.id)
    rows, next_cursor = page.fetch(session, chosen, CellLock.cell_code)
    return [lock for (lock,) in rows], next_cursor


def read_locked_codes(session: Session, plan: Plan, codes: Collection[str] | None = None) -> set[str]:
    """Return the codes of the locked cells of a plan, or of those among some."""
    chosen = select(CellLock.cell_code).where(CellLock.plan_id == plan.id)
    if codes is not None:
        chosen = chosen.where(text_in(session, CellLock.cell_code, codes))
    return set(session.scalars(chosen))


def _select_codes(session: Session, plan: Plan, codes: Collection[str] | None) -> set[str]:
    present = set(session.scalars(select(Cell.code).where(Cell.plan_id == plan.id)))
    if codes is None:
        return present
    absent = sorted(set(codes) - present)
    if absent:
        raise RefusedError(f"There is no cell '{absent[0]}' in this draft.")
    return set(codes)


def _record(session: Session, plan: Plan, step: Step, codes: list[str], author: str) -> LockResult:
    if codes:
        take_step(plan, step)
        record_step(session, plan, step, author, cells=codes)
        session.flush()
    return LockResult(plan, codes)
