"""The hierarchy of areas: parents found by field, code or ground, and every defect told by its record."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.areas import build_hierarchy, leaf_areas
from gis.crs import LONLAT
from gis.errors import CoverageError, InputError


def square(column: int, row: int, size: int = 1) -> shapely.Polygon:
    """A square of `size` times 0.01 degrees near Shenzhen."""
    east, north = column + size, row + size
    return shapely.box((11390 + column) / 100, (2250 + row) / 100, (11390 + east) / 100, (2250 + north) / 100)


def areas(*records: tuple[str, str, str | None, shapely.Geometry | None]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "code": [record[0] for record in records],
            "name": [record[0] for record in records],
            "level": [record[1] for record in records],
            "parent": [record[2] for record in records],
        },
        geometry=[record[3] for record in records],
        crs=LONLAT,
    )


def quarters(code: str, children: list[str], level: str = "", parent: str | None = None) -> gpd.GeoDataFrame:
    """One area of 2 by 2 squares and its four children."""
    places = [(0, 0), (1, 0), (0, 1), (1, 1)]
    united = shapely.coverage_union_all([square(*place) for place in places])
    return areas(
        (code, "town" if level else "", None, united),
        *((child, level, parent, square(*place)) for child, place in zip(children, places, strict=True)),
    )


def test_chinese_codes_tell_the_parent() -> None:
    frame = quarters("440305001", [f"440305001{n:03}" for n in range(1, 5)])
    done = build_hierarchy(frame)
    assert list(done["parent"]) == [None, *["440305001"] * 4]
    assert list(leaf_areas(done)["code"]) == [f"440305001{n:03}" for n in range(1, 5)]


def test_a_city_is_the_parent_of_its_counties_though_its_code_ends_in_zeros() -> None:
    done = build_hierarchy(quarters("440300", ["440303", "440304", "440305", "440306"]))
    assert list(done["parent"])[1:] == ["440300"] * 4


def test_levels_find_the_parent_by_ground() -> None:
    done = build_hierarchy(quarters("big", ["a", "b", "c", "d"], level="village"))
    assert list(done["parent"]) == [None, "big", "big", "big", "big"]
    assert set(leaf_areas(done)["code"]) == {"a", "b", "c", "d"}


def test_areas_of_one_level_have_no_parent() -> None:
    done = build_hierarchy(areas(("1", "", None, square(0, 0)), ("2", "", None, square(1, 0))))
    assert list(done["parent"]) == [None, None]
    assert len(leaf_areas(done)) == 2


def test_the_field_has_the_last_word() -> None:
    done = build_hierarchy(quarters("440305001", ["w", "x", "y", "z"], parent="440305001"))
    assert list(done["parent"])[1:] == ["440305001"] * 4


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (
            areas(("1", "", None, square(0, 0)), ("1", "", None, square(1, 0))),
            r"record 2 \(code '1'\).*unique",
        ),
        (areas(("1", "", None, square(0, 0)), ("", "", None, square(1, 0))), "record 2.*has no code"),
        (areas(("1", "", None, None)), r"record 1 \(code '1'\) has no geometry"),
        (areas(("1", "", None, shapely.Polygon())), "has no geometry"),
        (areas(("1", "", None, shapely.Point(1, 2))), "is no polygon"),
        (
            areas(("1", "", None, shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))),
            "Self-intersection.*repair",
        ),
        (areas(("1", "", "2", square(0, 0)), ("2", "", "1", square(0, 0))), "runs? in a circle"),
        (
            areas(("1", "", None, square(0, 0)), ("2", "", "1", square(1, 0))),
            "area '2' lies .* outside its parent '1'",
        ),
        (
            areas(
                ("1", "", None, square(0, 0, 2)), ("2", "", "1", square(0, 0)), ("3", "", "1", square(1, 0))
            ),
            "child areas of '1' leave",
        ),
        (
            areas(("1", "", None, square(0, 0)), *((c, "", "1", square(0, 0)) for c in "23")),
            "'1' cover twice",
        ),
    ],
)
def test_a_broken_hierarchy_is_told(frame: gpd.GeoDataFrame, sentence: str) -> None:
    with pytest.raises((InputError, CoverageError), match=sentence):
        build_hierarchy(frame)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(columns: int, rows: int, random) -> None:
    places = [(column, row) for column in range(columns) for row in range(rows)]
    records = [(f"44030500{row + 1}{column + 1:03}", "", None, square(column, row)) for column, row in places]
    for row in range(rows):
        whole = shapely.union_all([square(column, row) for column in range(columns)])
        records.append((f"44030500{row + 1}", "", None, whole))
    random.shuffle(records)
    done = build_hierarchy(areas(*records))
    assert set(leaf_areas(done)["code"]) == {f"44030500{row + 1}{column + 1:03}" for column, row in places}
    children = done[done["code"].str.len() == 12]
    assert list(children["parent"]) == [code[:9] for code in children["code"]]


def test_coordinates_that_are_no_numbers_are_not_sent_to_repair():
    ring = shapely.get_coordinates(square(0, 0))
    ring[1, 0] = np.nan
    with pytest.raises(InputError, match="coordinates that are no numbers; draw it again"):
        build_hierarchy(areas(("1", "", None, shapely.set_coordinates(square(0, 0), ring))))


def test_codes_of_one_length_leave_the_parent_to_the_ground() -> None:
    frame = quarters("440305", ["440306", "440307", "440308", "440309"], level="village")
    assert list(build_hierarchy(frame)["parent"]) == [None, *["440305"] * 4]


def test_a_province_is_the_parent_of_its_cities_though_its_code_ends_in_many_zeros() -> None:
    done = build_hierarchy(quarters("440000", ["440100", "440200", "440300", "440400"]))
    assert list(done["parent"]) == [None, *["440000"] * 4]


def test_two_levels_of_the_same_ground_are_not_each_others_parent() -> None:
    done = build_hierarchy(areas(("a", "county", None, square(0, 0)), ("b", "town", None, square(0, 0))))
    assert list(done["parent"]) == [None, None]


def test_larger_ground_of_the_same_level_is_no_parent() -> None:
    done = build_hierarchy(
        areas(
            ("a", "town", None, square(0, 0)),
            ("b", "town", None, square(0, 0, 2)),
            ("c", "county", None, square(5, 5)),
        )
    )
    assert list(done["parent"]) == [None, None, None]


@pytest.mark.parametrize(
    ("parents", "sentence"),
    [
        (["9", None], "area 'a' names a parent that is not among the areas (9), and is taken as the top"),
        (["9", "9"], "2 areas name a parent that is not among the areas (9), and are taken as the top"),
        (["8", "9"], "2 areas name a parent that is not among the areas (8, 9), and are taken as the top"),
    ],
)
def test_a_parent_that_is_not_there_is_above_them_all(parents: list[str | None], sentence: str) -> None:
    """A file of streets names the county of each, which it does not hold."""
    told: list[str] = []
    frame = areas(("a", "", parents[0], square(0, 0)), ("b", "", parents[1], square(1, 0)))
    assert build_hierarchy(frame, note=told.append)["parent"].tolist() == [None, None]
    assert told == [sentence]
