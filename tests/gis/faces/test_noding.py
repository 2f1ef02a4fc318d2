"""Borders that would not stay shared in degrees."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely import box

from gis.antimeridian import project_joined
from gis.crs import LONLAT, geometries_to_lonlat
from gis.faces.noding import invalid_in_coverage, invalid_in_degrees, noding_cuts
from tests.gis.topology.coverages import lattice, notched

CRS_4547 = CRS.from_epsg(4547)


def test_a_coverage_with_room_needs_no_cut() -> None:
    assert noding_cuts(lattice(5, 5, origin=(500_000, 2_500_000)), CRS_4547) is None


def test_a_vertex_beside_a_long_edge_is_cut_across() -> None:
    # The tip of the lower cell reaches to 1 cm from the edge of the upper, 5 km long, which sags by more.
    x, y = 600_000.0, 2_500_000.0
    upper = box(x, y, x + 5000, y + 1000)
    lower = shapely.Polygon(
        [(x, y), (x + 2500, y - 0.01), (x + 5000, y), (x + 5000, y - 1000), (x, y - 1000)]
    )
    lens = shapely.Polygon([(x, y), (x + 2500, y - 0.01), (x + 5000, y)])
    cells = np.array([upper, lower, lens], dtype=object)
    assert shapely.coverage_is_valid(cells)
    cuts = noding_cuts(cells, CRS_4547)
    assert cuts is not None
    spot = shapely.Point(x + 2500, y - 0.01)
    assert any(cut.distance(spot) < 0.01 and cut.crosses(upper.exterior) for cut in cuts)


def test_a_vertex_beside_a_long_edge_of_its_own_cell_is_cut_across() -> None:
    cell = notched((600_000.0, 2_500_000.0))
    cuts = noding_cuts(np.array([cell], dtype=object), CRS_4547)
    assert cuts is not None
    assert any(cut.crosses(cell.exterior) for cut in cuts)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([2, 30, 5000]))
def test_borders_that_get_across_in_degrees_are_those_that_asking_all_finds(seed: int, side: float) -> None:
    """Steps of a random height, from far too low for degrees to high, between large cells and small ones."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(0, side, rng.integers(1, 9)))
    low = np.column_stack([np.r_[0, at, side], np.r_[0, 10.0 ** rng.uniform(-8, 0, len(at)), 0]])
    points = low + np.array([600_000, 2_500_000])
    west, east, y = points[0, 0], points[-1, 0], points[0, 1]
    upper = shapely.Polygon([*points, (east, y + side), (west, y + side)])
    lower = shapely.Polygon([*points, (east, y - side), (west, y - side)])
    cells = np.array([upper, lower, *lattice(3, 3, origin=(700_000, 2_500_000))], dtype=object)
    lonlat = geometries_to_lonlat(cells, CRS_4547)
    naive = invalid_in_coverage(lonlat) | invalid_in_coverage(project_joined(lonlat, LONLAT, CRS_4547))
    assert invalid_in_degrees(cells, CRS_4547).tolist() == naive.tolist()
