"""A small plan that conforms: two communities divided into squares."""

from datetime import date

import geopandas as gpd
import pytest
import shapely
from pyproj import CRS

from gis.conform import ConformInput, certify
from gis.divide import divide_square
from gis.profiles import complete_record, load_profile

WORKING = CRS("EPSG:4547")
EAST, NORTH = 500_000.0, 2_500_000.0


def ground(west, south, east, north):
    """A rectangle in the working CRS, in metres from the corner of the plan."""
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def layer(polygons, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(polygons), crs=WORKING).to_crs(4326)


@pytest.fixture(scope="session")
def areas():
    # The west has a vertex where a corner of the east lies.
    corners = [(0, 0), (0, 300), (300, 300), (300, 200), (300, 0)]
    west = shapely.Polygon([(EAST + x, NORTH + y) for x, y in corners])
    return layer(
        [west, ground(300, 0, 600, 200)],
        code=["440304001001", "440304001002"],
        name=["西社区", "东社区"],
        level="village",
        parent=None,
    )


def make_cells(areas, name):
    """Divide areas as `wangge divide --profile` does."""
    profile = load_profile(name)
    cells = divide_square(areas, size_m=100, crs=WORKING, profile=profile)
    return complete_record(cells, profile, date(2026, 7, 1))


@pytest.fixture
def cells(areas):
    """Nine squares in the west, six in the east."""
    return make_cells(areas, "gbt47678")


def judge(cells, profile="gbt47678", **given):
    return certify(ConformInput(load_profile(profile), cells, WORKING, **given))


def states(certificate):
    return {result.clause.key: result.state for result in certificate.results}


def details(certificate, clause, language="en"):
    (result,) = (each for each in certificate.results if each.clause.key == clause)
    return [(each.codes, getattr(each.detail, language)) for each in result.offences]
