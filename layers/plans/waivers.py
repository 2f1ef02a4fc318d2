"""Waivers: that a cell may break a rule of its scheme, with a reason, as long as it stays as it is."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.cell_rules import CELL_RULES
from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.bulk import text_in
from layers.db.keyset import PageRequest
from layers.models import Cell, Plan, Waiver
from layers.plans.cells import read_cells, select_plan_cells
from layers.plans.history import UNNAMED, lock_plan, record_step
from layers.plans.review import require_other_eyes
from layers.plans.rule_check import hash_cells, read_rule_findings
from layers.plans.states import Step, take_step


class StatedWaiver(NamedTuple):
    """A waiver, and whether it holds, has been ended, or is void because the cell has changed since."""

    waiver: Waiver
    state: str


def waive_rule(
    session: Session,
    plan_id: int,
    rule: str,
    codes: Collection[str],
    reason: str,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
) -> tuple[Plan, list[Waiver]]:
    """Let cells of a plan break a rule of its scheme, as its last check has found that they do.

    Parameters
    ----------
    session
        Of `Database.write`.
    rule
        As the check names it, for example "caps.households".
    codes
        Of the cells.
    reason
        Why they may.
    version
        The version of the plan that this is based on; not compared when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    author
        The label of who lets them.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If the plan has another version by now.
    InputError
        If the reason is empty, no cell is named, or the rule is none of the scheme, such as one of topology.
    ConflictError
        If the plan is published or withdrawn, or the check did not find that a cell breaks the rule, or the
        cell has changed since or has a waiver.
    ForbiddenError
        If its scheme lets nobody approve their own, and it is the author's.
    """
    plan = lock_plan(session, plan_id, version, scope)
    if not reason.strip():
        raise InputError("A waiver needs a reason.")
    if not codes:
        raise InputError("Name the cells that may break the rule.")
    if rule.partition(".")[0] not in CELL_RULES:
        raise InputError(
            f"'{rule}' is no rule of a scheme that can be waived; faults of the ground are mended."
        )
    take_step(plan, Step.waive)
    require_other_eyes(session, plan, author)
    found = {each.code: each for each in read_rule_findings(session, plan) if each.rule == rule}
    hashes = _read_hashes(session, plan, codes)
    given, now = [], datetime.now(UTC)
    checked = {(each["rule"], each["code"]): each["hash"] for each in (plan.findings or {}).get("rules", [])}
    for code in sorted(set(codes)):
        if code not in found:
            raise ConflictError(
                f"The check of plan {plan.id} did not find that cell '{code}' breaks the rule {rule}; "
                "check again."
            )
        if found[code].waiver is not None:
            raise ConflictError(f"Cell '{code}' has a waiver of the rule {rule} already.")
        if hashes.get(code) != checked[rule, code]:
            raise ConflictError(f"Cell '{code}' has changed since the check of plan {plan.id}; check again.")
        waiver = Waiver(
            scheme_id=plan.scheme_id,
            plan_id=plan.id,
            rule=rule,
            cell_code=code,
            content_hash=hashes[code],
            reason=reason.strip(),
            created_by=author,
            created_at=now,
        )
        given.append(waiver)
    session.add_all(given)
    record_step(
        session, plan, Step.waive, author, comment=reason, rule=rule, cells=[each.cell_code for each in given]
    )
    session.flush()
    return plan, given


def end_waiver(
    session: Session,
    plan_id: int,
    waiver_id: int,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
) -> tuple[Plan, Waiver]:
    """End a waiver that was given for a plan; it stays in the list. Parameters are those of `waive_rule`.

    Raises
    ------
    NotFoundError
        If the plan has no such waiver.
    StaleError
        If the plan has another version by now.
    ConflictError
        If it was ended before.
    """
    plan = lock_plan(session, plan_id, version, scope)
    waiver = session.scalar(select(Waiver).where(Waiver.id == waiver_id, Waiver.plan_id == plan.id))
    if waiver is None:
        raise NotFoundError(f"Plan {plan.id} has no waiver number {waiver_id}.")
    if waiver.ended_at is not None:
        raise ConflictError(f"Waiver {waiver.id} was ended before, by {waiver.ended_by}.")
    take_step(plan, Step.end_waiver)
    waiver.ended_at, waiver.ended_by = datetime.now(UTC), author
    record_step(session, plan, Step.end_waiver, author, rule=waiver.rule, cells=[waiver.cell_code])
    session.flush()
    return plan, waiver


def list_waivers(session: Session, page: PageRequest, plan: Plan) -> tuple[list[StatedWaiver], str | None]:
    """Return a page of the waivers given for a plan, in their order, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    rows, next_cursor = page.fetch(session, select(Waiver).where(Waiver.plan_id == plan.id), Waiver.id)
    return state_waivers(session, plan, [waiver for (waiver,) in rows]), next_cursor


def state_waivers(session: Session, plan: Plan, waivers: Sequence[Waiver]) -> list[StatedWaiver]:
    """Return waivers that were given for a plan with their states."""
    hashes = _read_hashes(session, plan, {each.cell_code for each in waivers})
    return [StatedWaiver(each, _state(each, hashes.get(each.cell_code))) for each in waivers]


def _state(waiver: Waiver, present: str | None) -> str:
    if waiver.ended_at is not None:
        return "ended"
    return "holds" if waiver.content_hash == present else "void"


def _read_hashes(session: Session, plan: Plan, codes: Collection[str]) -> dict[str, str]:
    chosen = select_plan_cells(plan).where(text_in(session, Cell.code, codes))
    return hash_cells(read_cells(session, chosen, ("code", "kind", "area_code")))
