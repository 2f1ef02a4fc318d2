"""Comparing gaps: against loops over all pairs."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.gaps.compare import compare_gaps

REACH = {"class": None, "other_than": []}


def frame(gaps):
    shapes = np.empty(len(gaps), dtype=object)
    shapes[:] = [each[2] for each in gaps]
    table = {"kind": [each[0] for each in gaps], "cell_code": [each[1] for each in gaps]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4326), [each[3] for each in gaps]


def lost(name, kind="household"):
    return ("unassigned", None, None, {"entity_kind": kind, "entity_id": name, "reason": "outside"})


def beyond(cell, **figures):
    return ("out_of_reach", cell, shapely.box(0, 0, 1, 1), {**REACH, **figures})


def blank(west, east):
    return ("blank", None, shapely.box(west, 0, east, 1), {"min_area_m2": 0.0})


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_entities_and_cells_are_known_by_what_they_are(before, after):
    for make in (lost, beyond):
        found = compare_gaps(*frame([make(name) for name in before]), *frame([make(name) for name in after]))
        assert [after[row] for row in found.appeared] == [name for name in after if name not in before]
        assert [before[row] for row in found.gone] == [name for name in before if name not in after]
        assert [(after[row], before[other]) for row, other in found.lasting] == [
            (name, name) for name in after if name in before
        ]


def test_kind_and_class_tell_gaps_of_one_name_apart():
    old = [lost("1"), beyond("a", **{"class": "fire"}), beyond("a", other_than=["fire"])]
    new = [
        lost("1", "sensor"),
        beyond("a", **{"class": "police"}),
        beyond("a", other_than=["fire", "police"]),
    ]
    found = compare_gaps(*frame(old), *frame(new))
    # Whatever classes it leaves out, the rest of the services is one service.
    assert found == ([0, 1], [0, 1], [(2, 2)])


@pytest.mark.parametrize("kind", ["blank", "overlap"])
def test_ground_is_known_by_the_ground_it_shares(kind):
    def pieces(*bounds):
        return frame([(kind, *blank(*pair)[1:]) for pair in bounds])

    assert compare_gaps(*pieces((0, 4)), *pieces((3, 5), (0, 2), (7, 8))) == ([0, 2], [], [(1, 0)])
    # Pieces that only touch share nothing.
    assert compare_gaps(*pieces((0, 4)), *pieces((4, 5))) == ([0], [0], [])
    assert compare_gaps(*pieces(), *pieces((4, 5))) == ([0], [], [])
    assert compare_gaps(*pieces((4, 5)), *pieces()) == ([], [0], [])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8),
       st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=8))  # fmt: skip
def test_every_gap_is_told_once_and_pairs_share_ground(before, after):
    old, new = ([blank(west, west + width) for west, width in each] for each in (before, after))
    found = compare_gaps(*frame(old), *frame(new))
    assert sorted([*found.appeared, *(row for row, _ in found.lasting)]) == list(range(len(new)))
    assert sorted([*found.gone, *(row for _, row in found.lasting)]) == list(range(len(old)))

    def share(row, other):
        return shapely.area(shapely.intersection(new[row][2], old[other][2]))

    assert all(share(row, other) > 0 for row, other in found.lasting)
    # Nothing is called new while something that shares its ground is called gone.
    assert all(share(row, other) == 0 for row in found.appeared for other in found.gone)
