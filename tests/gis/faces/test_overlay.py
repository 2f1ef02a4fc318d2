"""Overlays: only ground is kept, and what is rounding is told from what is not."""

import numpy as np
import pytest
import shapely

from gis.faces.overlay import OverlayTolerance, extract_polygons


def test_lines_and_points_are_dropped():
    shapes = np.array(
        [
            shapely.box(0, 0, 1, 1),
            shapely.LineString([(0, 0), (1, 1)]),
            shapely.Point(0, 0),
            shapely.from_wkt(
                "GEOMETRYCOLLECTION (POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0)), LINESTRING (5 5, 6 6))"
            ),
            shapely.Polygon(),
        ],
        dtype=object,
    )
    kept = extract_polygons(shapes)
    assert shapely.area(kept).tolist() == [1, 0, 0, 4, 0]
    assert np.isin(shapely.get_type_id(kept), (3, 6)).all()
    assert shapely.get_type_id(shapes[1]) == 1


def test_rounding_is_small_or_narrow():
    rounding = OverlayTolerance(0.01, 0.02)
    shapes = np.array(
        [
            shapely.box(0, 0, 0.09, 0.1),
            shapely.box(0, 0, 1000, 0.015),
            shapely.box(0, 0, 1000, 0.03),
            shapely.box(0, 0, 0.2, 0.2),
        ],
        dtype=object,
    )
    assert rounding.is_noise(shapes).tolist() == [True, True, False, False]
    together = np.array(
        [shapely.multipolygons([shapes[2], shapely.box(0, 5, 0.05, 5.05)]), shapes[3]], dtype=object
    )
    assert shapely.area(rounding.drop_noise(together)).tolist() == pytest.approx([30, 0.04])
    wide = np.array([shapely.box(0, 0, 100, 100)] * 3, dtype=object)
    other = np.array(
        [shapely.box(0, 0, 100, 100.01), shapely.box(0, 0, 100, 101), wide[0].segmentize(3)], dtype=object
    )
    assert rounding.are_equal(wide, other).tolist() == [True, False, True]
