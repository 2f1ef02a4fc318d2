"""Ground beyond reach against one union of all circles, sample points and plain distances."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.gaps.buffers import QUAD_SEGS, subtract_buffers

SIDE = 4000


def lattice(columns, rows, width):
    x, y = (part.ravel() * width for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    return shapely.box(x, y, x + width, y + width)


def zones(seed, count):
    """Voronoi cells, two of them joined into one of several pieces, one with a hole, one empty."""
    points = np.random.default_rng(seed).uniform(0, SIDE, (count, 2))
    cells = list(shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points))))
    cells.append(shapely.union(cells.pop(0), cells.pop(-1)))
    cells[0] = cells[0].difference(shapely.point_on_surface(cells[0]).buffer(30))
    return np.array([*cells, shapely.Polygon()], dtype=object)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(3, 40),
    services=st.integers(0, 60),
    radius=st.sampled_from([1.0, 150.0, 600.0, 2000.0, 20000.0]),
    square=st.booleans(),
)
def test_ground_equals_the_difference_with_all_circles(seed, count, services, radius, square):
    rng = np.random.default_rng(seed)
    polygons = lattice(count, 20, 100) if square else zones(seed, count)
    before = shapely.to_wkb(polygons)
    points = shapely.points(rng.uniform(0, SIDE, (services, 2)))
    found = subtract_buffers(polygons, points, radius)
    circles = shapely.union_all(shapely.buffer(points, radius, quad_segs=QUAD_SEGS))
    expected = shapely.difference(polygons, circles)
    # Where the fast path knows a cell to lie in a circle, the drawn circle may fall short by its chords.
    short = radius * (1 - np.cos(np.pi / 256))
    assert np.all(
        np.abs(shapely.area(found) - shapely.area(expected)) <= shapely.length(polygons) * short + 1e-3
    )
    assert np.array_equal(before, shapely.to_wkb(polygons))

    spots = rng.uniform(0, SIDE, (400, 2))
    places = shapely.points(spots)
    distance = shapely.distance(places, shapely.multipoints(points)) if services else np.full(400, np.inf)
    for polygon, left in zip(polygons, found, strict=True):
        inside = shapely.contains_xy(polygon, spots[:, 0], spots[:, 1])
        beyond = shapely.contains_xy(left, spots[:, 0], spots[:, 1])
        assert not np.any(beyond & ~inside)
        assert np.all(beyond[inside & (distance > radius)])
        assert not np.any(beyond[inside & (distance < radius - short)])


def test_progress_ends_complete():
    steps = []
    subtract_buffers(
        lattice(5, 5, 100), shapely.points([[250.0, 250.0]]), 150, progress=lambda *step: steps.append(step)
    )
    assert steps[-1] == (25, 25)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
