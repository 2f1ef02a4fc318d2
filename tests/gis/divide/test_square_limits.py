"""Division into squares at its limits: long edges, the 180th meridian, sizes and shares."""

import numpy as np
import pytest
import shapely

from gis.divide import divide_square
from gis.errors import InputError
from tests.gis.divide.test_square import assert_coverage, frame, in_metres
from tests.gis.topology.coverages import crossing


def test_a_vertex_beside_a_long_edge_stays_on_its_side_in_degrees():
    areas = frame(crossing((601_000.0, 2_502_000.0)), 4547)
    assert not shapely.coverage_is_valid(np.asarray(areas.geometry))
    assert_coverage(areas, divide_square(areas, size_m=5000))


@pytest.mark.parametrize("west", [-180.0, -179.99, 179.95])
@pytest.mark.parametrize("size", [500, 5000])
def test_ground_beside_the_180th_meridian(west, size):
    areas = frame([shapely.box(west, 65, west + 0.05, 65.03)], 4326)
    assert_coverage(areas, divide_square(areas, size_m=size))


def test_ground_across_the_180th_meridian_is_refused():
    halves = shapely.multipolygons(
        [shapely.box(179.95, -17, 180, -16.9), shapely.box(-180, -17, -179.9, -16.9)]
    )
    for across in (halves, shapely.box(-179.9, -17, 179.95, -16.9)):
        with pytest.raises(InputError, match="Area 'A0' crosses the 180th meridian"):
            divide_square(frame([across], 4326), size_m=500)
    apart = shapely.multipolygons(
        [shapely.box(179.9, -17, 179.95, -16.9), shapely.box(-179.95, -17, -179.9, -16.9)]
    )
    assert divide_square(frame([apart], 4326), size_m=5000).is_valid.all()


@pytest.mark.parametrize(("size", "side", "count"), [(1, 3, 9), (100_000, 300, 1)])
def test_the_smallest_and_the_largest_square(size, side, count):
    cells = divide_square(in_metres([shapely.box(0, 0, side, side)]), size_m=size)
    assert len(cells) == count
    assert cells["area_m2"].sum() == pytest.approx(side**2, rel=1e-5)


@pytest.mark.parametrize(("share", "areas"), [(0, [10_000, 10_000, 5_000]), (1, [10_000, 15_000])])
def test_the_least_and_the_greatest_share(share, areas):
    cells = divide_square(in_metres([shapely.box(0, 0, 250, 100)]), size_m=100, min_share=share)
    assert sorted(cells["area_m2"].round(2)) == sorted(areas)


def test_a_remnant_of_just_the_share_is_a_cell():
    for width, areas in ((125, [2_500, 10_000]), (124.9, [12_490])):
        cells = divide_square(in_metres([shapely.box(0, 0, width, 100)]), size_m=100, min_share=0.25)
        assert sorted(cells["area_m2"].round(1)) == areas
