"""Locations as people write them: every form of one place is read alike, and what is no place is not read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gis.coordinates import parse_location


@pytest.mark.parametrize(
    "text",
    [
        "114.05, 22.55",
        "22.55 114.05",
        "114．05，22．55",
        "114.05;22.55",
        "[114.05,22.55]",
        "114.05° 22.55°",
        "22.55N 114.05E",
        "E114.05 N22.55",
        "114°03′00″E 22°33′00″N",
        "N22°33'00\" E114°3'0\"",
        "22°33′0″N114°03′0″E",
        "114°3'0''E,22°33'0''N",
        "114°3' 22°33'",
        "22 33 0 N, 114 3 0 E",
        "22 33 0 N 114 3 0 E",
        "东经114度3分，北纬22度33分",
        "北纬22°33′ 东经114°03′",
        "经度：114.05 纬度：22.55",
        "lat=22.55, lon=114.05",
        '{"lng":114.05,"lat":22.55}',
        "geo:22.55,114.05",
        "POINT (114.05 22.55)",
        "114,05；22,55",
        "114,05,22,55",
        "114,05 22,55",
        "22°33'N, 114.05",
        "22°33'N 114.05",
        "22-33N; 114-3E",
        "０１１４．０５，２２．５５",
        "114º3’0”E 22º33’0”N",
        "東經114度3分 北緯22度33分",
        "geo:22.55,114.05;u=35",
        "114.05,22.55,",
        "+114.05 +22.55",
        "Latitude: 22.55 N Longitude: 114.05 E",
    ],
)
def test_one_place_in_many_forms(text: str) -> None:
    found = parse_location(text)
    assert found is not None
    assert found == pytest.approx((114.05, 22.55), abs=1e-8)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("-23.55, -46.63", (-23.55, -46.63)),
        ("S23.55 W46.63", (-46.63, -23.55)),
        ("西经46度30分 南纬23度30分", (-46.5, -23.5)),
        ("51.5, -0.12", (51.5, -0.12)),
        ("geo:51.5,-0.12", (-0.12, 51.5)),
        ("180, 90", (180, 90)),
        ("lon=-46.63, lat=-23.55", (-46.63, -23.55)),
        ('{"lat": -23.55, "lng": -46.63}', (-46.63, -23.55)),
        ("纬度：-23.55 经度：-46.63", (-46.63, -23.55)),
    ],
)
def test_signs_letters_and_order(text: str, place: tuple[float, float]) -> None:
    found = parse_location(text)
    assert found is not None
    assert found == pytest.approx(place)


@pytest.mark.parametrize(
    "text",
    [
        "", "114.05", "440305001001001", "12 34 56", "12 34 56 N", "南山区 12", "2026-01-01", "1,2,3",
        "200,100", "E114 E22", "114°60' 22°", "N22 S23", "114.05, 22.55, 30", "海滨路12号3栋", "13800001234",
        "1_14.05, 22.55", "nan, nan", "114.05, 22.55N 3E", "2026-01-01 12", "lon=114, 22", "x=1 x=2 y=3",
        "12-24 13-25", "114.05E22",
    ],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    assert parse_location(text) is None


@given(
    st.tuples(st.integers(0, 179), st.integers(0, 59), st.integers(0, 59)),
    st.tuples(st.integers(0, 89), st.integers(0, 59), st.integers(0, 59)),
    st.sampled_from(["{0}°{1}′{2}″{l}", "{l}{0}°{1}'{2}\"", "{0} {1} {2} {l}"]),
    st.booleans(),
)
@example((0, 0, 1), (0, 0, 1), "{0} {1} {2} {l}", True)
def test_minutes_and_seconds_against_their_sum(
    east: tuple[int, int, int], north: tuple[int, int, int], form: str, swapped: bool
) -> None:
    parts = [form.format(*east, l="W"), form.format(*north, l="S")]
    found = parse_location(", ".join(reversed(parts) if swapped else parts))
    assert found is not None
    expected = [-(degrees + minutes / 60 + seconds / 3600) for degrees, minutes, seconds in (east, north)]
    assert found == pytest.approx(expected, abs=1e-8)
