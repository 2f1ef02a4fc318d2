"""Plans over units: cells made from a table or from polygons, their check, and what is refused."""

from collections.abc import Callable
from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.database import Database
from layers.models import CoverageMode, Plan
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.check import check_plan, stored_check
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import change_scheme, create_scheme
from layers.plans.unit_drafts import read_unit_table
from tests.layers.plans.levels import (
    APRIL,
    COLUMNS,
    HALVES,
    MARCH,
    MAY,
    Levels,
    add_levels,
    cell_of_unit,
    draft_over,
    publish_over,
    unit,
)
from tests.layers.squares import (
    COUNTY,
    EAST_TOWN,
    SIZE,
    SQUARES,
    SQUARES_OF,
    WEST_TOWN,
    cells,
    draft,
    join,
)


@pytest.fixture
def levels(database: Database) -> Levels:
    with database.write() as session:
        return add_levels(session)


def kinds(plan: Plan) -> dict[str, int]:
    """Return the kinds of findings of a plan's check, and how many there are."""
    found = stored_check(plan).summary
    return {kind: figures["count"] for kind, figures in found.items() if figures["count"]}


def test_a_table_makes_cells_that_are_unions_of_units(database: Database, levels: Levels) -> None:
    with database.write() as session:
        plan = draft_over(session, levels.management, COLUMNS)
        found = plan_cells(session, plan.id)
        assert cell_of_unit(session, plan.id) == COLUMNS
        assert kinds(plan) == {}
        assert plan.units_on == MARCH
    for code, shape in zip(found["code"], found.geometry, strict=True):
        expected = join([square for square in sorted(SQUARES) if f"m{square[0]}" == code])
        assert shapely.equals_identical(shapely.normalize(shape), shapely.normalize(expected))
    assert found["area_code"].tolist() == [WEST_TOWN, WEST_TOWN, EAST_TOWN, EAST_TOWN]


def test_polygons_give_the_units_and_take_their_vertices(database: Database, levels: Levels) -> None:
    owners = {square: f"m{square[0]}" for square in SQUARES_OF[COUNTY]}
    drawn = cells(owners, load=[1, 2, 3, 4])
    # A file that has rounded its coordinates, and left out the vertices between squares.
    drawn = drawn.set_geometry(shapely.set_precision(shapely.simplify(drawn.geometry, 0), 1e-7))
    with database.write() as session:
        made = create_draft(session, levels.management, drawn, name="m", created_by="t", units_on=MARCH)
        found = plan_cells(session, made.id)
        assert cell_of_unit(session, made.id) == COLUMNS
    assert [each["load"] for each in found["attributes"]] == [1, 2, 3, 4]
    for code, shape in zip(found["code"], found.geometry, strict=True):
        expected = join([square for square in sorted(SQUARES) if f"m{square[0]}" == code])
        assert shapely.equals_identical(shapely.normalize(shape), shapely.normalize(expected))


def test_levels_go_up_to_any_depth_and_each_is_published(database: Database, levels: Levels) -> None:
    with database.write() as session:
        publish_over(session, levels.management, COLUMNS)
        publish_over(session, levels.evaluation, HALVES)
        create_scheme(session, "top", "全区", unit_scheme="evaluation", rules={"units": {"one_area": False}})
        top = create_scheme(
            session, "two", "两级", unit_scheme="evaluation", rules={"units": {"one_area": False}}
        ).id
        publish_over(session, top, {"east": "all", "west": "all"})
        everything = cells_as_of(session, top, MARCH)
    assert everything["area_code"].tolist() == [COUNTY]
    expected = shapely.normalize(join(SQUARES_OF[COUNTY]))
    assert shapely.equals(shapely.normalize(everything.geometry.iloc[0]), expected)


def shifted(dx: float) -> gpd.GeoDataFrame:
    """Return columns of cells whose first border is moved east by a share of a square."""
    frame = cells({square: f"m{square[0]}" for square in SQUARES_OF[COUNTY]})
    shapes = frame.geometry.to_numpy().copy()
    strip = shapely.box(114.05 + SIZE, 22.54, 114.05 + (1 + dx) * SIZE, 22.54 + 2 * SIZE)
    shapes[0], shapes[1] = shapely.union(shapes[0], strip), shapely.difference(shapes[1], strip)
    return frame.set_geometry(shapes)


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (
            lambda: shifted(0.25),
            r"as a whole: 'u10' \([\d,.]+ m² in 'm0', [\d,.]+ m² in 'm1'\), 'u11' \(.*\)\.$",
        ),
        (lambda: shifted(0.25).iloc[[0]], r"'u10' \([\d,.]+ m² in no cell, [\d,.]+ m² in 'm0'\)"),
        (
            lambda: cells({(0, 0): "a"}).set_geometry(
                [shapely.union(SQUARES[0, 0], shapely.box(114.04, 22.54, 114.05, 22.541))]
            ),
            "Cell 'a' is not the union of its units; they differ by",
        ),
        (
            lambda: cells({(0, 0): "a"}).set_geometry([shapely.box(113, 22, 113.001, 22.001)]),
            "Cell 'a' has no unit of 2026-03-01",
        ),
        (lambda: pd.DataFrame({"code": ["a"]}), "needs polygons of cells, or a table"),
        (lambda: None, "at least one cell"),
    ],
)
def test_cells_that_are_no_sets_of_units_are_refused(
    database: Database, levels: Levels, drawn: Callable[[], pd.DataFrame | None], message: str
) -> None:
    with pytest.raises(InputError, match=message), database.write() as session:
        create_draft(session, levels.management, drawn(), name="m", created_by="t", units_on=MARCH)
    with database.read() as session:
        assert session.query(Plan).filter_by(scheme_id=levels.management).count() == 0


@pytest.mark.parametrize(
    ("table", "area", "on", "message"),
    [
        (
            {**COLUMNS, "x1": "m0", "x2": "m1"},
            None,
            MARCH,
            r"Unit 'x1' of cell 'm0' is not .* in force on 2026-03-01; 1 more are like this\.",
        ),
        (
            {**COLUMNS, "x1": "m0"},
            None,
            MARCH,
            r"Unit 'x1' of cell 'm0' is not among those of scheme 'unit' in force on 2026-03-01\.",
        ),
        (
            COLUMNS,
            WEST_TOWN,
            MARCH,
            r"Unit 'u20' .* in area 440304001; 3 more are like this\.",
        ),
        (
            COLUMNS,
            None,
            date(2026, 2, 1),
            r"'unit', whose cells are the units of 'management', has none in force",
        ),
        ({}, None, MARCH, "at least one cell"),
    ],
)
def test_units_that_are_not_there_are_named(
    database: Database,
    levels: Levels,
    table: dict[str, str],
    area: str | None,
    on: date,
    message: str,
) -> None:
    with pytest.raises(InputError, match=message), database.write() as session:
        draft_over(session, levels.management, table, on=on, area_code=area)


def test_units_of_another_date_are_told(database: Database, levels: Levels) -> None:
    with database.write() as session:
        merged = {square: "big" if square[0] == 0 else unit(square) for square in SQUARES_OF[COUNTY]}
        publish(session, draft(session, levels.unit, merged).id, APRIL)
    ended = r"Unit 'u00' .* on 2026-05-01; it ended on 2026-04-01; 1 more are like this\."
    with pytest.raises(InputError, match=ended), database.write() as session:
        draft_over(session, levels.management, COLUMNS, on=MAY)
    begins = r"Unit 'big' .* on 2026-03-01; it begins on 2026-04-01\."
    with pytest.raises(InputError, match=begins), database.write() as session:
        draft_over(session, levels.management, {"big": "m0"}, on=MARCH)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            {"unit": ["a", "a"], "cell": ["x", "y"]},
            r"Unit 'a' is in several cells \('x', 'y'\); a unit belongs to one\.",
        ),
        ({"unit": ["a", None], "cell": ["x", "y"]}, "Record 2 of the table of units has no unit"),
        ({"unit": ["a", "b"], "cell": ["x", " "]}, "Record 2 of the table of units has no cell"),
        ({"grid": ["a"], "cell": ["x"]}, r"no column 'unit' \(it has: grid, cell\)"),
        ({"unit": [], "cell": []}, "no rows"),
        (
            {"unit": ["a", "b"], "cell": ["x", "x"], "name": ["one", "two"]},
            "Cell 'x' has two values of name in the table of units: 'one' and 'two'",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(rows: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_unit_table(pd.DataFrame(rows, dtype=object))


def test_a_table_describes_cells_once() -> None:
    rows = {"unit": ["1", "2", "2", 3.0], "cell": ["x", "x", "x", "y"], "name": ["甲", None, None, None]}
    table = read_unit_table(pd.DataFrame(rows, dtype=object))
    assert table.cell_of_unit == {"1": "x", "2": "x", "3": "y"}
    assert table.cells["code"].tolist() == ["x", "y"]
    assert table.cells["name"].tolist()[0] == "甲"


def test_the_check_finds_what_the_rule_forbids(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session, rules={"min": 2, "max": 3})
        table = {unit(square): "m0" if square in {(0, 0), (1, 1)} else "m1" for square in SQUARES_OF[COUNTY]}
        del table["u31"]
        plan = draft_over(session, levels.management, table)
        found = kinds(plan)
        assert found.pop("blank") == 1
        found.pop("parts", None)
        found.pop("crossed_parent", None)
        assert found == {"unit_missing": 1, "unit_count": 1, "unit_apart": 2, "unit_area": 1}
        details = {each["kind"]: each["detail"] for each in stored_check(plan).findings}
        assert details["unit_count"] == "Cell m1 has 5 units; at most 3 must be."
        assert "u31" in details["unit_missing"]
        assert "(440304001, 440304002)" in details["unit_area"]
        with pytest.raises(ConflictError, match="not valid"):
            publish(session, plan.id, MARCH)


def test_the_check_sees_units_that_are_others_by_then(database: Database, levels: Levels) -> None:
    with database.write() as session:
        plan = draft_over(session, levels.management, COLUMNS)
        merged = {square: "big" if square[0] == 0 else unit(square) for square in SQUARES_OF[COUNTY]}
        publish(session, draft(session, levels.unit, merged).id, APRIL)
        assert stored_check(plan).valid
        # It was checked for March; the units of April are others.
        with pytest.raises(ConflictError, match="check it for 2026-04-01"):
            publish(session, plan.id, APRIL)
        check_plan(session, plan.id, on=APRIL)
        assert kinds(plan) == {"unit_unknown": 1, "unit_missing": 1, "unit_count": 1, "unit_border": 1}
        with pytest.raises(ConflictError, match="not valid"):
            publish(session, plan.id, APRIL)
        check_plan(session, plan.id, on=MARCH)
        publish(session, plan.id, MARCH)


def test_another_rule_asks_for_another_check(database: Database, levels: Levels) -> None:
    with database.write() as session:
        plan = draft_over(session, levels.management, COLUMNS)
        change_scheme(session, "management", 1, rules={"units": {"max": 1}})
        with pytest.raises(ConflictError, match="the rule for them"):
            publish(session, plan.id, MARCH)


def test_a_unit_that_changes_hands_is_a_new_version_and_the_old_stays(
    database: Database, levels: Levels
) -> None:
    moved = {**COLUMNS, "u10": "m0"}
    with database.write() as session:
        publish_over(session, levels.management, COLUMNS)
        second = draft_over(session, levels.management, moved, on=APRIL)
        done = publish(session, second.id, APRIL)
        assert (done.kept, done.ended, done.begun) == (2, 2, 2)
        first = session.query(Plan).filter_by(scheme_id=levels.management).order_by(Plan.id).first()
        assert first is not None
        assert cell_of_unit(session, first.id) == COLUMNS
        assert cell_of_unit(session, second.id) == moved
        # A plan between them ends what the later one had kept, which comes back with its units.
        middle = draft_over(session, levels.management, dict.fromkeys(COLUMNS, "all"), on=date(2026, 3, 15))
        assert not stored_check(middle).valid
        between = {**COLUMNS, "u30": "m2"}
        middle = draft_over(session, levels.management, between, on=date(2026, 3, 15))
        publish(session, middle.id, date(2026, 3, 15))
        assert cell_of_unit(session, middle.id) == between
        assert cell_of_unit(session, second.id) == moved


def test_part_schemes_may_leave_blanks_but_no_overlap(database: Database) -> None:
    with database.write() as session:
        levels = add_levels(session, coverage=CoverageMode.part)
        plan = draft_over(session, levels.management, {"u00": "school", "u31": "park"})
        assert kinds(plan) == {}
        assert "blank" not in stored_check(plan).summary
        publish(session, plan.id, MARCH)
        zones = create_scheme(session, "zones", "专属网格", coverage=CoverageMode.part).id
        plan = draft(session, zones, {(0, 0): "a", (3, 1): "b"})
        publish(session, plan.id, MARCH)
        twice = cells({(0, 0): "a", (3, 1): "b"})
        twice = twice.set_geometry([SQUARES[0, 0], join([(0, 0), (0, 1)])])
        plan = create_draft(session, zones, twice, name="z", created_by="t")
        check_plan(session, plan.id)
        assert kinds(plan) == {"overlap": 1}
        with pytest.raises(ConflictError, match="not valid"):
            publish(session, plan.id, APRIL)


def test_schemes_on_levels_are_refused_where_they_cannot_be(database: Database, levels: Levels) -> None:
    with database.write() as session:
        with pytest.raises(NotFoundError, match="no scheme 'nowhere'"):
            create_scheme(session, "x", "x", unit_scheme="nowhere")
        with pytest.raises(InputError, match="made of another's cells"):
            create_scheme(session, "x", "x", rules={"units": {"max": 5}})
        with pytest.raises(InputError, match=r"'units.max' must be a whole number"):
            create_scheme(session, "x", "x", unit_scheme="unit", rules={"units": {"max": 0}})
        with pytest.raises(ConflictError, match="has plans"):
            change_scheme(session, "unit", 1, unit_scheme="management")
        with pytest.raises(ConflictError, match="has published cells"):
            change_scheme(session, "unit", 1, coverage=CoverageMode.part)
        plain = create_scheme(session, "plain", "无")
        create_scheme(session, "over", "上", unit_scheme="plain")
        with pytest.raises(ConflictError, match="made of those of 'plain'"):
            change_scheme(session, "plain", 1, unit_scheme="over")
        with pytest.raises(ConflictError, match="the scheme's own"):
            change_scheme(session, "plain", 1, unit_scheme="plain")
        change_scheme(session, "plain", 1, unit_scheme="evaluation", coverage=CoverageMode.part)
        assert (plain.unit_scheme_id, plain.coverage) == (levels.evaluation, "part")
        with pytest.raises(InputError, match="not made of units"):
            create_draft(session, levels.unit, None, name="x", created_by="t", units={"a": "b"})
