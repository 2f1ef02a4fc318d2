import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.errors import InputError
from layers.maps import join_leaders

SQUARES = [shapely.box(114 + n / 100, 23, 114.01 + n / 100, 23.01) for n in range(3)]
CELLS = gpd.GeoDataFrame(
    {"code": ["1", "2", "3"], "area_code": ["a", "a", "b"]}, geometry=SQUARES, crs="EPSG:4326"
)


def test_the_leader_of_the_cell_comes_before_that_of_its_area_and_a_before_b() -> None:
    officers = pd.DataFrame(
        [
            ("G1", "甄有名", "leader", "B", None, "a"),
            ("G2", "甄有姓", "leader", "A", None, "a"),
            ("G3", "甄有号", "leader", "A", "2", None),
            ("G4", "甄有人", "officer", "A", None, "b"),
        ],
        columns=["officer_id", "name", "role", "rank", "cell_code", "area_code"],
    )
    led = join_leaders(CELLS, officers)
    assert led["leader"].tolist()[:2] == ["G2", "G3"]
    assert pd.isna(led["leader"].iloc[2])
    assert "leader" not in CELLS
    assert not led.drop(columns="geometry").isin(officers["name"].tolist()).any(axis=None)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (["role", "area_code"], "'officer_id'"),
        (["officer_id", "area_code"], "'role'"),
        (["officer_id", "role"], "area_code"),
    ],
)
def test_a_missing_column_is_named(columns: list[str], missing: str) -> None:
    with pytest.raises(InputError, match=missing):
        join_leaders(CELLS, pd.DataFrame(columns=columns))
