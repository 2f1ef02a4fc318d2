"""The gaps of a map: their rules in its language, and the hatching of their kinds, known or not."""

import geopandas as gpd
import pandas as pd
import pytest

from layers.maps import mpl_style
from layers.maps.gap_layer import encode_gaps, gap_kinds
from layers.maps.map_layers import as_lonlat


@pytest.mark.parametrize(
    ("language", "rule"), [("zh", "每个对象都属于一个网格"), ("en", "every entity belongs to a cell")]
)
def test_rules_are_said_in_the_language_of_the_map(gaps: gpd.GeoDataFrame, language: str, rule: str) -> None:
    figures = {"entity_kind": "household", "entity_id": "h", "reason": "outside"}
    known = gaps.assign(figures=pd.Series([figures, {}, {}], index=gaps.index, dtype=object))
    rules = encode_gaps(as_lonlat(known, "gaps"), language)["rule"]
    assert [rules["values"][place] for place in rules["index"]] == ["blank", "500 m", rule]
    # A file has no figures: the words it was written with are all there is.
    assert "500 m" in encode_gaps(as_lonlat(gaps, "gaps"), language)["rule"]["values"]


def test_each_kind_has_its_hatching_and_the_unknown_a_plain_one(gaps: gpd.GeoDataFrame) -> None:
    strange = gaps.assign(kind=["unassigned", "sunken", "blank"])
    encoded = encode_gaps(as_lonlat(strange, "gaps"), "en")
    hatching = dict(zip(encoded["kind"]["values"], encoded["hatch"], strict=True))
    assert hatching == {"unassigned": [135], "sunken": [45], "blank": [0, 90]}
    without = as_lonlat(gaps.drop(columns="kind"), "gaps")
    assert gap_kinds(without).tolist() == ["", "", ""]
    assert encode_gaps(without, "en")["hatch"] == [[45]]


@pytest.mark.parametrize(
    ("directions", "pattern"),
    [((45,), "//////"), ((135,), "\\" * 6), ((0, 90), "-|-|-|"), ((0, 45, 135), "-/\\-/\\")],
)
def test_patterns_are_as_matplotlib_writes_them(directions: tuple[int, ...], pattern: str) -> None:
    assert mpl_style.hatch_pattern(directions) == pattern
