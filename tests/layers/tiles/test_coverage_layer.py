from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InputError
from layers.tiles import BUFFER, EXTENT, CoverageLayer, Tile, tiles_intersecting
from layers.tiles.tile import HALF_WORLD_M, project, unit_size
from tests.gis.topology.coverages import lattice
from tests.layers.tiles.coverages import SHENZHEN, blank, features, mosaic, placed

ZOOMS = range(20)
TILE = shapely.box(0, 0, EXTENT, EXTENT)
BUFFERED = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)


def in_units(shapes, address):
    """What a tile should show: projected, in its units, not simplified."""
    size, (column, row) = unit_size(address.z), address.origin

    def drawn(lonlat):
        return (project(lonlat) - (-HALF_WORLD_M, HALF_WORLD_M)) / (size, -size) - (column, row)

    return np.asarray(shapely.transform(shapes, drawn), dtype=object)


def tiles_of(shapes, zoom, most):
    found = list(tiles_intersecting(tuple(shapely.total_bounds(shapes)), zoom))
    return found[:: max(1, len(found) // most)]


def wiggly(columns, rows, seed=0):
    """A coverage with curved borders, vertices shared, about 100 m cells in Shenzhen."""
    return placed(lattice(columns, rows, size=1.0 / columns, wiggle=5, seed=seed), 0.001 * columns)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(5, 150), st.integers(2, 60))
def test_no_slits_at_any_zoom(seed, points, groups):
    cells = placed(mosaic(seed, points, groups), 0.02)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for zoom in ZOOMS:
        for address in tiles_of(cells, zoom, 3):
            drawn = features(coverage.encode("cells", address, {}), "cells")
            shapes = np.array([shape for _, shape, _ in drawn], dtype=object)
            assert shapely.is_valid(shapes).all()
            # The square's own border may be rounded and simplified, what is within must be covered.
            ground = shapely.intersection(
                TILE, in_units(np.array([shapely.box(*shapely.total_bounds(cells))]), address)[0].buffer(-12)
            )
            assert blank(shapes, ground) == 0


@settings(max_examples=60)
@given(
    st.integers(0, 10_000), st.integers(5, 60), st.integers(2, 30), st.sampled_from([2e-5, 6e-5, 1e-4, 4e-4])
)
def test_no_slits_between_cells_about_as_small_as_a_unit(seed, points, groups, degrees):
    # Here rounding tears cells apart that simplification would have united at a lower zoom.
    cells = placed(mosaic(seed, points, groups), degrees)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    square = np.array([shapely.box(*shapely.total_bounds(cells))])
    for address in tiles_of(cells, 15, 4):
        shapes = [shape for _, shape, _ in features(coverage.encode("cells", address, {}), "cells")]
        assert all(shape.is_valid for shape in shapes)
        assert blank(shapes, shapely.intersection(TILE, in_units(square, address)[0].buffer(-1.5))) == 0


@pytest.mark.parametrize("zoom", range(11, 20))
def test_neighbours_have_the_same_borders(zoom):
    cells = wiggly(12, 9)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for address in tiles_of(cells, zoom, 4):
        drawn = features(coverage.encode("cells", address, {}), "cells")
        edges = Counter()
        for _, shape, _ in drawn:
            for part in shapely.get_parts(shape):
                for ring in shapely.get_rings(part):
                    corners = [tuple(map(int, corner)) for corner in ring.coords]
                    edges.update(frozenset(pair) for pair in pairwise(corners))
        outline = shapely.boundary(
            in_units(np.array([shapely.coverage_union_all(cells)], dtype=object), address)[0]
        ).buffer(8)
        for edge, count in edges.items():
            line = shapely.LineString(sorted(edge))
            on_a_side = not BUFFERED.buffer(-0.5).intersects(line)
            assert count == 2 or on_a_side or outline.covers(line), (edge, count)


@pytest.mark.parametrize("zoom", [15, 16, 18])
def test_from_the_full_zoom_on_nothing_is_farther_off_than_rounding(zoom):
    cells = wiggly(6, 6)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for address in tiles_of(cells, zoom, 5):
        drawn = {
            number: shape for number, shape, _ in features(coverage.encode("cells", address, {}), "cells")
        }
        expected = in_units(cells, address)
        for number, shape in enumerate(expected):
            left = shape.intersection(TILE)
            if number not in drawn:
                assert left.area < 1
                continue
            assert left.difference(drawn[number].buffer(1.25)).is_empty
            assert drawn[number].intersection(TILE).difference(shape.buffer(1.25)).is_empty


@pytest.mark.parametrize("zoom", range(8, 15))
def test_simplification_takes_vertices_and_hardly_ground(zoom):
    cells = wiggly(12, 9)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for address in tiles_of(cells, zoom, 3):
        drawn = features(coverage.encode("cells", address, {}), "cells")
        expected = in_units(cells, address)
        for number, shape, _ in drawn:
            changed = shape.symmetric_difference(expected[number].intersection(BUFFERED)).area
            # Of each border a strip of at most some units.
            assert changed <= 3 * expected[number].length + 20
            assert shapely.get_num_coordinates(shape) <= shapely.get_num_coordinates(expected[number]) + 8


@pytest.mark.parametrize("zoom", [8, 12])
def test_plain_cells_are_only_rounded(zoom):
    cells = placed(lattice(20, 20, size=1 / 20, wiggle=0), 0.02)
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    for address in tiles_of(cells, zoom, 3):
        expected = shapely.transform(in_units(cells, address), np.rint)
        drawn = features(coverage.encode("cells", address, {}), "cells")
        assert drawn
        for number, shape, _ in drawn:
            if BUFFERED.covers(expected[number]) and expected[number].is_valid:
                assert shapely.equals(shape, expected[number])


def test_ids_and_properties_are_those_of_the_row_and_rows_can_be_left_out():
    cells = wiggly(10, 10)
    ids = np.arange(100) * 7 + (1 << 40)
    codes = np.array([f"C{number}" for number in ids], dtype=object)
    coverage = CoverageLayer(cells, ids)
    allowed = np.arange(100) % 3 == 0
    seen = set()
    for address in tiles_of(cells, 16, 50):
        # A list and an array say the same.
        columns = {"code": codes, "again": codes.tolist()}
        drawn = features(coverage.encode("cells", address, columns, allowed), "cells")
        assert {number for number, _, _ in drawn} <= set(ids[coverage.query(address)].tolist())
        assert all(told == {"code": f"C{number}", "again": f"C{number}"} for number, _, told in drawn)
        seen |= {number for number, _, _ in drawn}
    assert seen == set(ids[allowed].tolist())
    nothing = np.zeros(100, dtype=bool)
    assert coverage.encode("cells", next(tiles_intersecting((*SHENZHEN, *SHENZHEN), 16)), {}, nothing) == b""


def test_a_tile_without_anything_is_empty():
    coverage = CoverageLayer(wiggly(3, 3), np.arange(9))
    assert coverage.encode("cells", Tile(14, 0, 0), {"code": ["x"] * 9}) == b""
    assert CoverageLayer(np.array([], dtype=object), np.array([])).encode("cells", Tile(0, 0, 0), {}) == b""
    blank_rows = np.array([None, shapely.Polygon(), shapely.MultiPolygon()], dtype=object)
    for zoom in (3, 17):
        address = next(tiles_intersecting((*SHENZHEN, *SHENZHEN), zoom))
        assert CoverageLayer(blank_rows, np.arange(3)).encode("cells", address, {}) == b""


def test_threads_get_the_same_as_one():
    cells = wiggly(20, 20)
    addresses = [address for zoom in range(12, 18) for address in tiles_of(cells, zoom, 6)]
    alone, shared = (CoverageLayer(cells, np.arange(400)) for _ in range(2))
    shared.prepare(14)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda address: shared.encode("cells", address, {}), addresses))
    assert found == [alone.encode("cells", address, {}) for address in addresses]


@pytest.mark.parametrize(
    ("shapes", "ids", "sentence"),
    [
        ([shapely.Point(0, 0)], [1], "Shape 0 of a layer of tiles is a Point, not a polygon."),
        ([shapely.box(0, 0, 1, 1)], [1, 2], "A layer of tiles has 1 shapes and 2 ids."),
    ],
    ids=["point", "ids"],
)
def test_what_is_no_coverage(shapes, ids, sentence):
    with pytest.raises(InputError, match=f"^{sentence}$"):
        CoverageLayer(np.array(shapes, dtype=object), np.array(ids))
