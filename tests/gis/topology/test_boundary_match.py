"""Rims that run together, against the overlay."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gis.topology.boundary_match import boundaries_match
from gis.topology.polygon_layer import mean_width
from tests.gis.topology.coverages import lattice

TOLERANCE_M = 1e-6


def wider_than_hairlines(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    pieces = shapely.get_parts(shapely.symmetric_difference(one, other))
    return bool((mean_width(pieces) > 4 * TOLERANCE_M).any())


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 999),
    kept=st.sets(st.integers(0, 24), min_size=1),
    size=st.sampled_from([0, 1e-7, 1e-3, 1.0]),
    extra=st.integers(0, 3),
)
def test_rims_run_together_where_the_overlay_leaves_hairlines(
    seed: int, kept: set[int], size: float, extra: int
) -> None:
    random = np.random.default_rng(seed)
    cells = lattice(5, 5, seed=seed)
    one = shapely.coverage_union_all(cells[sorted(kept)])
    finer = shapely.segmentize(one, 40 / extra) if extra else one
    moved = int(random.integers(0, shapely.get_num_coordinates(finer)))

    def nudge(xy: np.ndarray) -> np.ndarray:
        xy = xy.copy()
        here = (xy == xy[moved]).all(axis=1)
        xy[here] += size * random.uniform(0.6, 0.7, 2)
        return xy + random.uniform(-1e-8, 1e-8, 2)

    other = shapely.transform(finer, nudge)
    together = boundaries_match(one, other, TOLERANCE_M)
    if together:
        assert not wider_than_hairlines(one, other)
    # Rims that touch themselves are left to the overlay.
    spots = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(one)))
    simple = len(np.unique(spots, axis=0)) == len(spots) - len(shapely.get_rings(shapely.get_parts(one)))
    if simple:
        assert together == (size < TOLERANCE_M)


def test_rims_that_do_not_run_together() -> None:
    square, hole = box(0, 0, 100, 100), box(40, 40, 60, 60)
    assert boundaries_match(square, square, TOLERANCE_M)
    assert boundaries_match(square - hole, square - hole, TOLERANCE_M)
    assert not boundaries_match(square, square - hole, TOLERANCE_M)
    assert not boundaries_match(square - hole, square, TOLERANCE_M)
    assert not boundaries_match(square, square | box(200, 0, 300, 100), TOLERANCE_M)
    assert not boundaries_match(hole, square - hole, TOLERANCE_M)
    assert not boundaries_match(square, shapely.Polygon(), TOLERANCE_M)
    assert not boundaries_match(square, shapely.Polygon([(0, 0), (100, 0), (100, 100)]), TOLERANCE_M)
