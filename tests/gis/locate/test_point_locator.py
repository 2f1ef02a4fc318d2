from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InputError
from gis.locate import PointLocator

# Multiples of 2^-20 degree near 114° E, 22.5° S: midpoints of edges are exact, so that they lie on the edge.
WEST, SOUTH, STEP = 114.0, -22.5, 2.0**-10


def frame(codes, geometries, crs=4326):
    return gpd.GeoDataFrame({"code": codes}, geometry=list(geometries), crs=crs)


@st.composite
def coverages(draw):
    """A lattice of cells with wiggly shared borders, codes in no order, one cell sometimes left out."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def shift(*shape):
        return random.integers(-200, 201, shape) / 1024 * draw(st.sampled_from([0, 1]))

    x, y = np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0))
    corner = np.stack([x + shift(rows + 1, columns + 1), y + shift(rows + 1, columns + 1)], axis=-1)
    across = (corner[:, :-1] + corner[:, 1:]) / 2 + shift(rows + 1, columns, 2)
    upward = (corner[:-1] + corner[1:]) / 2 + shift(rows, columns + 1, 2)
    cells = [
        shapely.Polygon(
            np.array([WEST, SOUTH])
            + STEP
            * np.array(
                [
                    corner[j, i],
                    across[j, i],
                    corner[j, i + 1],
                    upward[j, i + 1],
                    corner[j + 1, i + 1],
                    across[j + 1, i],
                    corner[j + 1, i],
                    upward[j, i],
                ]
            )
        )
        for j in range(rows)
        for i in range(columns)
    ]
    if draw(st.booleans()) and len(cells) > 2:
        cells.pop(int(random.integers(len(cells))))
    if draw(st.booleans()):
        cells.append(cells[0].union(cells[-1]))
    codes = [str(number) for number in random.permutation(100)[: len(cells)]]
    return frame(codes, cells)


def telling_points(cells, seed):
    """Vertices, exact midpoints of edges, locations inside, outside and no locations."""
    random = np.random.default_rng(seed)
    vertices, owner = shapely.get_coordinates(cells.geometry, return_index=True)
    same = owner[1:] == owner[:-1]
    middles = ((vertices[1:] + vertices[:-1]) / 2)[same]
    west, south, east, north = cells.total_bounds
    loose = random.uniform((west - STEP, south - STEP), (east + STEP, north + STEP), (60, 2))
    nowhere = [(np.nan, south), (west, np.nan), (np.inf, south), (west, -np.inf), (0.0, 0.0)]
    points = np.concatenate([vertices, middles, loose, nowhere])
    return points[random.permutation(len(points))]


def naive_owner(cells, lon, lat):
    point = shapely.Point(lon, lat) if np.isfinite([lon, lat]).all() else shapely.Point()
    rows = [row for row, cell in enumerate(cells.geometry) if shapely.intersects(cell, point)]
    if not rows:
        return None, False
    row = min(rows, key=lambda row: cells["code"].iloc[row])
    return cells["code"].iloc[row], not shapely.contains(cells.geometry.iloc[row], point)


@settings(deadline=None, max_examples=40)
@given(coverages(), st.integers(0, 1000), st.sampled_from([1, 7, 1000]), st.sampled_from([1, 2]))
def test_owner_is_the_lowest_code_that_intersects(cells, seed, batch, workers):
    points = telling_points(cells, seed)
    locator = PointLocator(cells, batch=batch, workers=workers)
    expected = [naive_owner(cells, *point) for point in points]

    owners, borders = locator.find_owners_and_borders(points[:, 0], points[:, 1])

    codes = [locator.codes[owner] if owner >= 0 else None for owner in owners]
    assert list(zip(codes, borders, strict=True)) == expected
    assert np.array_equal(locator.find_owners(points[:, 0], points[:, 1]), owners)
    assert [locator.locate(*point) for point in points] == codes
    assert [locator.find_owner(*point) for point in points] == owners.tolist()


def test_borders_occur_in_the_generated_points():
    cells = frame(["b", "a"], [shapely.box(114, 22, 115, 23), shapely.box(115, 22, 116, 23)])
    points = telling_points(cells, 1)
    _, borders = PointLocator(cells).find_owners_and_borders(points[:, 0], points[:, 1])
    assert borders.sum() == len(shapely.get_coordinates(cells.geometry)) + 8


def test_large_cells_answer_like_small_ones():
    ring = shapely.Point(10, 50).buffer(1, quad_segs=100)
    hole = shapely.Point(10, 50).buffer(0.5, quad_segs=100)
    cells = frame(["ring", "core"], [ring.difference(hole), hole])
    points = telling_points(cells, 3)
    locator = PointLocator(cells)
    owners, borders = locator.find_owners_and_borders(points[:, 0], points[:, 1])
    found = [locator.codes[owner] if owner >= 0 else None for owner in owners]
    assert list(zip(found, borders, strict=True)) == [naive_owner(cells, *point) for point in points]
    assert [locator.find_owner(*point) for point in points] == owners.tolist()


def test_any_order_and_many_threads_answer_the_same():
    random = np.random.default_rng(5)
    west, south = np.divmod(np.arange(400), 20)
    cells = frame(
        [f"{n:03d}" for n in random.permutation(400)], shapely.box(west, south, west + 1, south + 1)
    )
    lon, lat = random.integers(-4, 84, (2, 20_000)) / 4.0
    locator = PointLocator(cells, batch=1_000)
    owners = locator.find_owners(lon, lat)
    order = random.permutation(len(lon))
    assert np.array_equal(locator.find_owners(lon[order], lat[order]), owners[order])
    with ThreadPoolExecutor(4) as pool:
        again = pool.map(lambda _: locator.find_owners(lon, lat), range(4))
        assert all(np.array_equal(owners, other) for other in again)
        singly = pool.map(lambda row: locator.find_owner(lon[row], lat[row]), range(4_000), chunksize=10)
        assert list(singly) == owners[:4_000].tolist()


def test_progress_counts_every_point_once():
    seen = []
    locator = PointLocator(frame(["a"], [shapely.box(0, 0, 1, 1)]), batch=4)
    locator.find_owners(np.zeros(10), np.zeros(10), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_a_snapshot_cannot_be_changed_and_changes_nothing():
    box = shapely.box(0, 0, 1, 1)
    cells = frame(["a"], [box])
    locator = PointLocator(cells)
    for array in (locator.codes, locator.geometries, locator.code_index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]
    assert not shapely.is_prepared(cells.geometry.iloc[0])
    cells.loc[0, "code"] = "other"
    assert locator.locate(0.5, 0.5) == "a"


def test_numbers_become_text_and_parts_of_one_code_are_one_cell():
    parts = [shapely.box(5, 0, 6, 1), shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    locator = PointLocator(frame([7.0, 10.0, 7.0], parts))
    assert list(locator.codes) == ["10", "7"]
    assert [locator.locate(x, 0.5) for x in (5.5, 0.5, 1.0, 1.5, 3)] == ["7", "10", "10", "7", None]


def test_multipolygons_z_empty_and_missing_geometries():
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(4, 0, 5, 1)])
    cells = frame(["a", "b", "c"], [shapely.force_3d(two, 9), shapely.Polygon(), None])
    locator = PointLocator(cells)
    assert [locator.locate(x, 0.5) for x in (0.5, 2.5, 4.5)] == ["a", None, "a"]


def test_no_cells_own_nothing():
    locator = PointLocator(frame([], []))
    assert locator.locate(1, 1) is None
    assert locator.find_owners([1.0, 2.0], [1.0, 2.0]).tolist() == [-1, -1]
    assert locator.find_owners([], []).tolist() == []


def test_projected_cells_are_transformed():
    cells = frame(["a"], [shapely.box(500_000, 2_500_000, 501_000, 2_501_000)], crs=4547)
    assert PointLocator(cells).locate(114.005, 22.6) is not None


@pytest.mark.parametrize(
    ("codes", "geometries", "crs", "message"),
    [
        (["a", None], [shapely.box(0, 0, 1, 1)] * 2, 4326, "Record 2 .* no code"),
        (["a", ""], [shapely.box(0, 0, 1, 1)] * 2, 4326, "Record 2 .* no code"),
        (["a", "b"], [shapely.box(0, 0, 1, 1), shapely.Point(0, 0)], 4326, r"Record 2 .*'b'.* Point"),
        (["a"], [shapely.box(0, 0, 1, 1)], None, "coordinate reference system"),
    ],
)
def test_unusable_cells_are_refused(codes, geometries, crs, message):
    with pytest.raises(InputError, match=message):
        PointLocator(frame(codes, geometries, crs))


def test_cells_without_codes_are_refused():
    with pytest.raises(InputError, match="no column 'code'"):
        PointLocator(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326))


def test_lists_of_two_lengths_are_refused():
    with pytest.raises(InputError, match="one length"):
        PointLocator(frame(["a"], [shapely.box(0, 0, 1, 1)])).find_owners([1.0], [1.0, 2.0])


def test_the_border_of_all_cells_belongs_to_them():
    locator = PointLocator(frame(["a"], [shapely.box(1, 2, 3, 4)]))
    for lon, lat in [(1, 3), (3, 3), (2, 2), (2, 4), (1, 2), (3, 4)]:
        assert locator.locate(lon, lat) == "a"
        assert locator.find_owners([lon], [lat]).tolist() == [0]
    for lon, lat in [(0.999, 3), (3.001, 3), (2, 1.999), (2, 4.001), (np.nan, 3), (2, np.nan)]:
        assert locator.locate(lon, lat) is None
        assert locator.find_owners([lon], [lat]).tolist() == [-1]
