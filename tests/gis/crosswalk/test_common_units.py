"""Common units of lattices whose squares are counted, and of borders that were drawn twice."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from scipy import ndimage

from gis.crosswalk import unify_schemes
from gis.errors import InputError

METRES = CRS.from_epsg(32721)
ORIGIN = np.array([400_000.0, 6_200_000.0])
SIDE = 50.0


def plan(shapes, codes):
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + ORIGIN)
    return gpd.GeoDataFrame({"code": codes}, geometry=gpd.GeoSeries(moved, crs=METRES)).to_crs(4326)


def labelled(labels):
    """The cells of a lattice of labels; "" is ground in no cell."""
    rows, columns = labels.shape
    x, y = (part.ravel() * SIDE for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    squares, flat = shapely.box(x, y, x + SIDE, y + SIDE), labels.ravel()
    codes = [code for code in np.unique(flat) if code]
    return plan([shapely.coverage_union_all(squares[flat == code]) for code in codes], codes)


def cells_from_units(units, name):
    """Unite the units of each cell."""
    known = units[units[name].notna()].to_crs(METRES)
    return {code: shapely.union_all(each.geometry.to_numpy()) for code, each in known.groupby(name)}


def require_exact(found, name, cells, but_m2=0.0):
    made = cells_from_units(found.units, name)
    flat = cells.to_crs(METRES)
    for code, polygon in zip(flat["code"], flat.geometry, strict=True):
        assert shapely.symmetric_difference(made[code], polygon).area <= but_m2 + 1e-3, code


lattices = st.lists(
    st.lists(st.sampled_from(["A", "B", "C", ""]), min_size=4, max_size=4), min_size=4, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(one=lattices, other=lattices)
def test_units_are_the_connected_pieces_of_each_pair_of_cells(one, other):
    first, second = (np.array(each, dtype=object).astype(str) for each in (one, other))
    if not (first != "").any() or not (second != "").any():
        return
    found = unify_schemes({"one": labelled(first), "two": labelled(second)}, crs=METRES)
    expected = []
    for a in np.unique(first):
        for b in np.unique(second):
            pieces, count = ndimage.label((first == a) & (second == b))
            expected += [(a, b, int((pieces == k).sum())) for k in range(1, count + 1) if a or b]
    units = found.units
    squares = np.round(units["area_m2"] / SIDE**2).astype(int)
    assert sorted(zip(units["one"].fillna(""), units["two"].fillna(""), squares, strict=True)) == sorted(
        expected
    )
    assert shapely.coverage_is_valid(units.geometry.to_numpy())
    assert units["code"].is_unique
    assert not len(found.mismatches)
    require_exact(found, "one", labelled(first))
    require_exact(found, "two", labelled(second))


def test_a_border_drawn_twice_is_one_border_and_is_reported():
    one = plan([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)], ["A", "B"])
    two = plan([shapely.box(0, 0, 100.6, 100), shapely.box(100.6, 0, 200, 100)], ["X", "Y"])
    found = unify_schemes({"one": one, "two": two}, crs=METRES)
    assert sorted(zip(found.units["one"], found.units["two"], strict=True)) == [("A", "X"), ("B", "Y")]
    assert shapely.coverage_is_valid(found.units.geometry.to_numpy())
    (sliver,) = found.mismatches.to_dict("records")
    assert (sliver["kind"], sliver["one"], sliver["two"]) == ("sliver", "B", "X")
    assert sliver["area_m2"] == pytest.approx(60, abs=0.01)
    assert sliver["width_m"] == pytest.approx(0.6, rel=0.01)
    assert sliver["unit"] in set(found.units["code"])
    moved = found.moved_m2
    assert sorted(round(each) for each in moved.values()) == [0, 60]
    assert found.summary()["slivers"] == 1
    require_exact(found, "one", one, but_m2=moved["one"])
    require_exact(found, "two", two, but_m2=moved["two"])
    assert not len(unify_schemes({"one": one, "two": two}, min_width_m=0.5, crs=METRES).mismatches)


def test_slivers_at_the_rim_and_between_cells_are_joined_too():
    one = plan([shapely.box(0, 0, 100, 100), shapely.box(100.4, 0, 200, 100)], ["A", "B"])
    two = plan([shapely.box(0, 0, 200.3, 100)], ["X"])
    found = unify_schemes({"one": one, "two": two}, crs=METRES)
    assert set(found.units["one"]) == {"A", "B"}
    assert (len(found.units), len(found.mismatches)) == (2, 2)
    assert shapely.union_all(found.units.to_crs(METRES).geometry).area == pytest.approx(20_030, abs=0.01)


def test_a_cell_that_is_narrow_by_itself_stays():
    narrow = shapely.box(100, 0, 100.7, 100)
    one = plan([shapely.box(0, 0, 100, 100), narrow, shapely.box(100.7, 0, 200, 100)], ["A", "N", "B"])
    two = plan([shapely.box(0, 0, 200, 100)], ["X"])
    found = unify_schemes({"one": one, "two": two}, crs=METRES)
    assert set(found.units["one"]) == {"A", "N", "B"}
    assert not len(found.mismatches)


def test_overlaps_go_to_the_lowest_code_and_are_reported():
    one = plan(
        [shapely.box(0, 0, 120, 100), shapely.box(80, 0, 200, 100), shapely.box(10, 10, 20, 20)],
        ["A", "B", "C"],
    )
    two = plan([shapely.box(0, 0, 200, 100)], ["X"])
    found = unify_schemes({"one": one, "two": two}, crs=METRES)
    assert found.mismatches["kind"].tolist() == ["overlap"]
    assert found.mismatches["area_m2"].sum() == pytest.approx(4_100, abs=0.1)
    assert set(found.units["one"]) == {"A", "B"}
    assert found.without_unit == {"one": ["C"], "two": []}


def test_three_schemes_with_holes_and_islands():
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    one = plan([ring], ["A"])
    two = plan([shapely.union(shapely.box(0, 0, 50, 100), shapely.box(200, 0, 250, 50))], ["X"])
    three = plan([shapely.box(30, 30, 70, 70)], ["P"])
    found = unify_schemes({"one": one, "two": two, "three": three}, crs=METRES)
    for name, cells in (("one", one), ("two", two), ("three", three)):
        require_exact(found, name, cells)
    assert shapely.coverage_is_valid(found.units.geometry.to_numpy())


def test_numbers_begin_where_asked_and_bad_input_is_refused():
    one = plan([shapely.box(0, 0, 100, 100)], ["A"])
    found = unify_schemes({"one": one, "two": one}, first_number=41, crs=METRES)
    assert found.units["code"].tolist() == ["U000041"]
    with pytest.raises(InputError, match="at least two schemes"):
        unify_schemes({"one": one})
    with pytest.raises(InputError, match="cannot be named 'unit'"):
        unify_schemes({"one": one, "unit": one})
    empty = plan([shapely.Polygon()], ["A"])
    with pytest.raises(InputError, match="no ground"):
        unify_schemes({"one": empty, "two": empty}, crs=METRES)
