"""Kinds of cells against loops over the cells, and what is said of rules that are wrong."""

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.errors import InputError, ParameterError
from gis.kinds import CELL_KINDS, CellContents, classify_cells, default_rules, parse_rules

WORKING = CRS.from_epsg(4547)
WEST, SOUTH = 500_000, 2_490_000


def frame(shapes: list[shapely.Geometry], **columns: Any) -> gpd.GeoDataFrame:
    """A layer in metres from the south-west corner."""
    moved = [None if each is None else shapely.affinity.translate(each, WEST, SOUTH) for each in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=WORKING)


def cells(count: int = 3, **columns: Any) -> gpd.GeoDataFrame:
    """Squares of a hectare in a row."""
    shapes = [shapely.box(100 * place, 0, 100 * place + 100, 100) for place in range(count)]
    return frame(shapes, code=[f"c{place}" for place in range(count)], **columns)


def kinds_of(text: str, layers: dict[str, gpd.GeoDataFrame], **columns: Any) -> list[str | None]:
    contents = CellContents(cells(**columns), layers, WORKING)
    return classify_cells(contents, parse_rules(text, "rules.toml", tuple(layers))).kinds.tolist()


BOXES = st.lists(
    st.tuples(
        st.integers(0, 28), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.sampled_from("ab")
    ),
    min_size=1,
    max_size=8,
)


@given(BOXES, st.sampled_from([None, ("a",), ("A", "b"), ("c",)]))
@settings(max_examples=40)
def test_what_lies_inside_against_a_raster(
    boxes: list[tuple[int, int, int, int, str]], classes: tuple[str, ...] | None
) -> None:
    shapes = [shapely.box(10 * x, 10 * y, 10 * (x + w), 10 * (y + h)) for x, y, w, h, _ in boxes]
    held = [classes is None or name in {each.lower() for each in classes} for *_, name in boxes]
    layer = frame(shapes, class_name=[name for *_, name in boxes], beds=[w for _, _, w, _, _ in boxes])
    # Lines along the border of two cells may count for either.
    borders = [shapely.affinity.translate(shape.boundary, 3.3, 3.3) for shape in shapes]
    layers = {"buildings": layer, "roads": frame(borders, class_name=layer["class_name"])}
    contents = CellContents(cells(), layers, WORKING)
    covered, count, beds = np.zeros((30, 10), dtype=bool), np.zeros(3), np.zeros(3)
    for (x, y, w, h, _), shape, counts in zip(boxes, shapes, held, strict=True):
        if counts:
            covered[x : x + w, y : y + h] = True
            middle = shapely.point_on_surface(shape)
            assume(middle.x % 100 and middle.y % 100)
            owner = int(middle.x // 100)
            if owner < 3 and middle.y < 100:
                count[owner] += 1
                beds[owner] += w
    np.testing.assert_allclose(
        contents.covered_m2("buildings", classes),
        100 * covered.reshape(3, -1).sum(axis=1),
        rtol=1e-6,
        atol=1e-3,
    )
    assert contents.count("buildings", classes).tolist() == count.tolist()
    assert contents.total("buildings", classes, "beds").tolist() == beds.tolist()
    squares = shapely.box([0, 100, 200], 0, [100, 200, 300], 100)
    expected = [
        sum(
            shapely.intersection(each, square).length
            for each, counts in zip(borders, held, strict=True)
            if counts
        )
        for square in squares
    ]
    np.testing.assert_allclose(contents.length_m("roads", classes), expected, rtol=1e-5, atol=1e-3)


HOMES = frame([shapely.Point(x, 50) for x in (10, 20, 30, 110)], people=[1, 2, None, 4])


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("all = [{of = 'household', at_least = 1}]", [True, True, False]),
        ("all = [{of = 'household', above = 1}]", [True, False, False]),
        ("all = [{of = 'household', at_least = 1, below = 3}]", [False, True, False]),
        ("none = [{of = 'household', at_least = 1}]", [False, False, True]),
        ("all = [{of = 'household', per = 'ha', at_least = 2.9, at_most = 3.1}]", [True, False, False]),
        ("all = [{of = 'household', per = 'km2', at_least = 250}]", [True, False, False]),
        ("all = [{figure = 'sum', of = 'household', field = 'people', at_least = 3}]", [True, True, False]),
        ("any = [{of = 'household', above = 2}, {figure = 'cell', field = 'floors', at_least = 9}]",
         [True, False, True]),
        ("all = [{figure = 'cell', field = 'area_m2', at_most = 10001}]", [True, True, True]),
        ("all = [{figure = 'cell', field = 'floors', at_least = 0}]", [True, False, True]),
        ("all = [{of = ['household', 'enterprise'], at_least = 1}]", [True, True, False]),
        ("", [True, True, True]),
    ],
)  # fmt: skip
def test_conditions(conditions: str, expected: list[bool]) -> None:
    text = f"[[rule]]\nname = 'it'\nkind = 'rural'\n{conditions}"
    found = kinds_of(text, {"household": HOMES}, floors=[3, None, 9])
    assert [kind == "rural" for kind in found] == expected


def test_the_first_rule_that_holds_wins_and_says_so() -> None:
    text = """
        [kinds]
        market = {zh = "市场网格", en = "Market"}
        [[rule]]
        name = "many"
        kind = "market"
        all = [{of = "household", above = 2}]
        [[rule]]
        name = "some"
        kind = "residential"
        all = [{of = "household", at_least = 1}]
    """
    rules = parse_rules(text, "rules.toml")
    found = classify_cells(CellContents(cells(), {"household": HOMES}, WORKING), rules)
    assert found.kinds.tolist() == ["market", "residential", None]
    assert found.rules.tolist() == ["many", "some", None]
    assert rules.labels["market"].en == "Market"
    assert rules.labels["school"] is CELL_KINDS["school"]


def test_records_keep_the_cell_that_they_were_assigned() -> None:
    homes = HOMES.assign(cell_code=["c2", "c2", None, "c0"])
    contents = CellContents(cells(), {"household": homes}, WORKING)
    assert contents.count("household", None).tolist() == [1, 0, 2]
    assert contents.outside == {"household": 1}
    with pytest.raises(InputError, match=r"1 records of household name cells .* first 'zz'"):
        CellContents(cells(), {"household": HOMES.assign(cell_code=["zz", "c0", None, "c0"])}, WORKING)


def test_records_without_place_or_class_are_in_no_cell_and_no_class() -> None:
    layer = frame([shapely.Point(50, 50), None, shapely.Point()], **{"class": ["a", "a", None]})
    contents = CellContents(cells(), {"sensor": layer}, WORKING)
    assert contents.outside == {"sensor": 2}
    assert contents.count("sensor", ("a",)).tolist() == [1, 0, 0]
    assert contents.covered_m2("sensor", None).tolist() == [0, 0, 0]


def test_rules_that_cannot_be_tried_are_skipped_and_told() -> None:
    found = classify_cells(CellContents(cells(), {"household": HOMES}, WORKING), default_rules())
    assert found.skipped["commercial"] == ("enterprise",)
    assert "residential: households" not in found.skipped
    assert found.kinds.tolist() == ["urban_rural_fringe", "urban_rural_fringe", "rural"]
    with pytest.raises(InputError, match="No rule can be tried; they ask about service_point"):
        classify_cells(CellContents(cells(), {}, WORKING), default_rules())


@pytest.mark.parametrize(
    ("changed", "to", "sentence"),
    [
        (
            "at_least",
            "at_leest",
            r"line 2: 'rule\[1\].all\[1\].at_leest' is unknown; allowed here: .*at_least",
        ),
        (
            "'residential'",
            "'residental'",
            r"kind' is 'residental', which is unknown \(near it: residential\)",
        ),
        ("'household'", "'houshold'", r"of' is 'houshold', which is unknown \(near it: household\)"),
        ("of =", "figure = 'shre', of =", r"figure' is 'shre', which is unknown \(near it: share\)"),
        ("of =", "per = 'acre', of =", r"per' is 'acre', which is unknown \(there are: ha, km2\)"),
        ("of =", "figure = 'sum', of =", "field' is missing"),
        ("of =", "field = 'x', of =", "field' has no meaning for the figure count"),
        ("of = 'household', ", "", "of' is missing"),
        (", at_least = 1", "", "at_least' is missing; give one of at_least, at_most, above, below"),
        ("at_least = 1", "at_least = 'x'", "at_least' must be a number, not 'x'"),
        ("at_least = 1", "at_least = nan", "at_least' must be a number"),
        ("all =", "every =", "'rule\\[1\\].every' is unknown"),
        ("name = 'it'", "name = ''", "name' is empty"),
        ("[[rule]]", "[[rules]]", "'rules' is unknown"),
        ("name =", "name", "is not TOML"),
    ],
)
def test_a_rule_that_is_wrong(changed: str, to: str, sentence: str) -> None:
    text = "\n[[rule]]\nname = 'it'\nkind = 'residential'\nall = [{of = 'household', at_least = 1}]"
    assert changed in text
    with pytest.raises(ParameterError, match=f"^mine.toml.*{sentence}"):
        parse_rules(text.replace(changed, to), "mine.toml")


def test_rules_of_the_same_name_and_none_at_all() -> None:
    rule = "[[rule]]\nname = 'it'\nkind = 'rural'\n"
    with pytest.raises(ParameterError, match="line 4: there are two rules 'it'"):
        parse_rules(rule + rule, "mine.toml")
    with pytest.raises(ParameterError, match="has no rules"):
        parse_rules("", "mine.toml")


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("{figure = 'cell', field = 'flors', at_least = 1}", r"no field 'flors' \(near it: floors\)"),
        ("{figure = 'cell', field = 'code', at_least = 1}", "'c0' in field 'code', which is no number"),
        ("{figure = 'sum', of = 'household', field = 'peeple', at_least = 1}", r"\(near it: people\)"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_there(condition: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        kinds_of(
            f"[[rule]]\nname='it'\nkind='rural'\nall=[{condition}]", {"household": HOMES}, floors=[1, 2, 3]
        )


def test_every_kind_has_a_rule_and_two_names() -> None:
    assert {rule.kind for rule in default_rules().rules} == set(CELL_KINDS)
    assert all(label.zh and label.en for label in CELL_KINDS.values())
