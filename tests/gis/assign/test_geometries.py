import numpy as np
import pytest
import shapely

from gis.assign.geometries import classify_geometries


def test_each_geometry_is_of_one_kind():
    shapes = [
        shapely.Point(1, 1),
        shapely.MultiPoint([(1, 1), (2, 2)]),
        shapely.LineString([(1, 1), (2, 2)]),
        shapely.LineString([(3, 3), (3, 3)]),
        shapely.box(1, 1, 2, 2),
        shapely.Polygon(),
        None,
        shapely.Point(181, 1),
        shapely.LineString([(1, 1), (2, 91)]),
    ]
    found = classify_geometries(np.array(shapes, dtype=object))
    assert found.points.tolist() == [0, 3]
    assert found.multipoints.tolist() == [1]
    assert found.lines_and_polygons.tolist() == [2, 4]
    assert np.flatnonzero(found.empty).tolist() == [5, 6]
    assert np.flatnonzero(found.invalid_coordinates).tolist() == [7, 8]


@pytest.mark.parametrize(
    ("lon", "lat", "valid"),
    [(180, 90, True), (-180, -90, True), (0, 90.5, False), (0, -90.5, False), (180.5, 0, False)],
)
def test_coordinates_up_to_the_poles_and_the_180th_meridian_are_valid(lon, lat, valid):
    found = classify_geometries(np.array([shapely.Point(lon, lat)], dtype=object))
    assert found.invalid_coordinates.tolist() == [not valid]
