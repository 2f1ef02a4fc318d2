"""Narrow ground between areas is told when they are divided, and stays in no cell."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis.areas import build_hierarchy
from gis.crs import to_lonlat
from gis.divide import divide_square

METRES = CRS.from_epsg(4547)
X, Y = 500_000.0, 2_500_000.0


def areas(*polygons: shapely.Polygon) -> gpd.GeoDataFrame:
    moved = [shapely.transform(each, lambda xy: xy + np.array([X, Y])) for each in polygons]
    codes = [chr(ord("A") + number) for number in range(len(moved))]
    return build_hierarchy(
        to_lonlat(
            gpd.GeoDataFrame(
                {"code": codes, "name": codes, "level": "", "parent": None}, geometry=moved, crs=METRES
            )
        )
    )


@pytest.mark.parametrize("width", [0.001, 0.5])
def test_ground_between_two_areas_is_told(width: float) -> None:
    told: list[str] = []
    drawn = areas(shapely.box(0, 0, 300, 300), shapely.box(300 + width, 0, 600, 300))
    cells = divide_square(drawn, size_m=100, crs=METRES, note=told.append)
    (sentence,) = told
    assert sentence.startswith(f"1 narrow blanks between areas stay in no cell (A and B, {width:.2g} m wide)")
    assert sentence.endswith("wangge repair closes them first.")
    assert cells["area_m2"].sum() == pytest.approx(300 * (600 - width), abs=0.01)


def test_ground_that_areas_enclose_is_told_and_a_lake_is_not() -> None:
    told: list[str] = []
    hole, lake = shapely.box(299.8, 50, 300.2, 250), shapely.box(100, 100, 200, 200)
    left = shapely.box(0, 0, 300, 300) - hole - lake
    right = shapely.box(300, 0, 600, 300) - hole
    divide_square(areas(left, right), size_m=100, crs=METRES, note=told.append)
    assert len(told) == 1
    assert "1 narrow blanks between areas" in told[0]
    assert "A and B" in told[0]


@pytest.mark.parametrize("gap", [0.0, 2.0])
def test_areas_that_meet_or_lie_apart_are_told_nothing_of(gap: float) -> None:
    told: list[str] = []
    drawn = areas(shapely.box(0, 0, 300, 300), shapely.box(300 + gap, 0, 600, 300))
    divide_square(drawn, size_m=100, crs=METRES, note=told.append)
    assert told == []
    assert np.isfinite(drawn.total_bounds).all()
