"""The table of a crosswalk against intersections of every pair of cells, one by one."""

from collections import Counter
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.crosswalk import Loads, measure_crosswalk
from gis.errors import InputError

METRES = CRS.from_epsg(32721)
ORIGIN = np.array([400_000.0, 6_200_000.0])


def plan(shapes, codes):
    moved = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy + ORIGIN)
    return gpd.GeoDataFrame({"code": codes}, geometry=gpd.GeoSeries(moved, crs=METRES)).to_crs(4326)


def strips(cuts, along, prefix):
    """Strips of a square of 100 m between cuts, each in two halves."""
    ends = sorted({0.0, 100.0, *cuts})
    boxes = []
    for low, high in pairwise(ends):
        for start, end in ((0.0, 40.0), (40.0, 100.0)):
            box = (low, start, high, end) if along == "x" else (start, low, end, high)
            boxes.append(shapely.box(*box))
    return plan(boxes, [f"{prefix}{k}" for k in range(len(boxes))])


cuts = st.lists(st.floats(5, 95).map(lambda x: round(x, 1)), max_size=4)
points = st.lists(st.tuples(st.floats(-20, 120), st.floats(-20, 120), st.integers(0, 5)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(first=cuts, second=cuts, entities=points, shift=st.sampled_from([0.0, 13.0]))
def test_every_pair_and_every_entity_is_counted_as_one_by_one(first, second, entities, shift):
    old, new = strips(first, "x", "a"), strips(second, "y", "b")
    if shift:
        new = gpd.GeoDataFrame(
            {"code": new["code"]}, geometry=new.to_crs(METRES).translate(shift, shift), crs=METRES
        ).to_crs(4326)
    places = gpd.GeoSeries(
        [shapely.Point(ORIGIN[0] + x, ORIGIN[1] + y) for x, y, _ in entities], crs=METRES
    ).to_crs(4326)
    weights = np.array([weight for *_, weight in entities], dtype=float)
    found = measure_crosswalk(old, new, Loads(places.to_numpy(), {"people": weights}), crs=METRES)
    rows = found.rows.set_index([found.rows["from_code"].fillna(""), found.rows["to_code"].fillna("")])
    assert rows.index.is_unique
    flat = [cells.to_crs(METRES) for cells in (old, new)]
    expected = {
        (a, b): one.intersection(other).area
        for a, one in zip(flat[0]["code"], flat[0].geometry, strict=True)
        for b, other in zip(flat[1]["code"], flat[1].geometry, strict=True)
    }
    whole = [cells.geometry.union_all() for cells in flat]
    expected |= {
        (a, ""): one.difference(whole[1]).area
        for a, one in zip(flat[0]["code"], flat[0].geometry, strict=True)
    }
    expected |= {
        ("", b): one.difference(whole[0]).area
        for b, one in zip(flat[1]["code"], flat[1].geometry, strict=True)
    }
    for pair, area_m2 in expected.items():
        assert rows["area_m2"].get(pair, 0.0) == pytest.approx(area_m2, abs=0.02), pair
    people = Counter()
    for point, weight in zip(places, weights, strict=True):
        owners = tuple(
            min(
                (c for c, g in zip(cells["code"], cells.geometry, strict=True) if g.intersects(point)),
                default="",
            )
            for cells in (old, new)
        )
        people[owners] += weight
    assert found.unlocated["people"] == people.pop(("", ""), 0)
    assert {key: value for key, value in rows["people"].items() if value} == {
        key: value for key, value in people.items() if value
    }
    for column in ("area_share", "people_share"):
        sums = found.rows.groupby(found.rows["from_code"].fillna(""))[column].sum()
        assert sums.to_numpy() == pytest.approx(1, abs=1e-12)
    assert set(old["code"]) <= set(found.rows["from_code"])


def test_a_cell_without_entities_shares_them_as_its_ground():
    old = plan([shapely.box(0, 0, 100, 100)], ["A"])
    new = plan([shapely.box(0, 0, 25, 100), shapely.box(25, 0, 100, 100)], ["B", "C"])
    found = measure_crosswalk(old, new, Loads(np.empty(0, dtype=object), {"homes": np.empty(0)}), crs=METRES)
    assert found.rows["homes"].tolist() == [0, 0]
    assert found.rows["homes_share"].tolist() == pytest.approx([0.25, 0.75], abs=1e-6)


def test_cells_that_are_tiny_or_empty_keep_a_row():
    old = plan(
        [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 100.005, 1), shapely.Polygon()], ["A", "B", "C"]
    )
    new = plan([shapely.box(0, 0, 200, 100)], ["D"])
    rows = measure_crosswalk(old, new, crs=METRES).rows
    shares = {
        (row.from_code, row.to_code): row.area_share for row in rows.itertuples() if row.area_share > 1e-6
    }
    assert shares == pytest.approx({("A", "D"): 1.0, ("B", "D"): 1.0, ("C", None): 1.0, (None, "D"): 1.0})


def test_an_entity_without_place_is_told():
    old = plan([shapely.box(0, 0, 100, 100)], ["A"])
    loads = Loads(np.array([None, shapely.Point()], dtype=object), {"homes": np.ones(2)})
    assert measure_crosswalk(old, old, loads, crs=METRES).unlocated == {"homes": 2.0}


def test_what_cannot_be_shared_is_refused():
    old = plan([shapely.box(0, 0, 100, 100)], ["A"])
    far = plan([shapely.box(500, 0, 600, 100)], ["A"])
    doubled = plan([shapely.box(0, 0, 60, 100), shapely.box(50, 0, 100, 100)], ["B", "C"])
    with pytest.raises(InputError, match="share no ground"):
        measure_crosswalk(old, far, crs=METRES)
    for pair, named in (((old, doubled), "B"), ((doubled, old), "A")):
        with pytest.raises(InputError, match=rf"plan {named} overlap by 1,000\.00 m² where cell 'A'"):
            measure_crosswalk(*pair, crs=METRES)
    with pytest.raises(InputError, match="cannot be named area"):
        measure_crosswalk(old, old, Loads(np.empty(0, dtype=object), {"area": np.empty(0)}), crs=METRES)
    with pytest.raises(InputError, match="uses the code 'A' again"):
        measure_crosswalk(pd.concat([old, old], ignore_index=True), old, crs=METRES)
