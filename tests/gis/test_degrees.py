"""Numbers and degrees are read as people write them, and nothing else is taken for one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.degrees import Axis, parse_degrees, parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("113.9", 113.9),
        (" 113.9\t", 113.9),
        ("\u00a0113.9\u202f", 113.9),
        ("\u3000113.9\u200b", 113.9),
        ("113,9", 113.9),
        ("-113,9", -113.9),
        ("１１３．９", 113.9),
        ("－１１３，９", -113.9),
        ("−7", -7.0),
        ("+7.", 7.0),
        (".5", 0.5),
        ("1.139E+02", 113.9),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert parse_number(text) == value
    assert parse_degrees(text, "lon") == parse_degrees(text, "lat") == value


@pytest.mark.parametrize(
    ("text", "axis", "value"),
    [
        ("113.9°", "lon", 113.9),
        ("113.9° E", "lon", 113.9),
        ("e113,9", "lon", 113.9),
        ("22.5S", "lat", -22.5),
        ("东经113.9", "lon", 113.9),
        ("西经113.9度", "lon", -113.9),
        ("北纬 22.5°", "lat", 22.5),
        ("113°54'30\"E", "lon", 113 + 54 / 60 + 30 / 3600),
        ("113°54′30.6″W", "lon", -(113 + 54 / 60 + 30.6 / 3600)),
        ("113° 54' 30''", "lon", 113 + 54 / 60 + 30 / 3600),
        ("113º54’30”E", "lon", 113 + 54 / 60 + 30 / 3600),
        ("东经113度54分30秒", "lon", 113 + 54 / 60 + 30 / 3600),
        ("113 54 30", "lon", 113 + 54 / 60 + 30 / 3600),
        ("113:54:30", "lon", 113 + 54 / 60 + 30 / 3600),
        ("22-30-36N", "lat", 22.51),
        ("22d30'36\"", "lat", 22.51),
        ("113°54.5'", "lon", 113 + 54.5 / 60),
        ("-22°30'", "lat", -22.5),
        ("-0°30'", "lat", -0.5),
        ("２２°３０′", "lat", 22.5),
    ],
)
def test_degrees(text: str, axis: Axis, value: float) -> None:
    assert parse_degrees(text, axis) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "east",
        "1_14.19",
        "1_000",
        "nan",
        "inf",
        "-inf",
        "0x1A",
        "1,234.5",
        "1,2,3",
        "12/5",
        "True",
        "113.9N",
        "-113.9W",
        "113.9EE",
        "113°60'",
        "113°54'60\"",
        "113°54.5'30\"",
        "1139°54'",
        "12-2024",
        "E",
    ],
)
def test_what_is_no_longitude(text: str) -> None:
    assert math.isnan(parse_degrees(text, "lon"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_last_digit(value: float) -> None:
    assert parse_number(repr(value)) == value
    assert parse_degrees(f"\u3000{value!r} ".replace(".", ","), "lat") == value


@given(st.integers(0, 179), st.integers(0, 59), st.integers(0, 5999), st.sampled_from("EW"))
def test_degrees_minutes_and_seconds_come_back(
    degrees: int, minutes: int, hundredths: int, side: str
) -> None:
    seconds = hundredths / 100
    value = (degrees + minutes / 60 + seconds / 3600) * (1 if side == "E" else -1)
    assert parse_degrees(f"{degrees}°{minutes}'{seconds}\"{side}", "lon") == pytest.approx(value, abs=1e-12)
