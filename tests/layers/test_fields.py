"""Fields of any file become the standard columns, and codes keep their spelling."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.crs import LONLAT
from gis.errors import InputError
from layers.fields.columns import standardise_areas, standardise_cells, standardise_entities, text_codes


def frame(**columns: list[object]) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(i, i) for i in range(count)], crs=LONLAT)


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([559.0, 560.0], ["559", "560"]),
        ([559.0, None], ["559", None]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([7, 8], ["7", "8"]),
        (["007", " 8 "], ["007", "8"]),
        (["", None], [None, None]),
        ([440305001002003, 1], ["440305001002003", "1"]),
    ],
)
def test_codes_are_text(values: list[object], codes: list[str | None]) -> None:
    assert list(text_codes(pd.Series(values))) == codes


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**53 - 1), min_size=1))
def test_whole_numbers_read_as_decimals_keep_every_digit(numbers: list[int]) -> None:
    assert list(text_codes(pd.Series(numbers, dtype=float))) == [str(number) for number in numbers]


def test_usual_names_are_found_whatever_their_case() -> None:
    areas = standardise_areas(frame(ADCODE=[440305.0], 名称=["南山区"], admin_level=["6"]))
    assert areas.iloc[0][["code", "name", "level", "parent"]].tolist() == ["440305", "南山区", "6", None]


def test_named_fields_win_and_missing_ones_are_told_with_the_choice() -> None:
    zones = frame(TAZID=[1.0, 2.0], code=["x", "y"])
    assert list(standardise_areas(zones, code_field="TAZID")["code"]) == ["1", "2"]
    with pytest.raises(InputError, match=r"no field 'ZONE' for --code-field \(fields: TAZID, code\)"):
        standardise_areas(zones, code_field="ZONE")
    with pytest.raises(InputError, match=r"no field 'code'.*--code-field"):
        standardise_areas(frame(TAZID=[1.0]))


def test_one_level_can_be_taken_alone() -> None:
    zones = frame(code=["a", "b"], level=[8, 10], parent=[None, "a"])
    alone = standardise_areas(zones, level="10")
    assert list(alone["code"]) == ["b"]
    assert alone["parent"].isna().all()
    with pytest.raises(InputError, match=r"no area has the level '9' \(levels: 10, 8\)"):
        standardise_areas(zones, level="9")


def test_cells_keep_every_column_of_the_file() -> None:
    cells = standardise_cells(frame(TAZID=[1.0], code=["x"], households=[3]), code_field="TAZID")
    assert cells.iloc[0][["code", "name", "source_code", "households", "TAZID"]].tolist() == [
        "1",
        "1",
        "x",
        3,
        1.0,
    ]
    assert cells["area_code"].isna().all()


def test_the_identity_of_entities() -> None:
    named, field = standardise_entities(frame(station_id=[1, 2], TAZID=[5, 5]))
    assert (list(named["id"]), field) == (["1", "2"], "station_id")
    plain, field = standardise_entities(frame(building_id=[1, 1, 1, 2]))
    assert field is None, "a first column that repeats is no identity"
    assert "id" not in plain
    chosen, field = standardise_entities(frame(id=["a"], ref=["b"]), id_field="ref", kind="sensor")
    assert chosen.iloc[0][["id", "source_id", "kind"]].tolist() == ["b", "a", "sensor"]
    with pytest.raises(InputError, match="no field 'uid'"):
        standardise_entities(frame(id=["a"]), id_field="uid")


def test_names_that_differ_in_case_only_make_room() -> None:
    cells = standardise_cells(frame(POLY_ID=[1], NAME=["north"], CODE=["x"]), code_field="POLY_ID")
    assert cells.iloc[0][["code", "name", "source_code"]].tolist() == ["1", "north", "x"]
    assert len({column.lower() for column in cells.columns}) == len(cells.columns)
    entities, _ = standardise_entities(frame(ID=[5.0], a=[1]))
    assert entities["id"].tolist() == ["5"]
    assert "ID" not in entities.columns


def test_records_can_be_numbered_instead() -> None:
    bare = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), shapely.Point(1, 1)], crs=LONLAT)
    assert list(standardise_areas(bare, code_field="#")["code"]) == ["1", "2"]
    assert list(standardise_cells(bare, code_field="#")["code"]) == ["1", "2"]
