"""Borders that would not stay shared in degrees."""

import numpy as np
import shapely
from pyproj import CRS
from shapely import box

from gis.faces.noding import noding_cuts
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
