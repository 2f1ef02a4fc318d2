"""Repairs that once were refused: corners on long edges, corners close together, cells of any size."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from shapely import Polygon, box
from shapely.affinity import rotate, translate

from gis.errors import RefusedError
from gis.topology import check_topology, repair_topology
from gis.topology.restore_vertices import restore_vertices
from tests.gis.topology.coverages import PLACES, frame, lattice

CITIES = {
    "Beijing": (116.3, 39.9),
    "Shenzhen": (114.0, 22.5),
    "London": (-0.1, 51.5),
    "São Paulo": (-46.6, -23.5),
}


def corner_on_edge(city: str, side: str, size: float, share: float) -> gpd.GeoDataFrame:
    """A square and a triangle whose tip lies on one of its edges, as drawn in degrees."""
    west, south = CITIES[city]
    square = box(west, south, west + size, south + size)
    x, y = {
        "north": (west + share * size, south + size),
        "south": (west + share * size, south),
        "east": (west + size, south + share * size),
    }[side]
    across = {"north": (0, 1), "south": (0, -1), "east": (1, 0)}[side]
    tip = np.array([x, y])
    base = tip + size / 2 * np.array(across)
    along = size / 3 * np.array(across[::-1])
    triangle = Polygon([tip, base + along, base - along])
    return gpd.GeoDataFrame({"code": ["a", "c"]}, geometry=[triangle, square], crs=4326)


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("side", ["north", "south", "east"])
def test_a_corner_on_a_long_edge_becomes_a_vertex_of_the_edge(city: str, side: str) -> None:
    for size, share in ((0.0007, 0.31), (0.0075, 0.62), (0.024, 0.17), (0.08, 0.44)):
        cells = corner_on_edge(city, side, size, share)
        assert not check_topology(cells).is_valid
        repaired = repair_topology(cells).cells
        assert check_topology(repaired).is_valid
        tip = shapely.Point(cells.geometry[0].exterior.coords[0])
        # The corner is where it was, and both cells have it.
        for cell in repaired.geometry:
            corners = shapely.get_coordinates(cell)
            assert (corners == shapely.get_coordinates(tip)[0]).all(axis=1).any()


def test_a_row_of_corners_along_one_edge_is_matched() -> None:
    west, south = CITIES["Beijing"]
    wide = box(west, south, west + 0.05, south + 0.02)
    cuts = west + 0.05 * np.array([0, 0.13, 0.38, 0.71, 1])
    above = [box(a, south + 0.02, b, south + 0.03) for a, b in pairwise(cuts)]
    cells = gpd.GeoDataFrame({"code": list("abcde")}, geometry=[wide, *above], crs=4326)
    result = repair_topology(cells)
    assert check_topology(result.cells).is_valid
    assert shapely.get_num_coordinates(result.cells.geometry.iloc[0]) == 8
    # Only the bend of the edge between the two coordinate systems counts as a change.
    assert result.changes["change_share"].abs().max() < 1e-3


@pytest.mark.parametrize("apart", [1e-7, 2e-7, 3e-7])
def test_of_two_vertices_close_together_at_a_corner_one_stays(apart: float) -> None:
    # What it was made of has none of its vertices, so that those which are not needed go.
    cells = frame(np.array([box(0, 0, 1, 1)], dtype=object))
    blunt = Polygon(
        [
            (500_000, 2_500_000),
            (500_100, 2_500_000),
            (500_100, 2_500_060 - apart),
            (500_100 - apart, 2_500_060),
            (500_000, 2_500_060),
        ]
    )
    none = np.empty(0, dtype=object)
    made = restore_vertices(np.array([blunt], dtype=object), cells, None, none, CRS.from_epsg(4547))
    assert made.projected[0].area == pytest.approx(6000, abs=1e-3)
    assert made.lonlat[0].is_valid


@pytest.mark.parametrize("size", [10_000.0, 200_000.0, 800_000.0])
def test_overlaps_of_large_areas_are_resolved(size: float) -> None:
    epsg, east, north = PLACES["Shenzhen"]
    for seed in range(5):
        polygons = lattice(2, 2, size=size, origin=(east - size, north), seed=seed)
        # Long edges cross where no vertex was: the grid moves them by a hair along all of their length.
        polygons[0] = translate(rotate(polygons[0], 1.7), 0.003 * size, 0.002 * size)
        result = repair_topology(frame(polygons, epsg), max_width_m=size, crs=CRS.from_epsg(epsg))
        assert check_topology(result.cells, crs=result.crs).is_valid


def test_a_cell_across_another_is_named() -> None:
    host, bar = box(0, 0, 100, 100), box(40, 0, 60, 100)
    cells = frame(np.array([translate(each, 500_000, 2_500_000) for each in (host, bar)], dtype=object))
    with pytest.raises(RefusedError, match="c000 would fall from 1 into 2 pieces, because cell c001 lies"):
        repair_topology(cells)
