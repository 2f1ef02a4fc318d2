"""What a division adds to cells for the record of a profile."""

from datetime import date

import geopandas as gpd
import pytest
import shapely

from gis.profiles import complete_record, load_profile

DAY = date(2026, 7, 1)


def cells(**columns):
    return gpd.GeoDataFrame({"code": ["a", "b"], **columns}, geometry=[shapely.box(0, 0, 1, 1)] * 2, crs=4326)


@pytest.mark.parametrize(
    ("profile", "columns", "added"),
    [
        ("gbt47678", {}, {"initial_date": DAY}),
        ("gbt47678", {"Valid_From": "2020-01-01"}, {}),
        ("db11-2157", {}, {"initial_date": DAY, "responsible_body": "属地兜底"}),
        ("plain", {}, {}),
    ],
)
def test_what_can_be_known_is_added_and_nothing_else(profile, columns, added):
    given = cells(**columns)
    made = complete_record(given, load_profile(profile), DAY)
    assert made.drop(columns=given.columns).to_dict("list") == {
        name: [value] * 2 for name, value in added.items()
    }
    assert list(given.columns) == ["code", *columns, "geometry"]
