"""Rebalanced cells: what moves, what stays, and input that cannot be used."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.balance import LoadTarget
from gis.divide import divide_balanced, rebalance_cells
from gis.errors import InputError
from gis.measures import balance_index
from tests.gis.divide.random_units import assert_made_of_units, border_graph, grid, random_units, units_frame
from tests.gis.divide.test_balanced_bounds import lines_frame

HOUSEHOLDS = LoadTarget("households")


def plan_of(units, zones, **options):
    """A plan, and the units with the code of their cell."""
    made = divide_balanced(units, weights=[HOUSEHOLDS], zones=zones, effort="quick", **options)
    return made.cells, units.assign(cell_code=units["code"].map(made.cell_of_unit))


def drifted(units, seed):
    """The same units some years later."""
    rng = np.random.default_rng(seed)
    later = np.ceil(units["households"] * rng.uniform(0.5, 1.5, len(units))).astype(int)
    return units.assign(households=later)


def deviation(loads):
    return float(np.abs(loads / loads.mean() - 1).max())


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.booleans(), st.integers(1, 3), st.sampled_from([0, 0.05, 0.2, 1]), st.data())
def test_random_plans(seed, squares, groups, budget, data):
    units = random_units(seed, "Harbin", squares=squares, count=40, groups=groups, weights="random")
    least = len(list(nx.connected_components(nested_graph(units))))
    zones = data.draw(st.integers(least, max(least, min(len(units), least + 6))))
    cells, units = plan_of(units, zones)
    cells = cells.assign(remark=[f"note {k}" for k in range(len(cells))])
    units = drifted(units, seed)
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS, LoadTarget("jobs", 1.0)], budget=budget)
    assert_made_of_units(units, made.cells, made.cell_of_unit)
    # Codes, names and other columns are those of before, in the same order.
    for column in ("code", "name", "kind", "area_code", "remark"):
        assert made.cells[column].tolist() == cells[column].tolist()
    now = units.set_index("code")
    loads = now.groupby(made.cell_of_unit)[["households", "jobs"]].sum().loc[cells["code"]]
    assert made.cells["households"].tolist() == loads["households"].tolist()
    assert made.cells["jobs"].tolist() == loads["jobs"].tolist()
    graph = nested_graph(units)
    for members in made.cell_of_unit.groupby(made.cell_of_unit).groups.values():
        assert nx.is_connected(graph.subgraph(members))
    # The move list says what the plans differ in, and the budget holds.
    changed = now["cell_code"] != made.cell_of_unit[now.index]
    assert sorted(made.moves["unit_code"]) == sorted(now.index[changed])
    assert dict(zip(made.moves["unit_code"], made.moves["to_code"], strict=True)) == dict(
        made.cell_of_unit[now.index[changed]]
    )
    assert made.moves["from_code"].tolist() == now["cell_code"][made.moves["unit_code"]].tolist()
    moved = now["households"][changed].sum()
    assert made.moves["households"].sum() == moved
    assert moved <= budget * now["households"].sum() + 1e-9
    assert made.report.moved["households"] == pytest.approx(moved / now["households"].sum())
    before = now.groupby("cell_code")["households"].sum()
    assert made.report.before.loads[0].greatest_deviation == pytest.approx(deviation(before))
    assert made.report.after.loads[0].greatest_deviation == pytest.approx(deviation(loads["households"]))
    line = made.pareto
    assert line["moved_share"].is_monotonic_increasing
    first = line.iloc[0]
    assert first[["moved_share", "moved_units", "changed_cells"]].tolist() == [0, 0, 0]
    assert first["greatest_deviation"] == pytest.approx(deviation(before))
    assert first["balance"] == pytest.approx(balance_index(before.to_numpy(dtype=float)))
    affordable = line[line["moved_share"] <= budget + 1e-12]
    assert made.report.moved["households"] >= affordable["moved_share"].max() - 1e-12
    again = rebalance_cells(
        cells.sample(frac=1, random_state=2),
        units.sample(frac=1, random_state=1),
        weights=[HOUSEHOLDS, LoadTarget("jobs", 1.0)],
        budget=budget,
    )
    assert again.cell_of_unit.equals(made.cell_of_unit)


def nested_graph(units):
    area = units.set_index("code")["area_code"]
    graph = border_graph(units)
    graph.remove_edges_from([(a, b) for a, b in graph.edges if area[a] != area[b]])
    return graph


def uneven():
    """A plan of two cells side by side, of which the western one holds twice as much."""
    units = grid(6, 2, households=[2, 2, 2, 1, 1, 1] * 2, area_code="A")
    units["cell_code"] = np.where(np.arange(12) % 6 < 3, "A-001", "A-002")
    halves = [
        shapely.coverage_union_all(units.geometry[units["cell_code"] == code].to_numpy())
        for code in ("A-001", "A-002")
    ]
    cells = gpd.GeoDataFrame({"code": ["A-001", "A-002"], "area_code": "A"}, geometry=halves, crs=4326)
    return cells, units


def test_the_cell_that_holds_too_much_gives():
    cells, units = uneven()
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0.5)
    assert made.report.before.loads[0].greatest_deviation == pytest.approx(1 / 3)
    gone = made.moves.groupby("from_code")["households"].sum()
    assert gone["A-001"] - gone.get("A-002", 0) in (2, 3, 4)
    assert made.report.after.loads[0].greatest_deviation < 0.12
    assert made.report.cells == 2
    assert made.report.summary()["moved_units"] == len(made.moves)


def test_no_budget_moves_nothing_and_says_so():
    cells, units = uneven()
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0)
    assert made.moves.empty
    assert made.cells.geometry.to_wkb().equals(cells.geometry.to_wkb())
    assert "the budget of 0 is used up" in made.report.findings[0]


def test_a_plan_in_tolerance_stays_as_it_is():
    cells, units = uneven()
    made = rebalance_cells(cells, units, weights=[LoadTarget("households", 0.4)])
    assert made.moves.empty
    assert made.report.findings == ()


def test_owners_by_location_are_those_by_code():
    cells, units = uneven()
    by_code = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0.3)
    by_place = rebalance_cells(cells, units.drop(columns="cell_code"), weights=[HOUSEHOLDS], budget=0.3)
    assert by_place.cell_of_unit.equals(by_code.cell_of_unit)
    other_name = units.rename(columns={"cell_code": "mine"})
    named = rebalance_cells(cells, other_name, weights=[HOUSEHOLDS], budget=0.3, unit_cell_field="mine")
    assert named.cell_of_unit.equals(by_code.cell_of_unit)


def test_layers_in_other_crs_with_other_names_of_the_geometry():
    cells, units = uneven()
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0.3)
    other = rebalance_cells(
        cells.to_crs(3857).rename_geometry("outline"),
        units.to_crs(3857).rename_geometry("shape").set_axis(range(12, 0, -1)),
        weights=[HOUSEHOLDS],
        budget=0.3,
        crs=CRS.from_epsg(4547),
    )
    assert other.cell_of_unit.equals(made.cell_of_unit)
    assert other.cells.geometry.name == "outline"


def test_locked_units_exclusive_cells_and_barriers_stay():
    cells, units = uneven()
    locked = rebalance_cells(
        cells, units.assign(fixed=units["cell_code"] == "A-001"), weights=[HOUSEHOLDS], budget=1, lock="fixed"
    )
    assert set(locked.moves["from_code"]) <= {"A-002"}
    wall = lines_frame([(300, 0), (300, 200)])
    assert rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=1, barriers=wall).moves.empty
    park = cells.assign(kind=["exclusive", "balanced"])
    apart = rebalance_cells(park, units, weights=[HOUSEHOLDS], budget=1)
    assert apart.moves.empty
    assert apart.report.after.cells == 1


def test_a_cell_of_two_parts_keeps_both():
    boxes = [shapely.box(100 * k, 0, 100 * k + 100, 100) for k in (0, 1, 2, 3, 5, 6)]
    units = units_frame(
        boxes, households=[9, 9, 1, 1, 9, 9], area_code="A", cell_code=["1", "1", "2", "2", "1", "3"]
    )
    cells = gpd.GeoDataFrame(
        {"code": ["1", "2", "3"], "area_code": "A"},
        geometry=[
            shapely.union_all(units.geometry[units["cell_code"] == code].to_numpy())
            for code in ("1", "2", "3")
        ],
        crs=4326,
    )
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=1)
    assert_made_of_units(units, made.cells, made.cell_of_unit)
    assert shapely.get_num_geometries(made.cells.geometry.array).tolist() == [2, 1, 1]


def test_units_move_across_areas_where_the_plan_does():
    notes = []
    cells, units = uneven()
    units["area_code"] = ["A", "A", "B", "B", "B", "B"] * 2
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0.5, note=notes.append)
    assert notes == ["units move across areas, as cell 'A-001' has units of several"]
    assert len(made.moves)


@pytest.mark.parametrize(
    ("target", "budget", "text"),
    [
        (
            LoadTarget("households", 1.0, cap=10),
            0,
            "Cell 'A-001' holds 12 households, the cap is 10; moving 0 of the first load does not",
        ),
        (
            LoadTarget("households", 1.0, cap=8),
            1,
            "the cap is 8; the cells of 'A' hold 18 households and are 2; raise",
        ),
        (LoadTarget("households", 1.0, cap=1), 1, "Unit 'U000' alone holds 2 households, the cap is 1"),
    ],
)
def test_a_cap_that_cannot_be_kept(target, budget, text):
    cells, units = uneven()
    with pytest.raises(InputError) as raised:
        rebalance_cells(cells, units, weights=[target], budget=budget)
    assert text in str(raised.value)


def test_a_cap_is_kept_first():
    cells, units = uneven()
    made = rebalance_cells(cells, units, weights=[LoadTarget("households", 1.0, cap=10)], budget=0.5)
    assert made.cells["households"].max() <= 10


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda c, u: (c, u, {"budget": 1.5}),
            "The budget is the share of the load that may move, 0 to 1, not 1.5",
        ),
        (lambda c, u: (c.iloc[:0], u, {}), "There is no cell to balance"),
        (lambda c, u: (c.assign(code="A-001"), u, {}), "Cell 'A-001' occurs twice"),
        (lambda c, u: (c.assign(code=[None, "A-002"]), u, {}), "Record 1 of the cells has no code"),
        (lambda c, u: (c.drop(columns="code"), u, {}), "The cells have no field 'code'"),
        (lambda c, u: (c.assign(kind="exclusive"), u, {}), "Every cell is exclusive"),
        (
            lambda c, u: (c, u.assign(cell_code="A-009"), {}),
            "Unit 'U000' is in cell 'A-009', which is not among",
        ),
        (
            lambda c, u: (c, u.assign(cell_code=[None] + ["A-001"] * 11), {}),
            "Unit 'U000' has no value in cell_code",
        ),
        (lambda c, u: (c, u.assign(cell_code="A-001"), {}), "Cell 'A-002' has no unit"),
        (
            lambda c, u: (c.iloc[:1], u.drop(columns="cell_code"), {}),
            "Unit 'U003' lies in no cell; the same holds for 5 more",
        ),
        (lambda c, u: (c, u.iloc[1:], {}), "Cell 'A-001' differs from its units by 10,0"),
        (
            lambda c, u: (c, u.assign(households=-1), {}),
            "The value of households in unit 'U000' is -1, which is negative",
        ),
    ],
)
def test_plans_that_cannot_be_balanced(change, text):
    cells, units, options = change(*uneven())
    with pytest.raises(InputError) as raised:
        rebalance_cells(cells, units, weights=[HOUSEHOLDS], **options)
    assert text in str(raised.value)
    assert str(raised.value).endswith(".")


def test_columns_of_the_cells_that_were_sums_of_units_stay_sums():
    cells, units = uneven()
    units = units.assign(shops=range(12), height=5)
    sums = units.groupby("cell_code")["shops"].sum()
    cells = cells.assign(shops=sums.loc[cells["code"]].to_numpy(), height=[7, 8])
    made = rebalance_cells(cells, units, weights=[HOUSEHOLDS], budget=0.5)
    expected = units.set_index("code")["shops"].groupby(made.cell_of_unit).sum()
    assert pd.Series(made.cells["shops"].to_numpy(), made.cells["code"]).equals(
        expected.loc[made.cells["code"]].set_axis(made.cells["code"])
    )
    assert made.cells["height"].tolist() == [7, 8]
