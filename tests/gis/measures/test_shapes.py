"""Shapes of cells against Shapely in a projection of each geometry's own, and known figures."""

import math

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gis.measures import (
    MEASURES,
    CellFigures,
    CellShapes,
    bounding_radii,
    compactness_index,
    measure_of_column,
    polsby_popper,
    reock,
    walk_minutes,
)

PLACES = st.tuples(st.floats(-179.9, 179.9), st.floats(-70, 70))
STEP = st.floats(-0.05, 0.05)


def projected(geometry: shapely.Geometry) -> shapely.Geometry:
    """Project a geometry about its own middle."""
    lon, lat = shapely.get_coordinates(geometry)[0]
    local = f"+proj=tmerc +lon_0={lon} +lat_0={lat} +ellps=WGS84"
    transformer = Transformer.from_crs(4326, local, always_xy=True)
    return shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


@given(PLACES, st.lists(st.lists(st.tuples(STEP, STEP), min_size=3, max_size=9), min_size=1, max_size=5))
def test_the_smallest_circle_is_that_of_shapely(
    place: tuple[float, float], groups: list[list[tuple[float, float]]]
) -> None:
    hulls = [shapely.MultiPoint(np.array(place) + np.array(steps)).convex_hull for steps in groups]
    geometries = np.array([*hulls, None, shapely.Polygon(), shapely.MultiPolygon()], dtype=object)
    expected = [shapely.minimum_bounding_radius(projected(each)) for each in hulls]
    found = bounding_radii(geometries)
    # Points that all lie within a tenth of a millimetre have no circle to compare.
    np.testing.assert_allclose(found[: len(hulls)], expected, rtol=4e-4, atol=1e-4)
    assert np.isnan(found[len(hulls) :]).all()


def test_a_circle_a_square_and_a_ribbon() -> None:
    areas = np.array([math.pi, 4.0, 9.0, 0.0])
    perimeters = np.array([2 * math.pi, 8.0, 20.0, 0.0])
    radii = np.array([1.0, math.sqrt(2), math.sqrt(82) / 2, np.nan])
    assert polsby_popper(areas, perimeters)[:2] == pytest.approx([1, math.pi / 4])
    assert reock(areas, radii)[:2] == pytest.approx([1, 2 / math.pi])
    assert compactness_index(areas, perimeters)[:2] == pytest.approx([100, 50 * math.sqrt(math.pi)])
    for figures in (polsby_popper(areas, perimeters), reock(areas, radii)):
        assert figures[2] < 0.4
        assert np.isnan(figures[3])
    assert walk_minutes(np.array([40.0]), 80.0).tolist() == [1.0]
    assert walk_minutes(np.array([40.0]), 40.0).tolist() == [2.0]


def test_a_cell_across_the_180th_meridian_is_not_as_wide_as_the_earth() -> None:
    parts = shapely.MultiPolygon([shapely.box(179.99, 0, 180, 0.01), shapely.box(-180, 0, -179.99, 0.01)])
    plain = shapely.box(9.99, 0, 10.01, 0.01)
    found = bounding_radii(np.array([parts, plain]))
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_parts_and_what_is_never_asked_for() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)])
    shapes = CellShapes(np.array([shapely.box(0, 0, 1, 1), two, None, shapely.Polygon()], dtype=object))
    assert shapes.part_counts.tolist() == [1, 2, 0, 0]
    assert "bounding_radii_m" not in vars(shapes)
    assert shapes.bounding_radii_m is shapes.bounding_radii_m


def test_a_frame_of_any_crs_has_the_same_figures() -> None:
    lonlat = gpd.GeoDataFrame(geometry=[shapely.box(114, 22.5, 114.001, 22.502)], crs=4326)
    here, there = CellFigures.of(lonlat), CellFigures.of(lonlat.to_crs(4547))
    for key in ("polsby_popper", "reock", "compactness", "parts", "walk_minutes"):
        assert MEASURES[key].values(here) == pytest.approx(MEASURES[key].values(there))
    sides = np.array([102.9, 221.5])
    diagonal = math.hypot(*sides)
    assert MEASURES["walk_minutes"].values(here) == pytest.approx([round(diagonal / 80, 1)])
    area = sides.prod()
    assert MEASURES["reock"].values(here) == pytest.approx([area / (math.pi * diagonal**2 / 4)], abs=2e-3)


def test_a_column_of_deviations_is_a_share_of_its_load() -> None:
    deviation = measure_of_column("households_deviation")
    assert deviation.label("zh") == "户数与均值之差"
    assert deviation.format(-0.126) == "-13%"
    assert measure_of_column("standard_deviation").label("en") == "standard_deviation"
