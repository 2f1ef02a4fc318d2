"""Numbering checked against a plain sort; layouts, widths and ended codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis import codes
from gis.errors import CapacityError, InputError
from gis.profiles import load_profile

QUIET = settings(deadline=None, max_examples=60)
CN_BASES = ["440304001002", "440304001", "110105", "820001", "440304001003"]
FOREIGN_BASES = ["393226", "2220322", "Fontvieille", "a-b", "440304"]


def naive(area, x, y, row, layout, used):
    """Number one area after the other, one cell after the other."""
    result = {}
    spent = set(used)
    largest = 0
    for base in sorted(set(area)):
        cells = [k for k in range(len(area)) if area[k] == base]
        cells.sort(key=lambda k: (row[k], x[k], -y[k], k))
        n = 0
        for k in cells:
            n += 1
            while taken(base, n, layout, spent):
                n += 1
            result[k] = (base, n)
            largest = max(largest, n)
    if layout == "cn":
        return [base + str(n).zfill(15 - len(base)) for base, n in (result[k] for k in range(len(area)))]
    width = max(3, len(str(largest)))
    return [f"{base}-{str(n).zfill(width)}" for base, n in (result[k] for k in range(len(area)))]


def taken(base, n, layout, spent):
    if layout == "cn":
        return base + str(n).zfill(15 - len(base)) in spent
    return any(f"{base}-{str(n).zfill(width)}" in spent for width in range(1, 7))


@st.composite
def plans(draw):
    layout = draw(st.sampled_from(["cn", "plain"]))
    bases = CN_BASES if layout == "cn" else FOREIGN_BASES
    n = draw(st.integers(1, 60))
    area = draw(st.lists(st.sampled_from(bases), min_size=n, max_size=n))
    grid = st.lists(st.integers(-5, 5), min_size=n, max_size=n)
    ended = draw(st.lists(st.tuples(st.sampled_from(bases), st.integers(1, 30)), max_size=20))
    if layout == "cn":
        used = {base + str(k).zfill(15 - len(base)) for base, k in ended}
    else:
        used = {f"{base}-{k:03d}" for base, k in ended}
    return area, draw(grid), draw(grid), draw(grid), layout, used


@QUIET
@given(plans())
def test_numbers_equal_the_plain_sort(plan):
    area, x, y, row, layout, used = plan
    numbers = codes.number_cells(area, x, y, row, profile=load_profile(layout), used_codes=used)
    assert numbers.code.tolist() == naive(area, x, y, row, layout, used)
    assert len(set(numbers.code)) == len(area)
    assert not set(numbers.code) & used
    assert [int(code[len(base) :].lstrip("-")) for code, base in zip(numbers.code, area, strict=True)] == (
        numbers.sequence.tolist()
    )


def test_reads_like_a_page():
    # Two rows of three, north row first.
    x, y = [0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1]
    numbers = codes.number_cells(["440304001002"] * 6, x, y, [-v for v in y], profile=load_profile("cn"))
    assert numbers.sequence.tolist() == [4, 5, 6, 1, 2, 3]
    assert numbers.code[3] == "440304001002001"


@pytest.mark.parametrize(
    ("base", "code"), [("440304001002", "440304001002007"), ("440304001", "440304001000007")]
)
def test_a_higher_base_leaves_its_digits_to_the_sequence(base, code):
    numbers = codes.number_cells([base] * 7, range(7), [0] * 7, [0] * 7, profile=load_profile("cn"))
    assert numbers.code[6] == code
    assert code.startswith(base)
    assert int(code[len(base) :]) == 7


def test_the_same_fifteen_digits_are_spent_for_every_base():
    used = {"440304000000001"}
    for base in ("440304", "440304000", "440304000000"):
        assert codes.number_cells(
            [base], [0], [0], [0], profile=load_profile("cn"), used_codes=used
        ).sequence.tolist() == [2]


def test_the_width_of_the_plan_is_that_of_its_largest_area():
    n = 1000
    numbers = codes.number_cells(
        ["a"] * n + ["b"], range(n + 1), [0] * (n + 1), [0] * (n + 1), profile=load_profile("plain")
    )
    assert numbers.code[0] == "a-0001"
    assert numbers.code[n] == "b-0001"
    assert (
        codes.number_cells(["a"] * 999, range(999), [0] * 999, [0] * 999, profile=load_profile("plain")).code[
            0
        ]
        == "a-001"
    )


@pytest.mark.parametrize("ended", [0, 3])
def test_capacity(ended):
    base = "440304001002"
    used = {f"{base}{k:03d}" for k in range(1, ended + 1)}
    fits = 999 - ended
    codes.number_cells(
        [base] * fits, range(fits), [0] * fits, [0] * fits, profile=load_profile("cn"), used_codes=used
    )
    with pytest.raises(CapacityError, match=rf"'{base}' has {fits + 1:,} cells.* hold 999; choose"):
        codes.number_cells(
            [base] * (fits + 1),
            range(fits + 1),
            [0] * (fits + 1),
            [0] * (fits + 1),
            profile=load_profile("cn"),
            used_codes=used,
        )


@pytest.mark.parametrize(
    ("bases", "china", "asked", "layout"),
    [
        (["440304001002", "440304001"], True, "auto", "cn"),
        (["393226"], True, "auto", "plain"),  # no province 39
        (["440304"], False, "auto", "plain"),  # digits of another country
        (["440304001002", "1054"], True, "auto", "plain"),
        (["4403040010021"], True, "auto", "plain"),
        (["４４０３０４"], True, "auto", "plain"),  # full-width digits
        (["440304"], False, "cn", "cn"),
        (["440304"], True, "plain", "plain"),
    ],
)
def test_layout(bases, china, asked, layout):
    assert codes.choose_code_layout(bases, in_china=china, layout=asked) == layout


def test_layout_refused():
    with pytest.raises(InputError, match="'1054' is not a Chinese one"):
        codes.choose_code_layout(["440304", "1054"], in_china=True, layout="cn")
    with pytest.raises(InputError, match="must be auto, cn or plain"):
        codes.choose_code_layout(["440304"], in_china=True, layout="roman")


def test_nothing_to_number():
    numbers = codes.number_cells([], [], [], [], profile=load_profile("plain"))
    assert len(numbers.code) == len(numbers.sequence) == 0


def test_codes_are_spelt_as_text_one_way():
    given = [559.0, 559, "559", " a ", "", " ", None, np.nan, pd.NA, pd.NaT, 1.5, np.float64(7), True]
    spelt = ["559", "559", "559", "a", "", "", "", "", "", "", "1.5", "7", "True"]
    assert codes.normalize_codes(given).tolist() == spelt
    assert codes.normalize_codes([" a", "b ", ""]).tolist() == ["a", "b", ""]
    assert codes.normalize_codes([]).tolist() == []
    assert codes.normalize_codes(pd.Series([559.0, np.nan])).tolist() == ["559", ""]


def test_every_record_needs_a_code():
    assert codes.require_codes([1.0, "b"]).tolist() == ["1", "b"]
    with pytest.raises(InputError, match="Record 2 of the cells has no code"):
        codes.require_codes(["a", " ", None])


def test_the_provinces_are_those_of_the_standard():
    provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
    found = [f"{province:02}" for province in range(100) if codes.is_chinese_area_code(f"{province:02}0100")]
    assert found == [*provinces.split(), "71", "81", "82"]


@pytest.mark.parametrize(
    ("code", "chinese"),
    [
        ("440304", True), ("440304001", True), ("440304001002", True),
        ("4403", False), ("44030", False), ("4403040", False), ("44030400100", False),
        ("440304001002003", False), ("44030a", False), ("４４０３０４", False), ("440304\n", False),
    ],
)  # fmt: skip
def test_an_area_code_has_six_nine_or_twelve_digits(code, chinese):
    assert codes.is_chinese_area_code(code) is chinese


def test_the_last_number_of_an_area_is_the_last_its_digits_hold():
    # Numbers of ended cells between those that go on: the greatest given is what has to fit.
    used = ["440304001002001", "440304001002999"]
    fits = codes.number_cells(
        ["440304001002"] * 997, range(997), [0] * 997, [0] * 997, profile=load_profile("cn"), used_codes=used
    )
    assert (fits.code[0], fits.code[-1]) == ("440304001002002", "440304001002998")
    with pytest.raises(CapacityError, match="after 2 ended ones"):
        codes.number_cells(
            ["440304001002"] * 998,
            range(998),
            [0] * 998,
            [0] * 998,
            profile=load_profile("cn"),
            used_codes=used,
        )


@pytest.mark.parametrize(
    ("profile", "several", "single"),
    [
        ("gbt47678", "440304001002002", "440304001003001"),
        ("cjt213", "44030400100202", "44030400100300"),
        ("cjt349:123456", "12345644030400100202", "12345644030400100300"),
        ("plain", "440304001002-002", "440304001003-001"),
    ],
)
def test_a_profile_numbers_by_its_segments(profile, several, single):
    areas = ["440304001002", "440304001002", "440304001003"]
    numbers = codes.number_cells(areas, [0, 1, 2], [0] * 3, [0] * 3, profile=load_profile(profile))
    assert numbers.code[1:].tolist() == [several, single]


def test_an_area_that_was_undivided_before_counts_on():
    def code(used):
        area = ["440304001002"]
        return codes.number_cells(
            area, [0], [0], [0], profile=load_profile("cjt213"), used_codes=used
        ).code.tolist()

    assert code({"44030400100200"}) == ["44030400100201"]
    assert code({"44030400100201"}) == ["44030400100200"]
    assert code({"44030400100200", "44030400100201"}) == ["44030400100202"]


@pytest.mark.parametrize(
    ("profile", "area", "says"),
    [
        ("gbt47678", "440305", r"needs areas with 12 digits \(community\), but area 440305 has 6; divide"),
        ("gbt30428", "440305001", r"12 digits \(community\), but area 440305001 has 9; divide"),
        ("gbt30428", "44030500100A", r"but the code '44030500100A' is another; divide"),
        ("gbt47678", "990305001002", r"but the code '990305001002' is another"),  # no province 99
        ("cjt213", "MC-1", r"but the code 'MC-1' is another; .* or use --profile plain\.$"),
        ("cn", "4403", r"needs areas with 6, 9 or 12 digits, but area 4403 has 4; divide"),
        ("cjt349", "440305001002", r"begin with 6 digits of the object class, .*--profile cjt349:NNNNNN\.$"),
    ],
)  # fmt: skip
def test_areas_that_do_not_fit_a_profile(profile, area, says):
    with pytest.raises(InputError, match=says):
        codes.number_cells([area], [0], [0], [0], profile=load_profile(profile))


def test_a_profile_limits_the_sequence():
    n = 100
    with pytest.raises(CapacityError, match=r"2 sequence digits hold 99; choose a larger size\.$"):
        codes.number_cells(["440304001002"] * n, range(n), [0] * n, [0] * n, profile=load_profile("cjt213"))


def test_a_layout_or_a_profile():
    def choose(**asked):
        return codes.choose_profile(["440304001002"], in_china=True, **asked).name

    assert choose() == choose(layout="cn") == "cn"
    assert choose(profile=load_profile("gbt47678")) == "gbt47678"
    with pytest.raises(InputError, match="the layout plain or the profile gbt47678, not both"):
        choose(layout="plain", profile=load_profile("gbt47678"))
