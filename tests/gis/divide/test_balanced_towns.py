"""Squares of real traffic zones as a planner groups them, nested in two districts."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from gis.balance import LoadTarget
from gis.divide import divide_balanced, divide_square, rebalance_cells
from gis.topology import repair_topology
from tests.gis.divide.random_units import assert_made_of_units

TOWN = (502_000, 2_493_000, 514_000, 2_501_000)


@pytest.fixture(scope="module")
def squares(shared_data):
    """Squares of the zones in the middle of Shenzhen, with charging stations and the district they lie in."""
    zones = pyogrio.read_dataframe(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4547)
    zones = zones[shapely.intersects(zones.representative_point(), shapely.box(*TOWN))]
    zones = zones.assign(code=zones["TAZID"].astype(int).astype(str))[["code", "geometry"]]
    areas = repair_topology(zones.to_crs(4326)).cells.assign(name="", level="", parent=None)
    units = divide_square(areas, size_m=500)
    stations = pd.read_csv(shared_data / "shenzhen" / "stations.csv")
    points = gpd.points_from_xy(stations["longitude"], stations["latitude"])
    unit = shapely.STRtree(np.asarray(units.geometry.array)).query(points, predicate="within")[1]
    east = areas.set_index("code").to_crs(4547).representative_point().x > np.mean(TOWN[::2])
    return units.assign(
        stations=np.bincount(unit, minlength=len(units)),
        district=np.where(units["area_code"].map(east), "East", "West"),
    )


@pytest.fixture(scope="module")
def made(squares):
    weights = [LoadTarget("area", 0.15), LoadTarget("stations", 0.25)]
    return divide_balanced(squares, weights=weights, zones=12, within="district")


def test_shenzhen(squares, made):
    assert_made_of_units(squares, made.cells, made.cell_of_unit)
    polygons = squares.to_crs(4547).set_index("code").geometry
    first, second = shapely.STRtree(polygons.to_numpy()).query(polygons.to_numpy(), predicate="touches")
    shared = shapely.length(shapely.intersection(polygons.to_numpy()[first], polygons.to_numpy()[second]))
    graph = nx.Graph(
        zip(polygons.index[first[shared > 1e-6]], polygons.index[second[shared > 1e-6]], strict=True)
    )
    district = squares.set_index("code")["district"]
    for members in made.cell_of_unit.groupby(made.cell_of_unit).groups.values():
        assert nx.is_connected(graph.subgraph(members))
        assert district[members].nunique() == 1
    figures = {each.load: each for each in made.report.figures.loads}
    assert made.cells["stations"].sum() == squares["stations"].sum() == figures["stations"].total
    for load in ("area_m2", "stations"):
        explained = any(("m²" if load == "area_m2" else load) in text for text in made.report.findings)
        assert explained == (figures[load].out_of_tolerance > 0)
    # Real ground with two loads at once: what a planner accepts.
    assert figures["area_m2"].balance > 90
    assert made.report.figures.polsby_popper > 0.3


def test_shenzhen_some_years_later(squares, made):
    rng = np.random.default_rng(3)
    later = squares.assign(
        stations=np.rint(squares["stations"] * rng.uniform(0.3, 2.5, len(squares))).astype(int),
        cell_code=squares["code"].map(made.cell_of_unit),
    )
    target = LoadTarget("stations", 0.1)
    moved = rebalance_cells(made.cells, later, weights=[target], budget=0.1, within="district")
    assert_made_of_units(later, moved.cells, moved.cell_of_unit)
    assert moved.cells["code"].tolist() == made.cells["code"].tolist()
    before, after = (figures.loads[0] for figures in (moved.report.before, moved.report.after))
    assert after.balance > before.balance
    assert after.out_of_tolerance < before.out_of_tolerance
    assert 0 < moved.report.moved["stations"] <= 0.1
    # The line goes on to what a larger budget would give.
    assert moved.pareto["moved_share"].iloc[-1] >= moved.report.moved["stations"]
    district = later.set_index("code")["district"]
    for members in moved.cell_of_unit.groupby(moved.cell_of_unit).groups.values():
        assert district[members].nunique() == 1
