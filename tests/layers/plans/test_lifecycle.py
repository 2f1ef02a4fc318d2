"""The way of a plan: copied, reviewed by others, taken back before its day, and gone back to."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from gis.errors import ConflictError, ForbiddenError, InputError, StaleError
from gis.redraw import Merge
from layers.db.database import Database, Session
from layers.db.keyset import PageRequest
from layers.models import Cell, CellUnit, Officer, Plan, PlanCell, PlanEdit, PlanState, Post
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.copies import copy_in_force, copy_plan, revert_to_plan
from layers.plans.drafts import delete_draft, rename_draft
from layers.plans.edits import edit_plan, list_steps, undo
from layers.plans.history import list_history
from layers.plans.publish import publish
from layers.plans.review import approve_plan, reject_plan, submit_plan, withdraw_plan
from layers.plans.schemes import create_scheme, find_scheme
from tests.layers.plans.levels import COLUMNS, add_levels, cell_of_unit, publish_over, unit
from tests.layers.squares import (
    EAST_TOWN,
    SQUARES_OF,
    WEST_TOWN,
    Owners,
    add_areas,
    add_entity,
    by_square,
    draft,
    owner_on,
    spot,
)

MARCH = date(2026, 3, 1)
TODAY = date.today()
SOON, LATER = TODAY + timedelta(days=10), TODAY + timedelta(days=20)

WEST_AB = {square: "ab"[square[0]] for square in SQUARES_OF[WEST_TOWN]}
EAST_CD = {square: "cd"[square[0] - 2] for square in SQUARES_OF[EAST_TOWN]}
WEST_A = dict.fromkeys(SQUARES_OF[WEST_TOWN], "a")
EAST_E = dict.fromkeys(SQUARES_OF[EAST_TOWN], "e")
WHOLE = WEST_AB | EAST_CD
SWAPPED = {square: "ba"[square[0]] for square in SQUARES_OF[WEST_TOWN]}
ALL = PageRequest(limit=100)


def appoint_everywhere(session: Session, scheme_id: int) -> None:
    """Give each cell in force a leader."""
    officer = Officer(
        external_id="o1", area_code=None, personal={}, attributes={}, valid_from=MARCH, version=1
    )
    session.add(officer)
    session.flush()
    for code in cells_as_of(session, scheme_id, TODAY)["code"]:
        session.add(
            Post(
                officer_id=officer.id,
                scheme_id=scheme_id,
                cell_code=code,
                duty="leader",
                rank="A",
                valid_from=MARCH,
                version=1,
            )
        )
    session.flush()


@pytest.fixture
def scheme(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        rules = {"approval": True, "four_eyes": True}
        create_scheme(session, "strict", "严格", rules=rules)
        return create_scheme(session, "community", "社区网格").id


def strict(session: Session) -> int:
    return find_scheme(session, "strict").id


def describe(session: Session, plan: Plan, *, units: bool = False) -> list[tuple[object, ...]]:
    """Everything about the cells of a plan but their keys and days."""
    frame = plan_cells(session, plan.id)
    kept = frame.drop(columns=["id", "plan_id", "valid_from", "valid_to"]).astype(str)
    members: dict[int, set[str]] = {number: set() for number in frame["id"]}
    for number, code in session.execute(select(CellUnit.cell_id, CellUnit.unit_code)) if units else ():
        members.get(number, set()).add(code)
    return list(zip(kept.itertuples(index=False, name=None), members.values(), strict=True))


def test_a_copy_has_all_that_the_plan_has(database: Database, scheme: int) -> None:
    with database.write() as session:
        source = draft(session, scheme, WHOLE, households=3, leader="王")
        twin = copy_plan(session, source.id, name="twin", author="account 1 planner")
        assert describe(session, twin) == describe(session, source)
        assert (twin.state, twin.created_by, twin.findings) == ("draft", "account 1 planner", None)
        publish(session, source.id, MARCH)
        again = copy_plan(session, source.id, name="again")
        assert describe(session, again) == describe(session, source)
        check_plan(session, again.id)
        assert stored_check(again).publishable
        done = publish(session, again.id, TODAY)
        assert (done.kept, done.ended, done.begun) == (4, 0, 0)


def test_a_part_and_what_is_in_force_are_copied(database: Database, scheme: int) -> None:
    with database.write() as session:
        whole = draft(session, scheme, WHOLE)
        publish(session, whole.id, MARCH)
        publish(session, draft(session, scheme, EAST_E, area_code=EAST_TOWN).id, TODAY)
        west = copy_plan(session, whole.id, name="west", area_code=WEST_TOWN)
        assert (west.area_code, by_square(plan_cells(session, west.id))) == (WEST_TOWN, WEST_AB)
        check_plan(session, west.id)
        assert stored_check(west).publishable
        present = copy_in_force(session, "community", name="now")
        assert by_square(plan_cells(session, present.id)) == WEST_AB | EAST_E
        east = copy_in_force(session, "community", name="east", area_code=EAST_TOWN)
        assert by_square(plan_cells(session, east.id)) == EAST_E
        with pytest.raises(InputError, match="Area 440304002 is not in area 440304001"):
            copy_plan(session, west.id, name="no", area_code=EAST_TOWN)
        with pytest.raises(InputError, match="no cells in force on"):
            copy_in_force(session, "strict", name="none")


def test_units_are_copied(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session)
        source = session.get_one(Plan, publish_over(session, levels.management, COLUMNS))
        for twin in (
            copy_plan(session, source.id, name="twin"),
            copy_in_force(session, "management", name="now"),
        ):
            assert describe(session, twin, units=True) == describe(session, source, units=True)
            assert cell_of_unit(session, twin.id) == COLUMNS
            check_plan(session, twin.id)
            assert stored_check(twin).publishable
        assert (source.units_on, twin.units_on) == (MARCH, TODAY)


def test_nobody_approves_or_publishes_their_own(database: Database, scheme: int) -> None:
    del scheme
    with database.write() as session:
        plan = draft(session, strict(session), WHOLE)
        with pytest.raises(ConflictError, match="is draft, and its scheme publishes only what is approved"):
            publish(session, plan.id, TODAY, author="account 3 head")
        edit_plan(session, plan.id, Merge(("a", "b")), version=plan.version, author="account 1 planner")
        check_plan(session, plan.id)
        submit_plan(session, plan.id, plan.version, author="account 2 clerk", comment=" Ready. ")
        with pytest.raises(
            ConflictError, match="is submitted, and its scheme publishes only what is approved"
        ):
            publish(session, plan.id, TODAY, author="account 3 head")
        for own in ("test", "account 1 planner", "account 2 clerk", "unnamed"):
            with pytest.raises(ForbiddenError, match=f"{own} made, edited or submitted it"):
                approve_plan(session, plan.id, plan.version, author=own)
        sentence = "is submitted, not draft; reject it first, or edit a copy"
        with pytest.raises(ConflictError, match=sentence):
            edit_plan(session, plan.id, Merge(("c", "d")), version=9, author="x")
        with pytest.raises(ConflictError, match=sentence):
            undo(session, plan.id, version=9, author="x")
        approve_plan(session, plan.id, plan.version, author="account 3 head", comment="Good.")
        with pytest.raises(ForbiddenError):
            publish(session, plan.id, TODAY, author="account 1 planner")
        reject_plan(session, plan.id, plan.version, author="account 3 head", comment="No.")
        undo(session, plan.id, version=plan.version, author="account 1 planner")
        check_plan(session, plan.id)
        submit_plan(session, plan.id, plan.version, author="account 2 clerk")
        approve_plan(session, plan.id, plan.version, author="account 3 head")
        publish(session, plan.id, TODAY, author="account 3 head")
        steps, _ = list_history(session, ALL, plan)
        assert [(each.action, (each.content or {}).get("comment")) for each in steps] == [
            ("edit", None), ("submit", "Ready."), ("approve", "Good."), ("reject", "No."), ("undo", None),
            ("submit", None), ("approve", None), ("publish", None),
        ]  # fmt: skip
        assert [each.action for each in list_steps(session, ALL, plan)[0]] == ["edit", "undo"]


def test_a_step_that_comes_late_is_told_what_came_first(database: Database, scheme: int) -> None:
    with database.write() as session:
        plan = draft(session, scheme, WHOLE)
        seen = plan.version
        edit_plan(session, plan.id, Merge(("a", "b")), version=seen, author="account 1 planner")
        check_plan(session, plan.id)
        submit_plan(session, plan.id, plan.version, author="account 2 clerk")
        with pytest.raises(StaleError) as refused:
            withdraw_plan(session, plan.id, seen)
        assert str(refused.value) == (
            f"Plan {plan.id} has version {plan.version}, not {seen}; since then: edit (merge) by "
            "account 1 planner; submit by account 2 clerk; a check; read it again."
        )
        with pytest.raises(StaleError, match="it has version"):
            withdraw_plan(session, plan.id, plan.version + 1)


def test_drafts_are_renamed_and_deleted(database: Database, scheme: int) -> None:
    with database.write() as session:
        plan = draft(session, scheme, WHOLE)
        edit_plan(session, plan.id, Merge(("a", "b")), version=plan.version, author="x")
        undo(session, plan.id, version=plan.version, author="x")
        renamed = rename_draft(session, plan.id, " autumn ", plan.version, author="x")
        assert renamed.name == "autumn"
        with pytest.raises(InputError, match="needs a name"):
            rename_draft(session, plan.id, "  ")
        twin = copy_plan(session, plan.id, name="twin")
        publish(session, draft(session, scheme, WHOLE).id, MARCH)
        withdraw_plan(session, twin.id)
        for number in (plan.id, twin.id):
            delete_draft(session, number)
            for model in (Cell, PlanEdit):
                assert session.scalar(select(model.id).where(model.plan_id == number)) is None
        assert session.scalar(select(Plan.id).where(Plan.id == plan.id)) is None
        (kept,) = session.scalars(select(Plan))
        assert len(plan_cells(session, kept.id)) == 4
        with pytest.raises(ConflictError, match="is published; only a draft or withdrawn plan is deleted"):
            delete_draft(session, kept.id)
        with pytest.raises(ConflictError, match="is published, not draft"):
            rename_draft(session, kept.id, "x")


def test_a_former_plan_comes_back_in_one_step(database: Database, scheme: int) -> None:
    with database.write() as session:
        first = draft(session, scheme, WHOLE)
        publish(session, first.id, MARCH)
        publish(session, draft(session, scheme, WEST_A | EAST_E).id, TODAY - timedelta(days=5))
        back = revert_to_plan(session, first.id)
        assert (back.name, back.state, by_square(plan_cells(session, back.id))) == ("plan", "draft", WHOLE)
        check_plan(session, back.id)
        assert stored_check(back).publishable, stored_check(back).hindrances
        publish(session, back.id, TODAY)
        assert by_square(cells_as_of(session, scheme, TODAY)) == WHOLE
        assert by_square(cells_as_of(session, scheme, TODAY - timedelta(days=1))) == WEST_A | EAST_E
        with pytest.raises(ConflictError, match="is in force; there is nothing to go back to"):
            revert_to_plan(session, back.id)
        with pytest.raises(ConflictError, match="was never in force; copy it instead"):
            revert_to_plan(session, draft(session, scheme, WHOLE).id)


def test_another_cell_does_not_return_under_an_ended_code(database: Database, scheme: int) -> None:
    with database.write() as session:
        publish(session, draft(session, scheme, WHOLE).id, MARCH)
        publish(
            session, draft(session, scheme, EAST_E | dict.fromkeys(WEST_AB, "w")).id, MARCH + timedelta(9)
        )
        other = draft(session, scheme, SWAPPED, area_code=WEST_TOWN)
        refused = [f"The code {code} belonged to a cell that ended on 2026-03-10; codes are not used again."
                   for code in "ab"]  # fmt: skip
        assert stored_check(other).hindrances == refused
        with pytest.raises(ConflictError, match="codes are not used again"):
            publish(session, other.id, TODAY)


Deed = Callable[[Session, int], None]


def later(owners: Owners, on: date, area: str | None = None) -> Deed:
    def publish_it(session: Session, scheme: int) -> None:
        publish(session, draft(session, scheme, owners, area_code=area).id, on)

    return publish_it


@pytest.mark.parametrize(
    ("before", "drawn", "area"),
    [
        pytest.param([later(WHOLE, MARCH)], WEST_A | EAST_E, None, id="all changes"),
        pytest.param([later(WHOLE, MARCH)], WEST_A | EAST_CD, None, id="some is kept"),
        pytest.param([later(WHOLE, MARCH)], WEST_A, WEST_TOWN, id="a part"),
        pytest.param([], WHOLE, None, id="the first"),
        pytest.param([later(WHOLE, MARCH), later(WHOLE, LATER)], WEST_A | EAST_E, None, id="kept by a later"),
        pytest.param([later(WHOLE, MARCH), later(WEST_A, LATER, WEST_TOWN)], EAST_E | WEST_A, None,
                     id="before a later of a part"),
    ],
)  # fmt: skip
def test_what_is_taken_back_was_never_published(
    database: Database, scheme: int, before: list[Deed], drawn: Owners, area: str | None
) -> None:
    with database.write() as session:
        places = {square: add_entity(session, str(square), spot(square), MARCH).id for square in WHOLE}
        for deed in before:
            deed(session, scheme)
        appoint_everywhere(session, scheme)
        plan = draft(session, scheme, drawn, area_code=area)
        as_drawn = describe(session, plan)

    def look() -> object:
        with database.read() as session:
            days = (MARCH, TODAY, SOON, LATER, LATER + timedelta(days=30))
            cells = [
                cells_as_of(session, scheme, day)[["id", "code", "valid_from", "valid_to"]] for day in days
            ]
            owners = [
                getattr(owner_on(session, number, scheme, day), "cell_code", None)
                for number in places.values() for day in days
            ]  # fmt: skip
            plans = session.execute(
                select(Plan.id, Plan.state, Plan.valid_from, Plan.valid_to, Plan.published_at).order_by(
                    Plan.id
                )
            ).all()
            kept = session.execute(
                select(PlanCell.plan_id, PlanCell.cell_id).order_by(PlanCell.plan_id, PlanCell.cell_id)
            ).all()
            posts = session.execute(
                select(
                    Post.id, Post.cell_code, Post.valid_from, Post.valid_to, Post.ended_by_plan_id
                ).order_by(Post.id)
            ).all()
            return [each.to_dict("list") for each in cells], owners, plans, kept, posts

    former = look()
    for _ in range(2):
        with database.write() as session:
            publish(session, plan.id, SOON)
        assert look() != former
        with database.write() as session:
            again = withdraw_plan(session, plan.id, author="account 3 head", comment="A slip.")
            assert (again.state, again.valid_from, again.findings) == (PlanState.draft, None, None)
            assert describe(session, again) == as_drawn
            last = list_history(session, ALL, again)[0][-1]
            assert (last.action, last.content) == ("take-back", {"comment": "A slip."})
        assert look() == former
        with database.write() as session:
            check_plan(session, plan.id, on=SOON)
    with database.write() as session, pytest.raises(ConflictError, match="was published once"):
        delete_draft(session, plan.id)


def test_what_is_in_force_or_built_upon_is_not_taken_back(database: Database, scheme: int) -> None:
    with database.write() as session:
        first = draft(session, scheme, WHOLE)
        publish(session, first.id, TODAY)
        with pytest.raises(ConflictError, match="published; publish another plan of its ground"):
            withdraw_plan(session, first.id)
        soon = draft(session, scheme, WEST_A, area_code=WEST_TOWN)
        publish(session, soon.id, SOON)
        publish(session, draft(session, scheme, EAST_E, area_code=EAST_TOWN).id, SOON)
        upon = draft(session, scheme, WEST_A | EAST_E)
        publish(session, upon.id, LATER)
        with pytest.raises(ConflictError, match=f"Plan {upon.id} was published after plan {soon.id}"):
            withdraw_plan(session, soon.id)
        withdraw_plan(session, upon.id)
        # The other town's stays, and what both had ended ends for that one alone.
        withdraw_plan(session, soon.id)
        assert by_square(cells_as_of(session, scheme, LATER)) == WEST_AB | EAST_E
        assert (first.state, first.valid_to) == (PlanState.published, None)


def test_drafts_that_carried_it_through_are_withdrawn_with_it(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session)
        publish_over(session, levels.management, COLUMNS)
        merged = copy_in_force(session, "unit", name="merged")
        edit_plan(session, merged.id, Merge((unit((0, 0)), unit((1, 0)))), version=merged.version, author="x")
        check_plan(session, merged.id, on=SOON)
        (carried,) = publish(session, merged.id, SOON).carried
        withdraw_plan(session, merged.id)
        assert session.get_one(Plan, carried.plan_id).state == PlanState.withdrawn
        assert set(cells_as_of(session, levels.unit, LATER)["code"]) == set(COLUMNS)
        check_plan(session, merged.id, on=SOON)
        (carried,) = publish(session, merged.id, SOON).carried
        check_plan(session, carried.plan_id, on=SOON)
        publish(session, carried.plan_id, SOON)
        with pytest.raises(
            ConflictError, match=f"Plan {carried.plan_id} was published after plan {merged.id}"
        ):
            withdraw_plan(session, merged.id)


@pytest.mark.parametrize("rule", ["approval", "four_eyes"])
def test_the_rules_are_yes_or_no(database: Database, scheme: int, rule: str) -> None:
    del scheme
    with (
        database.write() as session,
        pytest.raises(InputError, match=f"The rule {rule} must be true or false"),
    ):
        create_scheme(session, "x", "x", rules={rule: "yes"})
