"""Redrawing a draft: edits one by one, undone and done again to any depth, by several people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from pyproj import CRS
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, StaleError
from gis.redraw import (
    AssignUnits,
    CellSize,
    Command,
    Descent,
    Edit,
    Merge,
    Update,
    require_unlocked,
)
from gis.redraw.command import require_change
from layers.db.bulk import text_in
from layers.db.keyset import PageRequest
from layers.models import Plan, PlanEdit, PlanOfficers, Scheme
from layers.plans.draft_cells import (
    CellRecords,
    DraftCells,
    cell_records,
    drawn_cells,
    read_draft_cells,
    write_edit,
)
from layers.plans.history import require_plan_version
from layers.plans.queries import find_plan
from layers.plans.renumbering import complete_renumbering
from layers.plans.states import Step, require_step
from layers.plans.units import read_units_near

_MAX_NAMED = 3


class Action(StrEnum):
    """The kinds of steps in which a draft is drawn."""

    edit = "edit"
    undo = "undo"
    redo = "redo"


@dataclass(frozen=True)
class UnitsRequest:
    """Whole units that a cell is to get; see `gis.redraw.AssignUnits`."""

    to: str
    units: tuple[str, ...]
    allow_parts: bool = False


@dataclass(frozen=True)
class RenumberRequest:
    """Areas whose cells are to be numbered again, None for all of the draft; see `gis.redraw.Renumber`."""

    areas: tuple[str, ...] | None = None
    only_new: bool = False


EditRequest = Command | UnitsRequest | RenumberRequest
"""What may be asked of a draft: a command, or what is completed to one by what the plan has."""


class DrawnEdit(NamedTuple):
    """An edit with what it means: which ground went where, and the sizes of the cells before and after."""

    edit: Edit
    descents: list[Descent]
    sizes: tuple[list[CellSize], list[CellSize]]

    @classmethod
    def of(cls, edit: Edit, crs: CRS) -> "DrawnEdit":
        """Measure an edit in the working CRS."""
        return cls(edit, edit.descents(crs), edit.sizes(crs))


@dataclass(frozen=True, eq=False)
class EditResult:
    """A step that was taken.

    Attributes
    ----------
    plan
        In its new version.
    step
        As it is stored.
    drawn
        What it changed.
    """

    plan: Plan
    step: PlanEdit
    drawn: DrawnEdit


def edit_plan(
    session: Session,
    plan_id: int,
    request: EditRequest,
    *,
    version: int,
    author: str,
    scope: str | None = None,
) -> EditResult:
    """Redraw a draft.

    Parameters
    ----------
    session
        Of `Database.write`.
    request
        What is to be done.
    version
        The version of the plan that the edit is based on. Later steps of others do no harm where they concern
        other cells.
    author
        The label of who does it.
    scope
        The area that the plan must divide or lie in; None for any.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    ConflictError
        If it is no draft.
    StaleError
        If a cell that the edit concerns has been changed since that version.
    RefusedError, InputError, CapacityError
        If it cannot be done, as `gis.redraw` says.
    """
    plan = find_plan(session, plan_id, scope, for_update=True)
    require_step(plan, Step.edit)
    command = _complete(session, plan, request)
    draft = read_draft_cells(session, plan, command.named, command.drawn)
    edit = require_change(command.edit(draft.cells))
    drawn = DrawnEdit.of(edit, draft.cells.crs)
    step = PlanEdit(action=Action.edit, command=command.name)
    records = _records_after(draft, edit, command, drawn.descents)
    step.content = {"before": cell_records(draft, edit.before), "after": records, "heirs": dict(edit.heirs)}
    _take(session, plan, draft, edit, records, step, version=version, author=author)
    return EditResult(plan, step, drawn)


def preview_edit(session: Session, plan_id: int, request: EditRequest, scope: str | None = None) -> DrawnEdit:
    """Return what an edit would change, as `edit_plan` does it; any session serves."""
    plan = find_plan(session, plan_id, scope)
    require_step(plan, Step.edit)
    command = _complete(session, plan, request)
    draft = read_draft_cells(session, plan, command.named, command.drawn)
    edit = require_change(command.edit(draft.cells))
    return DrawnEdit.of(edit, draft.cells.crs)


def undo(
    session: Session, plan_id: int, *, version: int, author: str, scope: str | None = None
) -> EditResult:
    """Undo the last edit of a draft that is not undone; parameters and errors are those of `edit_plan`."""
    return _step_back(session, plan_id, Action.undo, version, author, scope)


def redo(
    session: Session, plan_id: int, *, version: int, author: str, scope: str | None = None
) -> EditResult:
    """Do the edit again that was undone last; an edit since then has ended that."""
    return _step_back(session, plan_id, Action.redo, version, author, scope)


def list_steps(session: Session, page: PageRequest, plan: Plan) -> tuple[Sequence[PlanEdit], str | None]:
    """Return a page of the steps in which a plan was drawn, in their order, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(PlanEdit).where(_drawn(plan.id)), PlanEdit.id)
    return [step for (step,) in rows], next_cursor


def undoable(session: Session, plan_id: int) -> tuple[int | None, int | None]:
    """Return the edits that `undo` and `redo` would concern, by number; None where there is none."""
    done, undone = _stacks(session, plan_id)
    return (done[-1] if done else None), (undone[-1] if undone else None)


def _step_back(
    session: Session, plan_id: int, action: Action, version: int, author: str, scope: str | None
) -> EditResult:
    plan = find_plan(session, plan_id, scope, for_update=True)
    require_step(plan, Step.edit)
    done, undone = _stacks(session, plan.id)
    stack = done if action is Action.undo else undone
    if not stack:
        if action is Action.undo:
            raise ConflictError(f"Plan {plan.id} has no edit to undo.")
        raise ConflictError(f"Plan {plan.id} has no edit that was undone.")
    of = session.get_one(PlanEdit, stack[-1])
    assert of.content is not None
    before, after = drawn_cells(of.content["before"].values()), drawn_cells(of.content["after"].values())
    edit, records = Edit(of.command, before, after, of.content.get("heirs", {})), of.content["after"]
    if action is Action.undo:
        edit, records = edit.inverse(), of.content["before"]
    draft = read_draft_cells(session, plan, of.codes["codes"], codes_given=False)
    _require_unchanged_since(session, plan, version, of.codes["codes"])
    edit.apply(draft.cells)
    require_unlocked(edit, draft.cells)
    step = PlanEdit(action=action, command=of.command, edit_id=of.id)
    _take(session, plan, draft, edit, records, step, version=version, author=author)
    return EditResult(plan, step, DrawnEdit.of(edit, draft.cells.crs))


def _take(
    session: Session,
    plan: Plan,
    draft: DraftCells,
    edit: Edit,
    records: CellRecords,
    step: PlanEdit,
    *,
    version: int,
    author: str,
) -> None:
    """Write an edit and the step that tells of it."""
    codes = sorted({cell.code for cell in (*edit.before, *edit.after)})
    _require_unchanged_since(session, plan, version, codes)
    write_edit(session, plan, draft, edit, records)
    _rename_choices(session, plan, edit.heirs)
    plan.version += 1
    step.plan_id, step.version, step.codes = plan.id, plan.version, {"codes": codes}
    step.created_by, step.created_at = author, datetime.now(UTC)
    session.add(step)
    session.flush()


def _complete(session: Session, plan: Plan, request: EditRequest) -> Command:
    """Return the command with all that it needs of the plan."""
    if isinstance(request, RenumberRequest):
        return complete_renumbering(session, plan, request.areas, only_new=request.only_new)
    over_units = plan.units_on is not None
    if not isinstance(request, UnitsRequest):
        if over_units and not isinstance(request, Merge | Update):
            raise InputError(
                f"The cells of plan {plan.id} are made of whole units; give a cell units instead."
            )
        return request
    if plan.units_on is None:
        raise InputError(f"The cells of plan {plan.id} are not made of units; give a cell a region instead.")
    scheme = session.get_one(Scheme, plan.scheme_id)
    owner, polygons = read_units_near(session, plan, scheme, request.to, request.units)
    return AssignUnits(request.to, request.units, owner, polygons, request.allow_parts)


def _records_after(draft: DraftCells, edit: Edit, command: Command, descents: list[Descent]) -> CellRecords:
    """Return the records after an edit: a cell goes on with what it had, a new one begins without."""
    units: dict[str, list[str]] = {}
    if isinstance(command, AssignUnits):
        for unit, code in command.cell_of_unit.items():
            units.setdefault(command.to if unit in command.units else code, []).append(unit)
    elif draft.units:
        # Units stay whole, and all of a cell goes where the cell goes.
        for descent in descents:
            units.setdefault(descent.target, []).extend(draft.units.get(descent.source, []))
    rows = {
        cell.code: draft.rows[code]
        for cell in edit.after
        if (code := edit.heirs.get(cell.code, cell.code)) in draft.rows
    }
    return cell_records(draft._replace(rows=rows, units=units), edit.after)


def _rename_choices(session: Session, plan: Plan, heirs: Mapping[str, str]) -> None:
    """Let the officers who were chosen for cells be those of the same cells under their new codes."""
    if not heirs:
        return
    former = select(PlanOfficers).where(
        PlanOfficers.plan_id == plan.id, text_in(session, PlanOfficers.cell_code, heirs.values())
    )
    chosen = {each.cell_code: each for each in session.scalars(former)}
    for each in chosen.values():
        session.delete(each)
    session.flush()
    for code, old in heirs.items():
        if old in chosen:
            posts, chosen_by = chosen[old].posts, chosen[old].chosen_by
            session.add(PlanOfficers(plan_id=plan.id, cell_code=code, posts=posts, chosen_by=chosen_by))


def _require_unchanged_since(session: Session, plan: Plan, version: int, codes: Sequence[str]) -> None:
    """Refuse a step that is based on a version after which others have changed one of its cells."""
    if version > plan.version:
        require_plan_version(session, plan, version)
    statement = select(PlanEdit.version, PlanEdit.codes, PlanEdit.created_by).where(
        PlanEdit.plan_id == plan.id, PlanEdit.version > version
    )
    # A check in between does no harm.
    for step in session.execute(statement.order_by(PlanEdit.version)):
        common = sorted(set(codes) & set(step.codes["codes"]))
        if common:
            listed = ", ".join(common[:_MAX_NAMED]) + (", ..." if len(common) > _MAX_NAMED else "")
            raise StaleError(
                f"Cells {listed} have been changed by {step.created_by} since version {version}; "
                "read them again."
            )


def _drawn(plan_id: int) -> ColumnElement[bool]:
    """Return the condition that a step is one of the drawing of a plan, not of its way into force."""
    return (PlanEdit.plan_id == plan_id) & PlanEdit.action.in_(Action)


def _stacks(session: Session, plan_id: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the edits that are done and of those that are undone, the last at the end."""
    done: list[int] = []
    undone: list[int] = []
    steps = select(PlanEdit.id, PlanEdit.action).where(_drawn(plan_id)).order_by(PlanEdit.id)
    for number, action in session.execute(steps):
        if action == Action.edit:
            done.append(number)
            undone.clear()
        elif action == Action.undo:
            undone.append(done.pop())
        else:
            done.append(undone.pop())
    return done, undone
