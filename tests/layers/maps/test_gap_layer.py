"""The gaps of a map: their rules in its language, and the hatching of their kinds, known or not."""

from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from gis.gaps import SEVERITIES, SEVERITY_COLOURS, GapAnalysis, gap_outcomes
from layers.maps import mpl_style
from layers.maps.gap_layer import LEVEL_COLOURS, analysis_lines, encode_gaps, gap_kinds
from layers.maps.labels import page_labels
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


@pytest.mark.parametrize(
    ("summary", "lines"),
    [
        (None, ["盲区 · 未分析"]),
        (
            {"kinds": {"blank": {"gaps": 0}, "overlap": {"gaps": 2}}, "skipped": {"unassigned": "no one"}},
            ["盲区分析日期 2026-03-01", "空白：无", "未归属：未分析（no one）", "服务不可达：未分析"],
        ),
    ],
)
def test_a_legend_tells_none_from_not_analysed(
    gaps: gpd.GeoDataFrame, summary: dict[str, Any] | None, lines: list[str]
) -> None:
    analysis = GapAnalysis(gap_outcomes(summary), None if summary is None else date(2026, 3, 1))
    words = page_labels("zh")
    assert analysis_lines(gaps, analysis, words, "zh") == lines
    # Nobody says what was analysed: neither a file nor a map without gaps is proof that there are none.
    assert analysis_lines(gaps, None, words, "zh") == ["未列出的盲区类型不一定分析过"]
    assert analysis_lines(None, None, words, "zh") == ["本图没有盲区分析"]


def test_gaps_have_one_order_everywhere(gaps: gpd.GeoDataFrame) -> None:
    found = as_lonlat(gaps, "gaps").assign(
        severity=["low", "high", "high"], households=[500, 1, 2], enterprises=0, area_m2=[9.0, 9.0, 1.0]
    )
    assert encode_gaps(found, "zh")["sizes"]["households"] == [2, 1, 500]
    assert list(LEVEL_COLOURS.values()) == [SEVERITY_COLOURS[name] for name in reversed(SEVERITIES)]
