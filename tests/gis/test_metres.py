"""Coordinates in metres are recognised by their order and the zone before the easting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from gis.metres import MetricReading, describe_metres, read_metres


@given(
    st.sampled_from([*range(13, 24), *range(25, 46)]), st.floats(-1.4, 1.4), st.floats(18, 53), st.booleans()
)
def test_the_zone_of_a_projected_place_is_found(
    zone: int, offset: float, lat: float, is_north_first: bool
) -> None:
    epsg = 4478 + zone if zone < 24 else 4488 + zone
    crs = CRS.from_epsg(epsg)
    assert crs.name.endswith(f"zone {zone}")
    meridian = 6 * zone - 3 if zone < 24 else 3 * zone
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(meridian + offset, lat)
    first, second = (y, x) if is_north_first else (x, y)
    found = read_metres(np.array([first]), np.array([second]))
    assert found == MetricReading(is_north_first, zone, epsg)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([506123.4], [2489234.5], MetricReading(False, None, None)),
        ([2489234.5], [506123.4], MetricReading(True, None, None)),
        ([38506123.4, 39506123.4], [2489234.5, 2489234.5], None),
        ([2683141.0], [1247945.0], None),
        ([24506123.4], [2489234.5], None),
        ([12680000.0], [2570000.0], None),
    ],
)
def test_what_has_no_zone(x: list[float], y: list[float], expected: MetricReading | None) -> None:
    assert read_metres(np.array(x), np.array(y)) == expected
    if expected is None:
        assert "if they are metres" in describe_metres(np.array(x), np.array(y), "exchange them")
