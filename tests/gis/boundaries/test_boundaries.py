"""Boundaries in words on grids of streets whose answers follow by counting, however the grid is turned."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.boundaries import SIDES, Bound, BoundKind, boundary_sentence, describe_boundaries, side_phrase
from gis.errors import InputError, ParameterError

WORKING = CRS.from_epsg(4547)
WEST, SOUTH = 500_000, 2_490_000
CENTRE = (WEST + 150, SOUTH + 100)
OUTER = Bound(BoundKind.outer, "")


def frame(shapes: Sequence[shapely.Geometry], turns: int = 0, **columns: Any) -> gpd.GeoDataFrame:
    """A layer in metres from the south-west corner, turned to the left by right angles."""
    moved = [shapely.affinity.translate(each, WEST, SOUTH) for each in shapes]
    turned = [shapely.affinity.rotate(each, 90 * turns, origin=CENTRE) for each in moved]
    return gpd.GeoDataFrame(columns, geometry=turned, crs=WORKING)


def grid(xs: Sequence[float], ys: Sequence[float], turns: int = 0) -> gpd.GeoDataFrame:
    """Cells between lines across and up, coded by column and row."""
    places = [(i, j) for i in range(len(xs) - 1) for j in range(len(ys) - 1)]
    boxes = [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i, j in places]
    return frame(boxes, turns, code=[f"{i}{j}" for i, j in places])


def streets(
    lines: dict[str, Sequence[tuple[float, float]]], kind: str = "roads", turns: int = 0
) -> gpd.GeoDataFrame:
    return frame([shapely.LineString(each) for each in lines.values()], turns, name=list(lines), kind=kind)


def names(found: Any, code: str) -> dict[str, list[str]]:
    row = found.codes.tolist().index(code)
    return {side: [bound.name for bound in found.sides[side][row]] for side in SIDES}


TOWN = streets(
    {
        "人民路": [(100, -50), (100, 250)],
        "滨河路": [(-50, 0), (350, 0)],
        # Beside the border, as a line in the middle of a wide street is.
        "中山路": [(-50, 112), (120, 108)],
        # Crosses cells, and bounds none.
        "小巷": [(0, 20), (300, 80)],
    }
)
CELLS = grid((0, 100, 200, 300), (0, 100, 200))


def test_a_grid_of_streets() -> None:
    found = describe_boundaries(CELLS, TOWN, crs=WORKING)
    assert names(found, "00") == {"north": ["中山路"], "east": ["人民路"], "south": ["滨河路"], "west": [""]}
    assert names(found, "10") == {"north": ["11"], "east": ["20"], "south": ["滨河路"], "west": ["人民路"]}
    assert names(found, "21") == {"north": [""], "east": [""], "south": ["20"], "west": ["11"]}
    table = found.table("zh").set_index("code")
    assert table.loc["00", "description"] == "东至人民路，南至滨河路，西至外边界，北至中山路。"
    assert table.loc["10", "east"] == "网格 20"
    table = found.table("en").set_index("code")
    assert table.loc["10", "description"] == "north: cell 11; east: cell 20; south: 滨河路; west: 人民路."
    assert list(table.columns) == [*SIDES, "description"]


def test_a_side_of_several_stretches_is_told_by_the_longest_first() -> None:
    lines = streets(
        {
            "A": [(0, 0), (30, 0)],
            "B": [(30, 0), (100, 0)],
            "C": [(100, 0), (160, 0)],
            "D": [(160, 0), (180, 0)],
        }
    )
    found = describe_boundaries(CELLS, lines, tolerance_m=5, crs=WORKING)
    assert names(found, "00")["south"] == ["B", "A"]
    # Of these 100 m a fifth has no line; 60 and 20 are four fifths, and the outer border comes before D.
    assert names(found, "10")["south"] == ["C", ""]
    assert names(found, "20")["south"] == [""]


def test_neighbours_by_name_area_and_across_a_gap() -> None:
    cells = CELLS.assign(name=["甲", None, "10", "丁", "戊", "己"])
    areas = frame(
        [shapely.box(0, 0, 200, 200), shapely.box(200, 0, 300, 300)], code=["a", "b"], name=["东村", None]
    )
    none = streets({})
    found = describe_boundaries(cells, none, areas, crs=WORKING)
    rows = dict(zip(found.codes, zip(*found.sides.values(), strict=True), strict=True))
    assert rows["00"] == (
        (Bound(BoundKind.cell, "01", True),),
        (Bound(BoundKind.cell, "10", True),),
        (OUTER,),
        (OUTER,),
    )
    # The neighbour lies in another area, and so does what lies beyond the north.
    assert rows["11"][1] == (Bound(BoundKind.area, "b"),)
    assert rows["20"][3] == (Bound(BoundKind.area, "东村"),)
    assert rows["21"][0] == (OUTER,)
    apart = grid((0, 90), (0, 100)).assign(code="p")
    beyond = frame([shapely.box(100, 0, 190, 100)], code=["q"])
    both = gpd.GeoDataFrame(np.concatenate([apart, beyond]), columns=apart.columns, crs=WORKING)
    both = both.set_geometry("geometry")
    assert names(describe_boundaries(both, none, crs=WORKING), "p")["east"] == ["q"]
    assert names(describe_boundaries(both, none, tolerance_m=5, crs=WORKING), "p")["east"] == [""]


def test_rivers_and_railways_without_a_name_tell_more_than_streets_without_one() -> None:
    lines = [
        streets({"": [(0, 0), (300, 0)]}, "water"),
        streets({"": [(0, 200), (300, 200)]}, "railway"),
        streets({"": [(300, 0), (300, 200)]}, "roads"),
    ]
    both = gpd.GeoDataFrame(np.concatenate(lines), columns=lines[0].columns, crs=WORKING).set_geometry(
        "geometry"
    )
    both["name"] = None
    table = describe_boundaries(grid((0, 300), (0, 200)), both, crs=WORKING).table("en")
    assert table["description"].tolist() == [
        "north: the railway; east: outer border; south: the water; west: outer border."
    ]
    pond = frame([shapely.box(0, -80, 300, -1)], name=["镜湖"], kind="water")
    assert names(describe_boundaries(CELLS, pond, crs=WORKING), "10")["south"] == ["镜湖"]


STEPS = st.lists(st.integers(40, 160), min_size=1, max_size=3)
LINES = st.lists(
    st.tuples(st.sampled_from("ABCD"), st.booleans(), st.integers(0, 3), st.integers(-3, 3)), max_size=4
)


@given(STEPS, STEPS, LINES, st.integers(1, 3))
@settings(max_examples=40)
def test_turning_the_ground_turns_the_sides(
    across: list[int], up: list[int], drawn: list[tuple[str, bool, int, int]], turns: int
) -> None:
    xs, ys = np.r_[0, np.cumsum(across)], np.r_[0, np.cumsum(up)]
    shapes, labels = [], []
    for name, upright, place, offset in drawn:
        at = (xs if upright else ys)[place % len(xs if upright else ys)] + offset
        ends = [(at, -20), (at, ys[-1] + 20)] if upright else [(-20, at), (xs[-1] + 20, at)]
        shapes.append(shapely.LineString(ends))
        labels.append(name)
    plain = describe_boundaries(grid(xs, ys), frame(shapes, name=labels, kind="roads"), crs=WORKING)
    turned = describe_boundaries(
        grid(xs, ys, turns), frame(shapes, turns, name=labels, kind="roads"), crs=WORKING
    )
    around = ["north", "west", "south", "east"]
    for place, side in enumerate(around):
        assert turned.sides[around[(place + turns) % 4]] == plain.sides[side]
    # What stands on a side is counted by the lines and cells there.
    columns = len(ys) - 1
    for row, code in enumerate(plain.codes):
        i, j = int(code[0]), int(code[1])
        assert all(plain.sides[side][row] for side in SIDES)
        beside = {name for name, upright, place, _ in drawn if upright and place % len(xs) == i + 1}
        found = {bound.name for bound in plain.sides["east"][row]}
        if beside:
            assert found <= beside
        else:
            assert found == {plain.codes[row + columns] if i + 2 < len(xs) else ""}, (i, j)


def test_every_side_of_any_shape_names_something() -> None:
    shapes = [
        shapely.Polygon([(0, 0), (100, 0), (40, 200)]),
        shapely.Point(300, 100).buffer(40),
        shapely.Polygon([(400, 0), (450, 50), (400, 100), (350, 50)]),
        shapely.box(500, 0, 600, 100).difference(shapely.box(520, 20, 580, 80)),
        shapely.MultiPolygon([shapely.box(700, 0, 750, 50), shapely.box(760, 60, 800, 100)]),
    ]
    found = describe_boundaries(frame(shapes, code=list("abcde")), TOWN.iloc[:0], crs=WORKING)
    assert all(found.sides[side][row] == (OUTER,) for side in SIDES for row in range(5))
    # A triangle has no border that looks to the north; those that do so most stand for it.
    line = streets({"斜街": [(100, 0), (40, 200)], "底街": [(0, 0), (100, 0)]})
    triangle = describe_boundaries(frame(shapes[:1], code=["a"]), line, crs=WORKING)
    assert names(triangle, "a") == {"north": ["斜街", ""], "east": ["斜街"], "south": ["底街"], "west": [""]}


def test_lines_on_the_other_side_of_the_world() -> None:
    far = gpd.GeoDataFrame(
        {"name": ["X"], "kind": ["roads"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326
    )
    with pytest.raises(InputError, match=r"one lies at 0\.0000, 0\.0000, a cell at 114\."):
        describe_boundaries(CELLS, far, crs=WORKING)
    with pytest.raises(ParameterError, match="tolerance"):
        describe_boundaries(CELLS, TOWN, tolerance_m=0, crs=WORKING)


def test_phrases() -> None:
    bounds = [Bound(BoundKind.road, "A"), Bound(BoundKind.cell, "1", True), OUTER]
    assert side_phrase(bounds) == ("A、网格 1、外边界", "A, cell 1 and outer border")
    sides = {side: [OUTER] for side in SIDES}
    assert boundary_sentence(sides).zh == "东至外边界，南至外边界，西至外边界，北至外边界。"
