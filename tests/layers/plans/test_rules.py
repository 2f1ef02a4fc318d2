"""The rules of a scheme for its cells: what breaks them, who may waive that, and how long it holds."""

from collections import Counter
from datetime import date

import pytest
import shapely
from sqlalchemy import select

from gis.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from gis.redraw import Transfer, Update
from layers.db.database import Database
from layers.db.keyset import PageRequest
from layers.models import Entity, Plan, PlanEdit, Waiver
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.copies import copy_plan
from layers.plans.drafts import create_draft, delete_draft
from layers.plans.edits import edit_plan
from layers.plans.publish import publish
from layers.plans.review import approve_plan, submit_plan
from layers.plans.rule_check import read_rule_findings
from layers.plans.schemes import change_scheme, create_scheme, find_scheme
from layers.plans.waivers import end_waiver, list_waivers, waive_rule
from tests.layers.plans.test_edits import OWNERS, A, B
from tests.layers.squares import SIZE, SQUARES, add_areas, cells

PAGE = PageRequest(100)


def make_plan(database: Database, rules: dict, kinds: str = "residential", households: int = 5) -> int:
    """A draft of eight cells, of which A holds some households and all others one."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区网格", rules=rules)
        for square, code in OWNERS.items():
            west, south, *_ = SQUARES[square].bounds
            for number in range(households if code == A else 1):
                place = shapely.Point(west + SIZE * (number + 1) / (households + 2), south + SIZE / 3)
                session.add(
                    Entity(
                        kind="household", external_id=f"{code}/{number}", name="", class_name="",
                        attributes={}, personal={}, geometry=place, area_code=None,
                        valid_from=date(2020, 1, 1), valid_to=None, version=1, content_hash="",
                    )
                )  # fmt: skip
        given = cells(OWNERS, kind=kinds, staff=[str(k) for k in range(len(OWNERS))])
        return create_draft(session, scheme.id, given, name="p", created_by="anna").id


def broken(database: Database, plan: int) -> dict[tuple[str, str], float | None]:
    with database.read() as session:
        found = read_rule_findings(session, session.get_one(Plan, plan))
        return {(each.rule, each.code): each.figure for each in found}


def test_what_breaks_rules_equals_a_recount(database: Database) -> None:
    plan = make_plan(
        database,
        {
            "caps": {"households": 4, "staff": 6, "trees": 1},
            "sizes": {"min_area_m2": 1, "max_area_m2": 1000},
            "kinds": {"allowed": ["commercial"]},
            "staffing": {"leaders": 1},
        },
    )
    with database.write() as session:
        edit_plan(session, plan, Update(B, kind="commercial"), version=1, author="anna")
        check_plan(session, plan)
        drawn = plan_cells(session, plan)
        homes = [shapely.Point(each.x, each.y) for each in session.scalars(select(Entity.geometry))]
    count = {
        code: sum(shape.contains(home) for home in homes)
        for code, shape in zip(drawn["code"], drawn.geometry, strict=True)
    }
    expected: dict[tuple[str, str], float | None] = {
        **{("caps.households", code): float(n) for code, n in count.items() if n > 4},
        **{("caps.staff", code): 7.0 for code in [drawn["code"].iloc[7]]},
        **{("caps.trees", code): None for code in drawn["code"]},
        **{("sizes.max_area_m2", code): area for code, area in drawn.set_index("code")["area_m2"].items()},
        **{("kinds.allowed", code): None for code in drawn["code"] if code != B},
        **{("staffing.leaders", code): 0.0 for code in drawn["code"]},
    }  # fmt: skip
    assert broken(database, plan) == expected
    with database.write() as session, pytest.raises(ConflictError, match=r"first caps\.households in cell"):
        submit_plan(session, plan, None, author="anna")


def test_a_waiver_lets_a_plan_through_until_its_cell_changes(database: Database) -> None:
    plan = make_plan(database, {"caps": {"households": 4}, "four_eyes": True})
    with database.write() as session:
        check_plan(session, plan)
        with pytest.raises(
            ConflictError, match=rf"1 times, first caps\.households in cell {A} \(5 > 4\); mend it"
        ):
            submit_plan(session, plan, None, author="anna")
        with pytest.raises(ConflictError, match="let a publisher waive it"):
            publish(session, plan, date(2026, 1, 1), author="ben")
    for given, error, match in (
        ({"reason": " "}, InputError, "needs a reason"),
        ({"rule": "overlap"}, InputError, "faults of the ground are mended"),
        ({"codes": [B]}, ConflictError, f"did not find that cell '{B}' breaks"),
        ({"codes": []}, InputError, "Name the cells"),
        ({"author": "anna"}, ForbiddenError, "nobody approves or publishes their own"),
    ):
        wanted = {"rule": "caps.households", "codes": [A], "reason": "One tower.", "author": "ben"} | given
        with database.write() as session, pytest.raises(error, match=match):
            waive_rule(session, plan, wanted.pop("rule"), wanted.pop("codes"), wanted.pop("reason"), **wanted)
    with database.write() as session:
        assert not session.scalars(select(Waiver)).all()
        waive_rule(session, plan, "caps.households", [A], "One tower.", author="ben")
        with pytest.raises(ConflictError, match="has a waiver of the rule"):
            waive_rule(session, plan, "caps.households", [A], "Again.", author="ben")
    with database.write() as session:
        submit_plan(session, plan, None, author="anna")
        approve_plan(session, plan, None, author="ben")
        publish(session, plan, date(2026, 1, 1), author="ben")
        step = session.scalars(select(PlanEdit).where(PlanEdit.action == "waive")).one()
        assert step.content == {"rule": "caps.households", "cells": [A], "comment": "One tower."}
        # The same cell in a copy of the published plan needs no other waiver.
        twin = copy_plan(session, plan, name="twin", author="anna").id
        check_plan(session, twin)
        submit_plan(session, twin, None, author="anna")
    with database.write() as session:
        third = copy_plan(session, plan, name="third", author="anna").id
        region = shapely.box(*SQUARES[1, 0].bounds).intersection(
            shapely.buffer(SQUARES[0, 0], SIZE / 4, join_style="mitre")
        )
        edit_plan(session, third, Transfer(region, A), version=1, author="anna")
        check_plan(session, third)
        with pytest.raises(ConflictError, match=r"first caps\.households in cell"):
            submit_plan(session, third, None, author="anna")


def test_a_waiver_is_void_ended_or_holds(database: Database) -> None:
    plan = make_plan(database, {"caps": {"households": 4}, "kinds": {"allowed": ["commercial"]}})
    with database.write() as session:
        check_plan(session, plan)
        waive_rule(session, plan, "kinds.allowed", sorted(OWNERS.values()), "Old quarter.", author="ben")
        waive_rule(session, plan, "caps.households", [A], "One tower.", author="ben")
        found = session.get_one(Plan, plan)
        assert Counter(each.state for each in list_waivers(session, PAGE, found)[0]) == {"holds": 9}
        edit_plan(session, plan, Update(A, kind="rural"), version=found.version, author="anna")
        void = [each.waiver for each in list_waivers(session, PAGE, found)[0] if each.state == "void"]
        assert [(each.rule, each.cell_code) for each in void] == [
            ("kinds.allowed", A),
            ("caps.households", A),
        ]
        end_waiver(session, plan, 1, author="ben")
        with pytest.raises(ConflictError, match="has changed since the check"):
            waive_rule(session, plan, "kinds.allowed", [A], "Still.", author="ben")
        with pytest.raises(ConflictError, match="was ended before, by ben"):
            end_waiver(session, plan, 1, author="ben")
        with pytest.raises(NotFoundError, match="no waiver number 77"):
            end_waiver(session, plan, 77, author="ben")
        check_plan(session, plan)
        left = [(each.rule, each.code) for each in read_rule_findings(session, found) if each.waiver is None]
        assert left == [("caps.households", A), ("kinds.allowed", A)]
        delete_draft(session, copy_plan(session, plan, name="x").id)


def test_rules_that_change_are_checked_again(database: Database) -> None:
    plan = make_plan(database, {"caps": {"households": 9}})
    with database.write() as session:
        check_plan(session, plan)
        scheme = find_scheme(session, "community")
        change_scheme(session, "community", scheme.version, rules={"caps": {"households": 4}})
        with pytest.raises(ConflictError, match=r"The rules of the scheme of plan \d+ have changed since"):
            submit_plan(session, plan, None, author="anna")
        check_plan(session, plan)
        with pytest.raises(ConflictError, match=r"first caps\.households in cell"):
            submit_plan(session, plan, None, author="anna")
        for wrong, match in (
            ({"caps": {"households": -1}}, "caps.households"),
            ({"caps": 5}, "must be a table"),
            ({"staffing": {"cooks": 1}}, "staffing.cooks"),
            ({"sizes": {"min_units": 5, "max_units": 2}}, "is less than"),
            ({"kinds": {"allowed": "rural"}}, "list of texts"),
        ):
            with pytest.raises(InputError, match=match):
                change_scheme(session, "community", find_scheme(session, "community").version, rules=wrong)
