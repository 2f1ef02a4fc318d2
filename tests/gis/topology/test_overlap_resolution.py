"""Which of several cells keeps ground, at the bounds of each rule: squares on a grid of metres."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis.topology.face_graph import build_face_graph
from gis.topology.overlap_resolution import OverlapResolver
from gis.topology.polygon_layer import read_polygon_layer

ZONE = CRS.from_epsg(4547)
EAST, NORTH = 500_000, 2_500_000


def square(west: int, south: int, east: int, north: int) -> shapely.Polygon:
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def resolver_of(*shapes: shapely.Geometry, ranks: list[int] | None = None) -> OverlapResolver:
    """A resolver of cells, the first of which has the lowest code unless ranks are given."""
    frame = gpd.GeoDataFrame({"code": [f"{k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=ZONE)
    layer = read_polygon_layer(frame, ZONE)
    graph = build_face_graph(layer, None, np.zeros(len(layer), dtype=np.int64), np.empty(0, dtype=object))
    rank = np.array(ranks if ranks is not None else range(len(shapes)))
    return OverlapResolver(graph, shapely.area(layer.polygons), rank, 0.5)


def test_ground_of_contained_cells_is_assigned_first() -> None:
    host, beside, inner = square(0, 0, 10, 10), square(8, 0, 20, 10), square(2, 2, 4, 4)
    first, second = resolver_of(host, beside, inner).resolve()
    # Of as many cells as the larger overlap, of which neither is contained.
    assert (first.previous_cells, first.assigned_cell) == ([0, 2], 2)
    assert second.previous_cells == [0, 1]


def test_of_two_contained_cells_the_smaller_has_its_ground() -> None:
    host, larger, smaller = square(0, 0, 20, 20), square(2, 2, 8, 8), square(6, 2, 9, 8)
    assigned = {
        tuple(each.previous_cells): each.assigned_cell
        for each in resolver_of(host, larger, smaller).resolve()
    }
    assert assigned == {(0, 1, 2): 2, (0, 1): 1, (0, 2): 2}


def test_the_longer_border_wins_and_the_lower_code_where_both_are_equal() -> None:
    notch = resolver_of(square(8, 2, 18, 8), square(0, 0, 10, 10)).resolve()
    assert [each.assigned_cell for each in notch] == [1]
    for ranks, winner in ([0, 1], 0), ([1, 0], 1):
        halves = resolver_of(square(0, 0, 10, 10), square(8, 0, 18, 10), ranks=ranks).resolve()
        assert [each.assigned_cell for each in halves] == [winner]


@pytest.mark.parametrize(("wide", "winner"), [(3, 0), (5, 0), (6, 1)])
def test_a_cell_that_would_lose_more_than_half_keeps_the_ground(wide: int, winner: int) -> None:
    # The first has the longer border as long as the other keeps half of its 100 m².
    large = square(-20, -5, wide, 15)
    assert [each.assigned_cell for each in resolver_of(large, square(0, 0, 10, 10)).resolve()] == [winner]


@pytest.mark.parametrize(("parts", "growth", "owner"), [(1, 0.25, 1), (1, 0.2499, 0), (2, 0.25, 0)])
def test_a_fragment_goes_to_a_neighbour_that_it_makes_no_larger_than_allowed(
    parts: int, growth: float, owner: int
) -> None:
    torn = shapely.MultiPolygon([square(0, 0, 2, 2), square(4, 0, 5, 1)])
    resolver = resolver_of(torn, square(2, 0, 4, 2))
    assert resolver.resolve() == []
    moved = resolver.reassign_fragments(np.array([parts, 1]), growth)
    faces = resolver._face_graph.faces
    fragment = int(np.flatnonzero(shapely.area(faces) == 1)[0])
    assert resolver.cell_of_face[fragment] == owner
    assert len(moved) == owner


def test_a_cell_whose_own_ground_lies_elsewhere_gets_nothing_beside_another() -> None:
    # Without the overlap the first has a hundredth of its ground, the other just half.
    far = shapely.MultiPolygon([square(0, 0, 10, 10), square(50, 0, 51, 1)])
    assert [each.assigned_cell for each in resolver_of(far, square(0, 0, 20, 10)).resolve()] == [1]
