import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gis.errors import InputError
from layers.tiles.tile import (
    EXTENT,
    HALF_WORLD_M,
    MAX_LATITUDE,
    MAX_ZOOM,
    Tile,
    project,
    tiles_intersecting,
    unit_size,
)

MERCATOR = Transformer.from_crs(4326, 3857, always_xy=True)


@pytest.mark.parametrize(
    ("z", "x", "y"), [(-1, 0, 0), (23, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0), (0, 0, 1)]
)
def test_there_are_no_tiles_beyond_the_world(z, x, y):
    with pytest.raises(InputError, match=r"^(Zoom|There is no tile) "):
        Tile(z, x, y)


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-MAX_LATITUDE, MAX_LATITUDE)), min_size=1))
def test_projection_is_that_of_epsg_3857(places):
    lonlat = np.array(places)
    np.testing.assert_allclose(
        project(lonlat), np.column_stack(MERCATOR.transform(*lonlat.T)), rtol=1e-12, atol=1e-6
    )


def test_latitudes_beyond_the_square_are_put_on_its_edge():
    np.testing.assert_allclose(
        project(np.array([[0.0, 90.0], [0.0, -90.0]]))[:, 1], [HALF_WORLD_M, -HALF_WORLD_M]
    )


@given(st.integers(0, MAX_ZOOM), st.data())
def test_the_bounds_of_a_tile(z, data):
    x, y = (data.draw(st.integers(0, (1 << z) - 1)) for _ in range(2))
    address = Tile(z, x, y)
    side = 2 * HALF_WORLD_M / 2**z
    west, south, east, north = address.xy_bounds
    assert (west, north) == pytest.approx((x * side - HALF_WORLD_M, HALF_WORLD_M - y * side), abs=1e-6)
    assert (east, south) == pytest.approx((west + side, north - side), abs=1e-6)
    assert address.origin == (x * EXTENT, y * EXTENT)
    wider = address.buffered_xy_bounds(64)
    assert wider == pytest.approx(
        (west - side / 64, south - side / 64, east + side / 64, north + side / 64), abs=1e-6
    )
    assert unit_size(z) * EXTENT == pytest.approx(side)


@given(st.integers(0, 3), st.tuples(*[st.integers(-717, 717)] * 2), st.tuples(*[st.integers(-337, 337)] * 2))
def test_tiles_that_touch_a_box(zoom, lons, lats):
    # None is a rounding error beside a border; what lies on one is tested below.
    bounds = (min(lons) / 4 + 0.1, min(lats) / 4 + 0.1, max(lons) / 4 + 0.1, max(lats) / 4 + 0.1)
    (west, north), (east, south) = project(np.array([[bounds[0], bounds[3]], [bounds[2], bounds[1]]]))
    every = [Tile(zoom, x, y) for y in range(1 << zoom) for x in range(1 << zoom)]
    naive = [
        tile
        for tile in every
        if tile.xy_bounds[0] <= east
        and tile.xy_bounds[2] >= west
        and tile.xy_bounds[1] <= north
        and tile.xy_bounds[3] >= south
    ]
    assert list(tiles_intersecting(bounds, zoom)) == naive


def test_a_corner_belongs_to_the_four_tiles_around_it_and_a_buffer_to_more():
    assert len(list(tiles_intersecting((0, 0, 0, 0), 3))) == 4
    assert len(list(tiles_intersecting((20, 20, 20, 20), 3))) == 1
    assert len(list(tiles_intersecting((44.9, 20, 44.9, 20), 3))) == 1
    assert len(list(tiles_intersecting((44.9, 20, 44.9, 20), 3, buffer=64))) == 2


@pytest.mark.parametrize("bounds", [(1, 0, 0, 1), (0, 1, 1, 0), (0, 0, math.nan, 1), (0, 0, math.inf, 1)])
def test_a_box_that_makes_no_sense(bounds):
    with pytest.raises(InputError, match=r"^A box is west, south, east, north"):
        list(tiles_intersecting(bounds, 4))
