"""Locks, seeds, barriers, exclusive units, caps and parts of balanced cells, against naive checks."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance import LoadTarget
from gis.divide import divide_balanced
from gis.errors import InputError
from tests.gis.divide.random_units import assert_made_of_units, border_graph, grid, units_frame

HOUSEHOLDS = LoadTarget("households")
QUICK = {"effort": "quick"}


def lines_frame(*paths):
    """Lines in metres from the corner of a grid."""
    origin = np.array((500_000, 2_500_000))
    return gpd.GeoDataFrame(
        geometry=[shapely.LineString(np.array(path) + origin) for path in paths], crs=4547
    )


def points_frame(*places):
    points = [shapely.Point(x + 500_000, y + 2_500_000) for x, y in places]
    return gpd.GeoDataFrame(geometry=points, crs=4547)


def members_of(made):
    return {code: set(units) for code, units in made.cell_of_unit.groupby(made.cell_of_unit).groups.items()}


def assert_connected(units, made):
    graph = border_graph(units)
    for members in members_of(made).values():
        assert nx.is_connected(graph.subgraph(members))


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_locked_units_stay_together_and_apart_from_others(seed):
    rng = np.random.default_rng(seed)
    units = grid(8, 6, households=rng.integers(1, 9, 48))
    names = np.full(48, None, dtype=object)
    # Two cells on either side, each of units that do not touch one another.
    names[rng.choice([0, 1, 8, 9, 16, 17, 24, 25], 3, replace=False)] = "west"
    names[rng.choice([6, 7, 14, 15, 22, 23, 30, 31], 3, replace=False)] = "east"
    made = divide_balanced(
        units.assign(lock=names), weights=[HOUSEHOLDS], zones=int(rng.integers(2, 9)), lock="lock", **QUICK
    )
    homes = made.cell_of_unit.groupby(dict(zip(units["code"], names, strict=True))).unique()
    assert len(homes["west"]) == len(homes["east"]) == 1
    assert homes["west"][0] != homes["east"][0]
    assert_connected(units, made)
    assert_made_of_units(units, made.cells, made.cell_of_unit)


def test_findings_name_the_areas():
    units = grid(2, 1, households=[1, 9]).assign(area_code=["a", "b"])
    areas = pd.DataFrame({"code": ["a", "b"], "name": [None, "East"], "parent": None})
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, areas=areas, **QUICK)
    said = sorted(made.report.findings)
    assert [text.partition(" holds")[0] for text in said] == ["'a'", "'b' (East)"]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_cell_grows_around_each_seed(seed):
    rng = np.random.default_rng(seed)
    units = grid(8, 6, households=1)
    chosen = rng.choice(48, int(rng.integers(1, 7)), replace=False)
    seeds = points_frame(*((100 * (k % 8) + 50, 100 * (k // 8) + 50) for k in chosen))
    made = divide_balanced(units, weights=[LoadTarget("households", 0.1)], seeds=seeds, **QUICK)
    assert len(made.cells) == len(chosen)
    assert made.cell_of_unit[units["code"][chosen]].is_unique
    assert_connected(units, made)
    # One unit more or less is what a grid allows at best; corners may hold a seed back.
    assert made.cells["households"].max() <= 2 * 48 / len(chosen) + 1


@settings(max_examples=12)
@given(st.integers(0, 2**32))
def test_no_cell_crosses_a_barrier(seed):
    rng = np.random.default_rng(seed)
    units = grid(8, 6, households=rng.integers(1, 9, 48))
    # A river that turns at corners of units, drawn a little beside their borders.
    x, path = 100 * int(rng.integers(2, 7)), []
    for y in range(0, 700, 100):
        path.append((x, y))
        if 0 < y < 600 and rng.random() < 0.4:
            x = min(max(x + int(rng.choice([-100, 100])), 100), 700)
            path.append((x, y))
    barrier = lines_frame(np.array(path) + rng.uniform(-0.3, 0.3, 2))
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=8, barriers=barrier, **QUICK)
    assert_made_of_units(units, made.cells, made.cell_of_unit)
    river = barrier.geometry.iloc[0]
    for polygon in made.cells.to_crs(4547).geometry:
        assert shapely.buffer(polygon, -2).intersection(river).length == 0
        assert polygon.buffer(-2).geom_type == "Polygon"


def test_a_barrier_that_ends_can_be_gone_round():
    units = grid(2, 4, households=1)
    wall = lines_frame([(100, 0), (100, 300)])
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=1, barriers=wall)
    assert len(made.cells) == 1
    two = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, barriers=wall)
    assert two.cells["households"].tolist() == [4, 4]
    west = two.cell_of_unit[["U000", "U002", "U004"]]
    assert west.nunique() == 1


def test_a_line_across_borders_or_far_away_is_no_barrier():
    units = grid(3, 1, households=1)
    # It ends inside the second unit, so that none is cut in two.
    for line in ([(50, 50), (150, 50)], [(5000, 0), (5000, 100)]):
        made = divide_balanced(units, weights=[HOUSEHOLDS], zones=1, barriers=lines_frame(line))
        assert len(made.cells) == 1


def test_a_pond_inside_a_unit_is_no_barrier():
    pond = lines_frame([(20, 20), (60, 20), (60, 60), (20, 20)])
    made = divide_balanced(grid(2, 1, households=1), weights=[HOUSEHOLDS], zones=1, barriers=pond)
    assert len(made.cells) == 1


def test_exclusive_units_are_cells_of_their_own():
    marks = ["", "park", "", "", "park", "", "yes", "", "no"]
    units = grid(3, 3, households=1, mark=marks)
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, exclusive="mark", parts="allow")
    kinds = made.cells.set_index("code")["kind"]
    assert kinds.value_counts().to_dict() == {"balanced": 2, "exclusive": 2}
    # The two units of the park touch; the school is alone, and "no" is no mark.
    assert made.cell_of_unit["U001"] == made.cell_of_unit["U004"]
    assert (made.cell_of_unit == made.cell_of_unit["U006"]).sum() == 1
    assert kinds[made.cell_of_unit["U008"]] == "balanced"
    assert made.report.exclusive_cells == 2
    assert made.report.figures.cells == 2
    assert_made_of_units(units, made.cells, made.cell_of_unit)


def test_a_field_of_true_and_false_makes_each_unit_exclusive_by_itself():
    units = grid(3, 1, households=1, school=[True, True, False])
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=1, exclusive="school")
    assert made.cells["kind"].tolist() == ["exclusive", "exclusive", "balanced"]


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_as_few_cells_as_a_largest_load_allows(seed):
    rng = np.random.default_rng(seed)
    load = rng.integers(1, 30, 48)
    cap = int(rng.integers(80, 250))
    units = grid(8, 6, households=load)
    made = divide_balanced(units, weights=[HOUSEHOLDS], max_weight=cap, **QUICK)
    assert made.cells["households"].max() <= cap
    least = -(-load.sum() // cap)
    assert least <= len(made.cells) <= least * 1.3 + 1
    assert_connected(units, made)


def test_a_cap_of_a_second_load_holds():
    rng = np.random.default_rng(5)
    units = grid(8, 6, households=1, jobs=rng.integers(0, 10, 48))
    cap = int(units["jobs"].sum() / 6 * 1.15)
    made = divide_balanced(units, weights=[HOUSEHOLDS, LoadTarget("jobs", 0.3, cap)], zones=6)
    assert made.cells["jobs"].max() <= cap


def islands():
    """Five units in a row, then water, then one, and another."""
    boxes = [shapely.box(100 * k, 0, 100 * k + 100, 100) for k in (0, 1, 2, 3, 4, 7, 11)]
    return units_frame(boxes, households=[4, 4, 4, 4, 4, 4, 1], area_code="A")


def test_an_island_is_a_cell_and_named_if_it_is_too_small():
    made = divide_balanced(islands(), weights=[HOUSEHOLDS], zones=6)
    assert (made.cell_of_unit == made.cell_of_unit["U006"]).sum() == 1
    assert "The part with unit 'U006' holds 1 households for 1 cell" in " ".join(made.report.findings)
    assert made.report.figures.in_parts == 0


def test_parts_may_be_joined_across_water_where_that_is_allowed():
    made = divide_balanced(islands(), weights=[LoadTarget("households", 0.3)], zones=2, parts="allow")
    assert members_of(made)[made.cell_of_unit["U006"]] >= {"U005", "U006"}
    assert made.report.figures.in_parts >= 1
    assert_made_of_units(islands(), made.cells, made.cell_of_unit)
    # Not across a barrier in the water.
    canal = lines_frame([(600, -500), (600, 500)])
    with pytest.raises(
        InputError, match=r"is 1, but the units lie in 2 parts that share no border, .* ask for 2 at least\.$"
    ):
        divide_balanced(islands(), weights=[HOUSEHOLDS], zones=1, parts="allow", barriers=canal)


def test_cells_are_shared_among_areas_by_load():
    units = grid(6, 2, households=1, area_code=(["A"] * 4 + ["B"] * 2) * 2)
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=3)
    assert made.cells["area_code"].tolist() == ["A", "A", "B"]
    assert made.cells["code"].tolist() == ["A-001", "A-002", "B-001"]
    given_each = divide_balanced(units, weights=[HOUSEHOLDS], zones={"A": 1, "B": 4})
    assert given_each.cells["area_code"].tolist() == ["A", "B", "B", "B", "B"]


@pytest.mark.parametrize(
    ("within", "base"), [("street", "440304001"), (None, "440304001"), ("area_code", None)]
)
def test_the_code_of_a_cell_is_that_of_the_area_above_its_units(within, base):
    communities = ["440304001001", "440304001002"] * 2
    units = grid(2, 2, households=1, area_code=communities, street="440304001")
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, within=within)
    expected = [base, base] if base else communities[:2]
    assert made.cells["area_code"].tolist() == expected
    assert made.cells["code"].str.len().tolist() == [15, 15]


def test_areas_give_parents_and_names():
    areas = gpd.GeoDataFrame(
        {"code": ["Q", "A", "B"], "parent": [None, "Q", "Q"], "name": ["Quarter", "East", "West"]}
    )
    units = grid(2, 2, households=1, area_code=["A", "B"] * 2)
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, within=None, areas=areas)
    assert made.cells["code"].tolist() == ["Q-001", "Q-002"]
    nested = divide_balanced(units, weights=[HOUSEHOLDS], zones=2, areas=areas)
    assert [name.split()[0] for name in nested.cells["name"]] == ["East", "West"]


def test_progress_ends_at_the_total():
    steps = []
    units = grid(4, 2, households=1, area_code=["A", "B"] * 4)
    divide_balanced(
        units, weights=[HOUSEHOLDS], zones=4, within=None, progress=lambda *step: steps.append(step)
    )
    assert steps == sorted(steps)
    assert steps[-1] == (8, 8)


def test_units_of_no_area():
    made = divide_balanced(grid(2, 2, households=1), weights=[HOUSEHOLDS], zones=2, used_codes={"001"})
    assert made.cells["code"].tolist() == ["002", "003"]
    assert made.cells["area_code"].isna().all()
