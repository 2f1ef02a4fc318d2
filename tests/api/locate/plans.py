"""What the tests of locations have in common: plans, callers, and the locator as the judge of answers."""

from datetime import date

import geopandas as gpd
import pytest

from api.security.principal import SYSTEM, Principal, Role
from gis.locate import PointLocator
from tests.layers.snapshot.published import STEP, coded, lattice

# What has nothing to do with the database is tested on one.
ON_ONE_DATABASE = pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)

TODAY = date(2024, 7, 1)
GRID = coded(lattice(4, 3))
FINE = coded(lattice(8, 6, step=STEP / 2), prefix="s")
COMMUNITIES = ("440305001001", "440306001")


def bound(area_code, *covered):
    return Principal("token", 1, "test", Role.integrator, SYSTEM.rights, area_code, frozenset(covered))


BAOAN = bound("440306", "440306", "440306001")


def oracle(cells=GRID):
    codes, polygons = zip(*cells, strict=True)
    return PointLocator(gpd.GeoDataFrame({"code": codes}, geometry=list(polygons), crs=4326))


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer


def columns(points):
    return {"lon": points[:, 0].tolist(), "lat": points[:, 1].tolist()}
