"""Polygons across the 180th meridian: cut in degrees, whole in metres, and owners of their ground alone."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from shapely import Point, Polygon, box

from gis.antimeridian import crosses_antimeridian, cut_at_antimeridian, project_joined
from gis.errors import InputError
from gis.locate import PointLocator
from gis.topology import check_topology, repair_topology

WEST = [(177.3, -17.1), (177.1, -18.5), (-178.9, -19.3), (-178.37, -16.2)]
NORTH = [(-178.37, -16.2), (-178.0, -14.2), (177.0, -14.0), (177.3, -17.1)]
EAST = [(-178.37, -16.2), (-178.9, -19.3), (-170.1, -15.0), (-178.0, -14.2)]


def array(*geometries: shapely.Geometry | None) -> np.ndarray:
    result = np.empty(len(geometries), dtype=object)
    result[:] = geometries
    return result


def frame(*rings: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    codes = [f"f{row}" for row in range(len(rings))]
    return gpd.GeoDataFrame({"code": codes}, geometry=[Polygon(ring) for ring in rings], crs=4326)


def test_neighbours_across_the_meridian_are_cut_at_the_same_vertices() -> None:
    rings = array(Polygon(WEST), Polygon(NORTH), Polygon(EAST))
    cut = cut_at_antimeridian(rings)
    assert shapely.get_num_geometries(cut).tolist() == [2, 2, 1]
    assert cut[2] is rings[2]
    assert shapely.coverage_is_valid(cut)
    assert {180.0, -180.0} <= set(shapely.get_coordinates(cut[0])[:, 0])
    # Vertices are where they were, to the last bit.
    kept = {tuple(xy) for xy in shapely.get_coordinates(cut)}
    assert {tuple(xy) for xy in shapely.get_coordinates(rings)} <= kept
    assert cut_at_antimeridian(cut) is cut


@given(
    st.lists(st.tuples(st.integers(-400, 400), st.integers(-400, 400)), min_size=3, max_size=8),
    st.integers(-300, 300),
)
def test_the_cut_is_that_of_a_plane_without_meridian(points: list[tuple[int, int]], middle: int) -> None:
    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon" or hull.minimum_clearance < 2:
        return
    around = shapely.transform(hull, lambda xy: (xy + np.array([middle, 0])) / 100)
    # The meridian is at 0 here.
    drawn = shapely.transform(
        around, lambda xy: np.column_stack([np.where(xy[:, 0] > 0, xy[:, 0] - 180, xy[:, 0] + 180), xy[:, 1]])
    )
    (cut,) = cut_at_antimeridian(array(drawn))
    for side, half, turn in ((box(-9, -9, 0, 9), box(90, -90, 180, 90), -180), (box(0, -9, 9, 9), None, 180)):
        there = cut.intersection(half or box(-180, -90, -90, 90))
        here = shapely.transform(there, lambda xy, turn=turn: xy + np.array([turn, 0]))
        expected = around.intersection(side)
        assert here.area == pytest.approx(expected.area, abs=1e-9)
        assert here.intersection(expected).area == pytest.approx(expected.area, abs=1e-9)


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        Point(1, 2),
        Polygon(),
        box(-180, -90, 180, 90),
        shapely.MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)]),
        shapely.LineString([(179, 0), (-179, 0)]),
    ],
)
def test_what_does_not_cross_stays(geometry: shapely.Geometry | None) -> None:
    (cut,) = cut_at_antimeridian(array(geometry))
    assert cut is geometry or cut.equals(geometry)


def test_longitudes_beyond_180_are_brought_back() -> None:
    beyond = [(x if x > 0 else x + 360, y) for x, y in WEST]
    cut = cut_at_antimeridian(array(Polygon(beyond), box(190, 0, 200, 10)))
    assert cut[0].symmetric_difference(cut_at_antimeridian(array(Polygon(WEST)))[0]).area < 1e-9
    assert cut[1].equals(box(-170, 0, -160, 10))


def test_a_hole_is_cut_with_its_polygon() -> None:
    holed = Polygon(
        [(178, -20), (-178, -20), (-178, -10), (178, -10)],
        [[(179, -16), (-179.5, -16), (-179.5, -15), (179, -15)], [(-179, -13), (-178.5, -13), (-178.5, -12)]],
    )
    (cut,) = cut_at_antimeridian(array(holed))
    assert cut.is_valid
    assert cut.area == pytest.approx(40 - 1.5 - 0.25)


def test_a_ring_around_a_pole_is_refused() -> None:
    with pytest.raises(InputError, match="record 8 encloses a pole"):
        cut_at_antimeridian(array(Polygon([(0, 80), (120, 80), (-120, 80)])), first=7)


def test_ownership_is_that_of_the_ground() -> None:
    locator = PointLocator(frame(WEST, NORTH, EAST))
    assert locator.locate(0, -17.5) is None
    assert [locator.locate(lon, -17.5) for lon in (179.0, 180.0, -180.0, -179.0)] == ["f0"] * 4
    assert locator.locate(178.0, -15.0) == "f1"


def test_a_coverage_across_the_meridian_is_checked_and_repaired_in_metres() -> None:
    cells = frame(WEST, NORTH, EAST)
    cut = cells.set_geometry(gpd.GeoSeries(cut_at_antimeridian(np.asarray(cells.geometry)), crs=4326))
    report = check_topology(cut)
    assert report.is_valid
    assert report.findings.empty
    joined = project_joined(np.asarray(cut.geometry), CRS(4326), report.crs)
    assert (shapely.get_num_geometries(joined) == 1).all()
    # One corner is drawn elsewhere by the neighbour.
    moved = [(-178.37, -16.2), (-178.0, -14.2), (177.0, -14.0), (177.3, -17.12)]
    wrong = frame(WEST, moved, EAST)
    result = repair_topology(
        wrong.set_geometry(gpd.GeoSeries(cut_at_antimeridian(np.asarray(wrong.geometry)), crs=4326)),
        max_width_m=5_000,
    )
    assert not crosses_antimeridian(np.asarray(result.cells.geometry)).any()
    assert check_topology(result.cells).is_valid
