"""Runs of gaps in a database: against the engine on the same things by hand, by day, by area, by rules."""

from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from sqlalchemy import func, select, true

from gis.errors import ConflictError, InputError, NotFoundError
from gis.gaps import GapInput, GapRules, find_gaps
from layers.db.database import Database
from layers.entities.lifecycle import create_entity, end_entity, update_entity
from layers.gaps.analysis import cell_outcomes
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.queries import gaps_of_cell
from layers.gaps.run_visibility import find_visible_run
from layers.gaps.runs import newest_run, search_gaps
from layers.maps.map_data import read_map_data
from layers.models import Area, Cell, CoverageMode, Entity, Gap, GapRun
from layers.plans.assignments import update_assignments
from layers.plans.cell_queries import find_cell
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme, find_scheme, gap_rules, update_rules
from tests.layers.squares import (
    COUNTY,
    EAST_TOWN,
    SIZE,
    SOUTH,
    SQUARES,
    SQUARES_OF,
    WEST,
    WEST_TOWN,
    Owners,
    add_areas,
    draft,
    join,
    spot,
)

SPRING, SUMMER = date(2026, 3, 1), date(2026, 6, 1)
BY_TOWN = {square: ("w" if square[0] < 2 else "e") + str(square[0]) for square in SQUARES}
NEAR = {"out_of_reach": {"distance_m": 120, "min_ground_m2": 1}}


@pytest.fixture
def town(database: Database) -> Database:
    """A county of two towns with a scheme, each town's cells published by a plan of its own."""
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "community", "社区", working_crs="EPSG:4547", rules=NEAR)
        for area in (WEST_TOWN, EAST_TOWN):
            owners = {
                square: code for square, code in BY_TOWN.items() if (square[0] < 2) == (area == WEST_TOWN)
            }
            put_in_force(session, scheme.id, owners, SPRING, area)
    return database


def put_in_force(session: Any, scheme_id: int, owners: Owners, on: date, area: str | None) -> None:
    plan = draft(session, scheme_id, owners, area_code=area, parent=area)
    publish(session, plan.id, on)


Made = list[tuple[str, str, shapely.Geometry | None, int | None]]


def settle(database: Database, seed: int, number: int = 40) -> Made:
    """Put entities of several kinds on and around the ground; the last two are homes without location."""
    rng = np.random.default_rng(seed)
    made: Made = []
    for row in range(number):
        x, y = rng.uniform(-0.5, 4.5), rng.uniform(-0.5, 2.5)
        kind = rng.choice(["household", "enterprise", "service_point", "sensor"], p=[0.5, 0.3, 0.1, 0.1])
        homes = int(rng.integers(1, 200)) if rng.random() < 0.5 else None
        made.append((str(kind), f"n{row}", shapely.Point(WEST + x * SIZE, SOUTH + y * SIZE), homes))
    made[-2:] = [("household", f"n{row}", None, None) for row in (number - 2, number - 1)]
    with database.write() as session:
        for kind, name, place, homes in made:
            session.add(
                Entity(
                    kind=kind, external_id=name, name="张伟", class_name="PARTY", area_code=town_of(place),
                    attributes={} if homes is None else {"households": homes}, version=1, valid_from=SPRING,
                    personal={"contact": "李娜 13900001111"}, geometry=place,
                )
            )  # fmt: skip
        update_assignments(session, SPRING)
    return made


def town_of(place: shapely.Geometry | None) -> str | None:
    for town in (WEST_TOWN, EAST_TOWN):
        if place is not None and shapely.intersects(join(SQUARES_OF[town]), place):
            return town
    return None


def kept(database: Database, run_id: int) -> list[Gap]:
    with database.read() as session:
        return list(session.scalars(select(Gap).where(Gap.run_id == run_id).order_by(Gap.id)))


def told(gap: Gap) -> tuple[Any, ...]:
    """Return all that a gap says but its number, ground to the square metre."""
    ground = None if gap.geometry is None else shapely.to_wkt(shapely.normalize(gap.geometry), 7)
    return (
        gap.kind, gap.severity, gap.cell_code, gap.area_code, round(gap.area_m2), gap.households,
        gap.enterprises, gap.rule, gap.detail, sorted(gap.figures.items(), key=str), ground,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_run_is_what_the_engine_finds_in_the_same_things(town: Database, seed: int) -> None:
    made = settle(town, seed)
    run = search_gaps(town, "community", created_by="test", on=SUMMER)
    cells = gpd.GeoDataFrame(
        {
            "code": sorted(set(BY_TOWN.values())),
            "area_code": [
                WEST_TOWN if code[0] == "w" else EAST_TOWN for code in sorted(set(BY_TOWN.values()))
            ],
        },
        geometry=[
            join([square for square in SQUARES if BY_TOWN[square] == code])
            for code in sorted(set(BY_TOWN.values()))
        ],
        crs=4326,
    )
    entities = gpd.GeoDataFrame(
        {"kind": [each[0] for each in made], "id": [each[1] for each in made],
         "households": [each[3] for each in made]},
        geometry=[each[2] for each in made], crs=4326,
    )  # fmt: skip
    areas = gpd.GeoDataFrame({"code": ["all"]}, geometry=[join(sorted(SQUARES))], crs=4326)
    expected = find_gaps(
        GapInput(cells, areas=areas, entities=entities, crs=CRS.from_epsg(4547)), GapRules.from_mapping(NEAR)
    )
    found = kept(town, run.id)
    assert sorted(
        (gap.kind, gap.severity, gap.cell_code or "", gap.households, gap.enterprises, gap.rule, gap.detail)
        for gap in found
    ) == sorted(
        zip(
            *(expected.frame[name].fillna("") if name == "cell_code" else expected.frame[name]
              for name in ("kind", "severity", "cell_code", "households", "enterprises", "rule", "detail")),
            strict=True,
        )
    )  # fmt: skip
    assert {gap.kind for gap in found} == {"out_of_reach", "unassigned"}
    ranks = [("high", "medium", "low").index(gap.severity) for gap in found]
    assert ranks == sorted(ranks)
    assert run.summary == expected.summary()
    assert sum(gap.area_m2 for gap in found) == pytest.approx(
        expected.frame["area_m2"].sum(), abs=0.01 * len(found)
    )
    nowhere = {gap.figures["entity_id"] for gap in found if gap.geometry is None}
    assert nowhere == {name for _, name, place, _ in made if place is None}


@pytest.mark.parametrize("seed", range(3))
def test_a_run_of_an_area_is_that_part_of_the_run_of_all(town: Database, seed: int) -> None:
    settle(town, seed)
    whole = search_gaps(town, "community", created_by="test", on=SUMMER)
    for area in (WEST_TOWN, EAST_TOWN, COUNTY):
        part = search_gaps(town, "community", created_by="test", area_code=area, on=SUMMER)
        inside = {area} if area != COUNTY else {COUNTY, WEST_TOWN, EAST_TOWN}
        expected = [told(gap) for gap in kept(town, whole.id) if gap.area_code in inside]
        assert sorted(map(str, map(told, kept(town, part.id)))) == sorted(map(str, expected))
        assert len(expected) > 0
        assert part.summary["gaps"] == len(expected)


def test_nothing_kept_says_who_anybody_is(town: Database) -> None:
    settle(town, 1)
    run = search_gaps(town, "community", created_by="test", on=SUMMER)
    text = "".join(str(told(gap)) for gap in kept(town, run.id)) + str(run.summary) + str(run.rules)
    assert run.summary["kinds"]["unassigned"]["gaps"] > 0
    for secret in ("张伟", "李娜", "13900001111"):
        assert secret not in text


def test_a_run_looks_at_the_cells_and_entities_of_its_day(town: Database) -> None:
    with town.write() as session:
        home = create_entity(session, "household", "h", geometry=spot((0, 0)), on=SPRING)
        point = create_entity(session, "service_point", "s", geometry=spot((0, 0)), on=SPRING)
        update_entity(session, home.id, 1, {"geometry": spot((3, 1))}, on=SUMMER)
        end_entity(session, point.id, 1, on=SUMMER)
        scheme = find_scheme(session, "community")
        west = {square: "w9" for square in SQUARES if square[0] < 2}
        put_in_force(session, scheme.id, west, SUMMER, WEST_TOWN)

    def beyond(on: date) -> dict[str | None, int]:
        run = search_gaps(town, "community", created_by="test", on=on)
        return {gap.cell_code: gap.households for gap in kept(town, run.id) if gap.kind == "out_of_reach"}

    before, after = beyond(SPRING), beyond(SUMMER)
    assert "w0" not in before or before["w0"] == 0
    assert "w9" not in before
    # Without any service point there is no reach to speak of.
    assert after == {}
    with town.write() as session:
        create_entity(session, "service_point", "t", geometry=spot((0, 0)), on=SUMMER)
    after = beyond(SUMMER)
    assert after["e3"] == 1
    assert {code for code in after if code and code[0] == "w"} <= {"w9"}


def test_a_service_point_across_the_border_counts(town: Database) -> None:
    with town.write() as session:
        create_entity(session, "service_point", "s", geometry=spot((1, 0)), on=SPRING)
        create_entity(session, "household", "h", geometry=spot((2, 0)), on=SPRING)
    run = search_gaps(town, "community", created_by="test", area_code=EAST_TOWN, on=SUMMER)
    assert run.summary["kinds"]["out_of_reach"]["households"] == 0
    assert {gap.area_code for gap in kept(town, run.id)} == {EAST_TOWN}


def test_ground_without_a_cell_is_blank(town: Database) -> None:
    with town.write() as session:
        far = shapely.box(WEST, SOUTH + 5 * SIZE, WEST + SIZE, SOUTH + 6 * SIZE)
        session.add(Area(code="440304003", name="", level="town", parent=COUNTY, geometry=far))
    run = search_gaps(town, "community", created_by="test", area_code=COUNTY, on=SUMMER)
    blank = [gap for gap in kept(town, run.id) if gap.kind == "blank"]
    assert [gap.area_code for gap in blank] == ["440304003"]
    assert shapely.equals_exact(shapely.normalize(blank[0].geometry), shapely.normalize(far), 1e-8)
    assert run.summary["skipped"] == {
        "unassigned": "no entities were given", "out_of_reach": "no service points were given",
    }  # fmt: skip


def test_without_cells_there_is_no_run(town: Database) -> None:
    with pytest.raises(InputError, match="no cells in force on 2020-01-01"):
        search_gaps(town, "community", created_by="test", on=date(2020, 1, 1))
    with pytest.raises(NotFoundError, match="no area '9'"):
        search_gaps(town, "community", created_by="test", area_code="9")
    with pytest.raises(NotFoundError, match="no scheme 'x'"):
        search_gaps(town, "x", created_by="test")
    with town.read() as session:
        assert session.scalar(select(func.count()).select_from(GapRun)) == 0
        with pytest.raises(NotFoundError, match="number 1"):
            find_visible_run(session, None, 1)


def test_rules_are_replaced_by_name_and_must_fit(town: Database) -> None:
    with town.write() as session:
        scheme = find_scheme(session, "community")
        update_rules(session, scheme, {"severity": {"high_households": 7}, "unassigned": None})
        assert scheme.rules == {**NEAR, "severity": {"high_households": 7}}
        update_rules(session, scheme, {"out_of_reach": None})
        assert gap_rules(scheme).for_kind("out_of_reach").distance_m == 1000
        assert gap_rules(scheme).severity.high_households == 7
        for wrong in ({"out_of_reech": {}}, {"severity": {"high_m2": -1}}, {"blank": 5}):
            with pytest.raises(InputError, match="rules"):
                update_rules(session, scheme, wrong)
        with pytest.raises(ConflictError, match="max_distance_m"):
            update_rules(session, scheme, {"max_distance_m": 50})
        fresh = create_scheme(session, "safety", "安全", rules={"max_distance_m": 20})
        update_rules(session, fresh, {"max_distance_m": 50})
        assert fresh.rules == {"max_distance_m": 50}
        for distance in (-1, True, "5", float("inf"), 10**9):
            with pytest.raises(InputError, match="max_distance_m"):
                update_rules(session, fresh, {"max_distance_m": distance})
        with pytest.raises(InputError, match="unknown table"):
            create_scheme(session, "power", "电力", rules={"reach": {}})


def test_a_run_keeps_the_rules_it_applied(town: Database) -> None:
    settle(town, 2)
    strict = search_gaps(town, "community", created_by="test", on=SUMMER)
    with town.write() as session:
        update_rules(session, find_scheme(session, "community"), {"out_of_reach": {"distance_m": 5000}})
    loose = search_gaps(town, "community", created_by="test", on=SUMMER)
    assert strict.rules["out_of_reach"]["distance_m"] == 120
    assert loose.rules["out_of_reach"]["distance_m"] == 5000
    assert strict.rules["severity"] == loose.rules["severity"]
    assert (
        loose.summary["kinds"]["out_of_reach"]["gaps"] == 0 < strict.summary["kinds"]["out_of_reach"]["gaps"]
    )


def test_the_newest_run_is_of_all_the_ground_before_it_is_of_a_part(town: Database) -> None:
    rng = np.random.default_rng(7)
    days = [SPRING, date(2026, 4, 1), SUMMER]
    made: list[tuple[int, str | None, date]] = []
    for _ in range(12):
        ground = rng.choice([None, COUNTY, WEST_TOWN, EAST_TOWN], p=[0.1, 0.1, 0.4, 0.4])
        with town.write() as session:
            run = GapRun(
                scheme_id=1, area_code=ground, on=days[rng.integers(3)], rules={}, summary={"kinds": {}},
                created_by="test", created_at=datetime.now(UTC),
            )  # fmt: skip
            session.add(run)
            session.flush()
            made.append((run.id, ground, run.on))
        with town.read() as session:
            for area, of_all in (
                (None, {None}),
                (COUNTY, {None, COUNTY}),
                (EAST_TOWN, {None, COUNTY, EAST_TOWN}),
            ):
                for until in (None, *days):
                    known = [each for each in made if until is None or each[2] <= until]
                    whole = [each for each in known if each[1] in of_all]
                    for part, choice in ((None, whole), (true(), whole or known)):
                        found = newest_run(session, 1, area, until=until, partial_runs=part)
                        expected = max(choice, key=lambda each: (each[2], each[0]), default=(None,))
                        assert (None if found is None else found.id) == expected[0]


def test_a_map_shows_the_gaps_of_a_run_of_all_its_ground(town: Database) -> None:
    settle(town, 1)
    whole = search_gaps(town, "community", created_by="test", on=SPRING)
    part = search_gaps(town, "community", created_by="test", area_code=EAST_TOWN, on=SUMMER)
    assert len(kept(town, whole.id)) > len(kept(town, part.id)) > 0
    with town.read() as session:
        assert len(read_map_data(session, "community", SUMMER, None).gaps) == len(kept(town, whole.id))
        assert len(read_map_data(session, "community", SUMMER, EAST_TOWN).gaps) == len(kept(town, part.id))


def outcome_states(database: Database, code: str, on: date) -> dict[str, str]:
    with database.read() as session:
        scheme = find_scheme(session, "community")
        cell = find_cell(session, scheme, code, on)
        run, _ = gaps_of_cell(session, None, scheme, cell, until=on, limit=100)
        return {each.kind: each.words.en for each in cell_outcomes(session, None, run, code)}


def test_a_cell_that_no_run_has_looked_at_is_not_analysed(town: Database) -> None:
    unknown = dict.fromkeys(("blank", "overlap", "out_of_reach"), "not analysed")
    assert outcome_states(town, "w0", SUMMER) == unknown
    search_gaps(town, "community", created_by="test", area_code=EAST_TOWN, on=SUMMER)
    assert outcome_states(town, "w0", SUMMER) == unknown
    looked = {"blank": "none", "overlap": "none", "out_of_reach": "skipped: no service points were given"}
    assert outcome_states(town, "e2", SUMMER) == looked
    assert outcome_states(town, "e2", SPRING) == unknown
    # A cell that was published after the search, for a day before it.
    with town.write() as session:
        scheme = find_scheme(session, "community")
        owners = dict.fromkeys(SQUARES_OF[EAST_TOWN], "e2")
        put_in_force(session, scheme.id, owners, SUMMER, EAST_TOWN)
    assert outcome_states(town, "e2", SUMMER) == unknown
    search_gaps(town, "community", created_by="test", on=SUMMER)
    assert outcome_states(town, "e2", SUMMER) == looked


def test_a_gap_that_touches_two_cells_is_one_of_both(town: Database) -> None:
    run = search_gaps(town, "community", created_by="test", on=SUMMER)
    overlap = Gap(
        run_id=run.id, kind="overlap", severity="low", cell_code="w0", area_code=WEST_TOWN, area_m2=5.0,
        households=0, enterprises=0, rule="", detail="",
        figures={"min_area_m2": 0.01, "cells": ["w0", "w1"]},
    )  # fmt: skip
    with town.write() as session:
        session.add(overlap)
    for code, count in (("w0", "1"), ("w1", "1"), ("e2", "none")):
        assert outcome_states(town, code, SUMMER)["overlap"] == count


def test_a_run_of_one_street_finds_where_the_other_overlaps_it(town: Database) -> None:
    with town.write() as session:
        cell = session.scalars(select(Cell).where(Cell.code == "w1")).one()
        wider = shapely.union(cell.geometry, SQUARES[2, 0])
        cell.geometry = shapely.multipolygons(shapely.get_parts(wider))
    runs = [
        search_gaps(town, "community", created_by="test", area_code=area, on=SUMMER)
        for area in (WEST_TOWN, EAST_TOWN, None)
    ]
    found = [[told(gap) for gap in kept(town, run.id) if gap.kind == "overlap"] for run in runs]
    assert len(found[0]) == 1
    assert found[0] == found[1] == found[2]
    with town.read() as session:
        assert [
            [len(list(session.scalars(select(Gap).where(
                Gap.kind == "overlap", Gap.run_id == run.id, gaps_within(session, [run.id], area)
            )))) for area in (WEST_TOWN, EAST_TOWN, COUNTY, "440399", None)]
            for run in runs
        ] == [[1, 1, 1, 0, 1]] * 3  # fmt: skip


def test_a_scheme_that_covers_in_part_has_no_blanks(database: Database) -> None:
    with database.write() as session:
        add_areas(session)
        scheme = create_scheme(session, "zones", "专属网格", coverage=CoverageMode.part)
        put_in_force(session, scheme.id, {(0, 0): "school", (1, 0): "park"}, SPRING, WEST_TOWN)
        for number, place in enumerate([spot((0, 0)), spot((3, 1)), None]):
            create_entity(session, "enterprise", str(number), geometry=place, on=SPRING)
    run = search_gaps(database, "zones", created_by="test", on=SPRING)
    assert run.summary["skipped"]["blank"] == "the scheme covers its areas in part"
    assert run.summary["kinds"]["overlap"]["gaps"] == 0
    # Only what has no place is without a cell that it should have.
    assert [gap.figures["entity_id"] for gap in kept(database, run.id) if gap.kind == "unassigned"] == ["2"]
