"""What each kind says of itself: names, symbols, figures and sentences in both languages."""

import dataclasses
import re

import geopandas as gpd
import pytest
import shapely

from gis.gaps import GAP_KINDS, GapFacts, GapInput, explain_gap, find_gaps, gap_label
from gis.gaps.kind import Figure
from tests.invented_gap import TOO_DARK, registered

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FIGURES = {
    "blank": {"min_area_m2": 0.01, "cells": ["1", "2"], "hairline": False},
    "overlap": {"min_area_m2": 0.01, "cells": ["1", "2"]},
    "unassigned": {"entity_kind": "household", "entity_id": "h", "reason": "outside"},
    "out_of_reach": {
        "distance_m": 500.0, "class": "fire", "other_than": [], "ground_share": 0.5, "households_in_all": 9,
        "enterprises_in_all": 4,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", GAP_KINDS.values(), ids=list(GAP_KINDS))
def test_a_kind_says_all_that_others_ask_of_it(kind):
    assert CHINESE.search(kind.label.zh)
    assert not CHINESE.search(kind.label.en)
    assert kind.label == gap_label(kind.name)
    assert kind.symbol.hatch
    assert set(kind.symbol.hatch) <= {0, 45, 90, 135}
    facts = GapFacts(FIGURES[kind.name], 1234.0, 3, 1, "1", "a")
    assert kind.has_figures(facts.figures)
    for said in (kind.rule(facts), kind.detail(facts)):
        assert CHINESE.search(said.zh)
        assert not CHINESE.search(said.en)
    assert explain_gap(kind.name, facts, rule="r", detail="d") == (kind.rule(facts), kind.detail(facts))
    assert kind.figures_schema()["required"] == [each.name for each in kind.figures if not each.optional]


@pytest.mark.parametrize("kind", GAP_KINDS.values(), ids=list(GAP_KINDS))
def test_without_its_figures_a_gap_keeps_its_stored_words(kind):
    for figures in ({}, {**FIGURES[kind.name], "unknown": 1}):
        said = explain_gap(kind.name, GapFacts(figures), rule="r", detail="d")
        assert said == (("r", "r"), ("d", "d"))
    assert explain_gap("sunken", GapFacts({}), rule="r", detail="d") == (("r", "r"), ("d", "d"))
    assert gap_label("sunken") == ("sunken", "sunken")


def test_gaps_of_runs_before_a_figure_was_added_are_explained():
    for name, later in (("blank", ("cells", "hairline")), ("unassigned", ("cell",))):
        figures = {key: value for key, value in FIGURES[name].items() if key not in later}
        rule, detail = explain_gap(name, GapFacts(figures, 5.0), rule="r", detail="d")
        assert CHINESE.search(rule.zh + detail.zh)


@pytest.mark.parametrize(
    ("type_name", "good", "bad"),
    [
        ("number", [1, 0.5], [True, "1", None, [1]]),
        ("integer", [1], [0.5, True, "1", None]),
        ("string", ["x", ""], [1, None, ["x"]]),
        ("boolean", [True, False], [0, "true", None]),
        ("array", [[], ["x"]], ["x", [1], None]),
    ],
)
def test_figures_are_of_their_types(type_name, good, bad):
    figure = Figure("f", type_name, "what it is")
    assert all(figure.accepts(value) for value in good)
    assert not any(figure.accepts(value) for value in bad)
    assert dataclasses.replace(figure, nullable=True).accepts(None)


def test_a_kind_that_gives_other_figures_than_it_describes_is_refused():
    cells = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(114, 22, 114.1, 22.1)], crs=4326)
    entities = gpd.GeoDataFrame(
        {"id": ["s"], "kind": ["sensor"]}, geometry=[shapely.Point(114.2, 22.2)], crs=4326
    )
    with (
        registered(dataclasses.replace(TOO_DARK, figures=TOO_DARK.figures[:1])) as kind,
        pytest.raises(ValueError, match="too_dark"),
    ):
        find_gaps(GapInput(cells, entities=entities), kinds=[kind.name])
    assert "too_dark" not in GAP_KINDS


@pytest.mark.parametrize(
    ("area_code", "hairline", "zh", "en"),
    [
        ("11", False, "区划 11 内的这片地不属于任何网格", "A blank of 5.00 m² in area 11 beside cells"),
        (None, False, "这片地不属于任何网格", "A blank of 5.00 m² beside cells"),
        ("11", True, "区划 11 内的边界缝隙共", "Hairlines in area 11 sum to 5.00 m²."),
        (None, True, "边界缝隙共", "Hairlines sum to 5.00 m²."),
    ],
)
def test_a_blank_names_its_area_where_it_has_one(area_code, hairline, zh, en):
    figures = {**FIGURES["blank"], "hairline": hairline}
    found = GAP_KINDS["blank"].detail(GapFacts(figures, area_m2=5.0, area_code=area_code))
    assert found.zh.startswith(zh)
    assert found.en.startswith(en)
