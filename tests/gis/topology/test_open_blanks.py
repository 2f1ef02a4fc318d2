"""Narrow ground between two cells that no border encloses: found, told, filled."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, box
from shapely.affinity import rotate, translate

from gis.locate import PointLocator
from gis.topology import check_topology, repair_topology
from gis.topology.open_blanks import find_open_blanks
from tests.gis.topology.coverages import frame

EAST, NORTH = 500_000.0, 2_500_000.0


def drawn(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return frame(np.array([translate(shape, EAST, NORTH) for shape in shapes], dtype=object))


@pytest.mark.parametrize("apart", [0.0001, 0.001, 0.02, 0.3, 0.99])
def test_two_areas_side_by_side_leave_a_blank(apart: float) -> None:
    cells = drawn(box(0, 0, 100, 100), box(100 + apart, -30, 200, 80))
    report = check_topology(cells)
    assert not report.is_valid
    blank = report.findings.iloc[0]
    assert (blank["kind"], blank["codes"]) == ("blank", "c000,c001")
    assert blank["area_m2"] == pytest.approx(80 * apart, rel=1e-3)
    assert "open at its end" in blank["detail"]
    result = repair_topology(cells)
    assert check_topology(result.cells).is_valid
    assert result.filled_blanks["area_m2"].sum() == pytest.approx(80 * apart, rel=1e-3)
    # Ground that was in no cell has an owner now.
    spot = gpd.GeoSeries([shapely.Point(EAST + 100 + apart / 2, NORTH + 40)], crs=4547).to_crs(4326)[0]
    assert PointLocator(cells).locate(spot.x, spot.y) is None
    assert PointLocator(result.cells).locate(spot.x, spot.y) is not None


@pytest.mark.parametrize(
    "shapes",
    [
        (box(0, 0, 100, 100), box(101.01, 0, 200, 100)),
        (box(0, 0, 100, 100), box(100.001, 100.001, 200, 200)),
        (box(0, 0, 100, 100), Polygon([(100, 0), (200, 0), (200, 100), (150, 100)])),
        (box(0, 0, 100, 100).difference(box(50, 20, 50.5, 100)), box(100, 0, 200, 100)),
    ],
    ids=["street", "corners", "wedge", "inlet of one cell"],
)
def test_what_may_be_meant_is_no_blank(shapes: tuple[shapely.Geometry, ...]) -> None:
    assert check_topology(drawn(*shapes)).is_valid


def test_a_width_of_none_finds_none() -> None:
    cells = drawn(box(0, 0, 100, 100), box(100.5, 0, 200, 100))
    assert check_topology(cells, sliver_width_m=0).is_valid
    assert check_topology(cells, sliver_width_m=0.4).is_valid
    assert not check_topology(cells, sliver_width_m=0.6).is_valid


def test_with_areas_the_blank_is_told_once() -> None:
    cells = drawn(box(0, 0, 100, 100), box(100.2, 0, 200, 100))
    report = check_topology(cells, drawn(box(0, 0, 200, 100)))
    assert report.summary()["blank"] == {"count": 1, "area_m2": pytest.approx(20, abs=0.01)}


def test_a_border_drawn_twice_is_matched() -> None:
    y = np.linspace(0, 300, 61)
    wave = 100 + 0.8 * np.sin(y / 9)
    other = np.linspace(0, 300, 47)
    left = Polygon([(0, 0), *zip(wave, y, strict=True), (0, 300)])
    right = Polygon([(200, 0), *zip(100.001 + 0.8 * np.sin(other / 9), other, strict=True), (200, 300)])
    cells = drawn(left, right)
    assert not check_topology(cells).is_valid
    result = repair_topology(cells)
    assert check_topology(result.cells).is_valid
    assert result.changes["change_share"].abs().max() < 1e-4


def test_cells_that_were_each_drawn_a_little_too_small_share_their_borders_again() -> None:
    cells = drawn(
        *(box(x, y, x + 99.999, y + 99.999) for x in range(0, 400, 100) for y in range(0, 400, 100))
    )
    result = repair_topology(cells)
    assert check_topology(result.cells).is_valid
    # No cell takes the borders of others: at most two of its own sides.
    assert result.changes["change_m2"].max() < 0.41


@given(st.integers(0, 10_000), st.floats(0.0005, 0.9), st.floats(0, 360))
def test_the_ground_is_what_a_closing_finds(seed: int, width: float, turn: float) -> None:
    random = np.random.default_rng(seed)
    x = np.append(0, np.cumsum(random.uniform(5, 30, 6)))
    y = random.uniform(-3, 3, 7)
    near = [*zip(x, y, strict=True)]
    far = [*zip(x, y + width, strict=True)]
    polygons = np.array(
        [
            Polygon([*near, (x[-1], -50), (0, -50)]),
            Polygon([*far, (x[-1], 50), (0, 50)]),
        ],
        dtype=object,
    )
    polygons = np.array([rotate(each, turn, origin=(0, 0)) for each in polygons], dtype=object)
    found = find_open_blanks(polygons, shapely.union_all(polygons), 1.0)
    # Slowly: all ground within half a width of both cells.
    united = shapely.union_all(polygons)
    reach = shapely.intersection(*shapely.buffer(polygons, width * 1.01)).difference(united)
    expected = rotate(Polygon([*near, *far[::-1]]), turn, origin=(0, 0))
    ground = shapely.union_all(found.polygons)
    assert ground.difference(reach.buffer(1e-6)).area < 1e-6
    # Where the border bends the strip is found but for a corner that no edge faces.
    assert ground.intersection(expected).area > 0.9 * expected.area
    assert set(found.first) == {0}
    assert set(found.second) == {1}
