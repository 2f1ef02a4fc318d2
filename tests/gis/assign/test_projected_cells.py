import numpy as np
import pytest
import shapely
from pyproj import Geod

from gis.assign.projected_cells import MAX_PLANAR_DISTANCE_M, ProjectedCells
from gis.locate import PointLocator
from tests.gis.assign.squares import frame


@pytest.mark.parametrize("south", [0, 30, 60, -60])
@pytest.mark.parametrize("azimuth", [0, 90, 180, 270])
def test_what_is_near_the_extent_is_so_in_every_direction(south, azimuth):
    cells = ProjectedCells(
        PointLocator(frame([shapely.box(104, south, 104.2, south + 0.2)], code=["a"])), None
    )
    for share, near in ((0.97, True), (1.03, False)):
        lon, lat, _ = Geod(ellps="WGS84").fwd(104.1, south + 0.1, azimuth, MAX_PLANAR_DISTANCE_M * share)
        places = [shapely.Point(lon, lat), shapely.box(lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1)]
        assert cells.is_near_extent(np.array(places, dtype=object)).tolist() == [near, near]
