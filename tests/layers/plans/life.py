"""The life of plans as a sequence of transactions, the same each time, and what it leaves in the database."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
from pyproj import CRS
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from gis.errors import ConflictError
from gis.redraw import CellSet, Command, why_disabled
from layers.db.database import current_revision
from layers.models import Assignment, Cell, Entity, Officer, Plan, PlanCell, PlanEdit, Post
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.copies import copy_in_force, revert_to_plan
from layers.plans.edits import edit_plan, redo, undo
from layers.plans.publish import publish
from layers.plans.review import approve_plan, reject_plan, submit_plan, withdraw_plan
from layers.plans.schemes import create_scheme
from layers.staff.officers import create_officer
from layers.staff.posts import add_post
from tests.gis.redraw.towns import random_command
from tests.layers.squares import COUNTY, SIZE, SQUARES, SQUARES_OF, add_areas, add_entity, draft, spot

FIRST_DAY = date(2026, 1, 1)
SCHEME = "community"
_MOST_CELLS = 14
_CRS = CRS.from_epsg(4547)

Step = Callable[[Session, int], None]


def begin(session: Session) -> None:
    """Put four cells in force, with officers and entities."""
    add_areas(session)
    scheme = create_scheme(session, SCHEME, "社区网格", working_crs="EPSG:4547").id
    owners = {square: "abcd"[square[0]] for square in SQUARES_OF[COUNTY]}
    for number in range(24):
        add_entity(session, str(number), spot(sorted(SQUARES)[number % len(SQUARES)]), FIRST_DAY)
    publish(session, draft(session, scheme, owners).id, FIRST_DAY, confirmed=True)
    for code in "abcd":
        officer = create_officer(
            session, code, area_code=None, personal={}, attributes={}, on=FIRST_DAY, confirmed=True
        )
        add_post(
            session, officer, scheme=SCHEME, cell_code=code, duty="leader", rank="A", on=FIRST_DAY, scope=None
        )


def take_step(session: Session, number: int) -> str:
    """Take a step of the sequence in a transaction, or find it refused, and return what it is called."""
    turn, place = divmod(number, len(_STEPS))
    try:
        with session.begin_nested():
            _STEPS[place](session, turn)
    except ConflictError as error:
        return f"{_STEPS[place].__name__} refused: {error}"
    return _STEPS[place].__name__


def copy(session: Session, turn: int) -> None:
    copy_in_force(session, SCHEME, name=f"plan {turn}", on=_day(turn), author="anna")


def edit(session: Session, turn: int) -> None:
    plan = _plan(session, f"plan {turn}")
    edit_plan(session, plan.id, _random_command(session, plan), version=plan.version, author="anna")


def undo_edit(session: Session, turn: int) -> None:
    plan = _plan(session, f"plan {turn}")
    undo(session, plan.id, version=plan.version, author="ben")


def redo_edit(session: Session, turn: int) -> None:
    plan = _plan(session, f"plan {turn}")
    redo(session, plan.id, version=plan.version, author="ben")


def submit(session: Session, turn: int) -> None:
    check_plan(session, _plan(session, f"plan {turn}").id, on=_day(turn))
    submit_plan(session, _plan(session, f"plan {turn}").id, None, author="anna")


def approve(session: Session, turn: int) -> None:
    approve_plan(session, _plan(session, f"plan {turn}").id, None, author="carla")


def reject(session: Session, turn: int) -> None:
    reject_plan(session, _plan(session, f"plan {turn}").id, None, author="carla", comment="No.")


def publish_to_come(session: Session, turn: int) -> None:
    publish(session, _plan(session, f"plan {turn}").id, date.today() + timedelta(days=9), author="carla")


def take_back(session: Session, turn: int) -> None:
    withdraw_plan(session, _plan(session, f"plan {turn}").id, author="carla")
    check_plan(session, _plan(session, f"plan {turn}").id, on=_day(turn))


def put_in_force(session: Session, turn: int) -> None:
    plan = _plan(session, f"plan {turn}").id
    publish(session, plan, _day(turn), confirmed=True, author="carla")


def revert(session: Session, turn: int) -> None:
    former = _plan(session, f"back {turn - 1}" if turn else "plan")
    back = revert_to_plan(session, former.id, name=f"back {turn}")
    check_plan(session, back.id, on=_day(turn) + timedelta(days=1))


def put_back_in_force(session: Session, turn: int) -> None:
    plan = _plan(session, f"back {turn}").id
    publish(session, plan, _day(turn) + timedelta(days=1), confirmed=True, author="carla")


_STEPS: tuple[Step, ...] = (
    copy, edit, edit, undo_edit, redo_edit, submit, reject, edit, undo_edit, submit, approve,
    publish_to_come, take_back, put_in_force, revert, put_back_in_force,
)  # fmt: skip


def _day(turn: int) -> date:
    return FIRST_DAY + timedelta(days=3 * (turn + 1))


def _plan(session: Session, name: str) -> Plan:
    return session.scalars(select(Plan).where(Plan.name == name)).one()


def _random_command(session: Session, plan: Plan) -> Command:
    """Return a possible command, the same for the same cells."""
    cells = CellSet.from_frame(plan_cells(session, plan.id), crs=_CRS)
    rng = np.random.default_rng(plan.version)
    while True:
        command = random_command(cells, rng, size=SIZE)
        if len(cells) > _MOST_CELLS and command.name != "merge":
            continue
        if why_disabled(command, cells) is None:
            return command


def digest(session: Session) -> list[tuple[Any, ...]]:
    """Return all that the steps can change, by names instead of numbers and without times of day."""
    plan, other, former, post = aliased(Plan), aliased(Plan), aliased(PlanEdit), aliased(Post)
    queries = [
        select(Plan.name, Plan.state, Plan.area_code, Plan.valid_from, Plan.valid_to, Plan.version),
        select(
            plan.name, Cell.code, Cell.name, Cell.kind, Cell.area_code, Cell.area_m2, Cell.valid_from,
            Cell.valid_to, Cell.geometry,
        ).join(plan, plan.id == Cell.plan_id),
        select(Plan.name, Cell.code, Cell.valid_from)
        .join(PlanCell, PlanCell.plan_id == Plan.id).join(Cell, Cell.id == PlanCell.cell_id),
        select(Plan.name, PlanEdit.version, PlanEdit.action, PlanEdit.command, former.version)
        .join(PlanEdit, PlanEdit.plan_id == Plan.id).outerjoin(former, former.id == PlanEdit.edit_id),
        select(
            Officer.external_id, Post.cell_code, Post.valid_from, Post.valid_to, Post.version, other.name,
            post.cell_code,
        ).join(Officer, Officer.id == Post.officer_id).outerjoin(other, other.id == Post.ended_by_plan_id)
        .outerjoin(post, post.id == Post.carried_from_id),
        select(Entity.external_id, Assignment.cell_code, Assignment.valid_from, Assignment.valid_to)
        .join(Assignment, Assignment.entity_id == Entity.id),
    ]  # fmt: skip
    found: list[tuple[Any, ...]] = [(current_revision(session),)]
    for query in queries:
        found += sorted(map(tuple, session.execute(query)), key=str)
    return found
