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


def former_comparison(old, new):
    """Compare as one function did that knew every kind: rows of (kind, cell, geometry, figures)."""

    def key(gap):
        kind, cell, _, figures = gap
        if kind in ("blank", "overlap"):
            return None
        if kind == "unassigned":
            return (kind, figures["entity_kind"], figures["entity_id"])
        return (kind, cell, figures["class"], bool(figures["other_than"]))

    known = {key(gap): row for row, gap in enumerate(old) if key(gap) is not None}
    lasting = [(row, known[key(gap)]) for row, gap in enumerate(new) if key(gap) in known]
    for kind in ("blank", "overlap"):
        pairs = [
            (-shapely.area(shapely.intersection(gap[2], former[2])), row, other)
            for row, gap in enumerate(new)
            for other, former in enumerate(old)
            if gap[0] == former[0] == kind
        ]
        for share, row, other in sorted(pairs):
            if share < 0 and all(row != a and other != b for a, b in lasting):
                lasting.append((row, other))
    return sorted(lasting)


def pieces(kind):
    # Each share differs, so that its order does not depend on how equals are sorted.
    return st.lists(st.integers(0, 40), unique=True, max_size=6).map(
        lambda places: [(kind, "a", shapely.box(7 * at, 0, 7 * at + 5 + at / 97, 1), {}) for at in places]
    )


KEYED = st.lists(
    st.one_of(
        st.builds(lost, st.sampled_from("abc"), st.sampled_from(["household", "sensor"])),
        st.builds(
            lambda cell, name, others: beyond(cell, **{"class": name}, other_than=others),
            st.sampled_from("abc"),
            st.sampled_from([None, "fire"]),
            st.sampled_from([[], ["fire"], ["fire", "police"]]),
        ),
    ),
    unique_by=lambda gap: (gap[0], gap[1], str(gap[3].get("entity_id")), str(gap[3].get("entity_kind")),
                           str(gap[3].get("class")), bool(gap[3].get("other_than"))),
    max_size=8,
)  # fmt: skip
EVERY = st.tuples(KEYED, pieces("blank"), pieces("overlap")).map(lambda each: [*each[0], *each[1], *each[2]])


@given(EVERY, EVERY)
def test_identities_of_kinds_pair_as_one_function_for_all_kinds_did(before, after):
    shifted = [
        (kind, cell, shapely.affinity.translate(shape, 1.5), figures) if kind in ("blank", "overlap") else gap
        for gap in after
        for kind, cell, shape, figures in [gap]
    ]
    assert compare_gaps(*frame(before), *frame(shifted)).lasting == former_comparison(before, shifted)


def test_gaps_of_one_key_are_paired_in_their_order():
    twice = [lost("1"), lost("2"), lost("1")]
    assert compare_gaps(*frame(twice), *frame(twice)) == ([], [], [(0, 0), (1, 1), (2, 2)])
    assert compare_gaps(*frame(twice), *frame(twice[:2])) == ([], [2], [(0, 0), (1, 1)])


def test_gaps_of_a_kind_that_is_known_no_more_are_the_same_as_none():
    gone = [("sunken", "a", shapely.box(0, 0, 1, 1), {})]
    assert compare_gaps(*frame(gone), *frame(gone)) == ([0], [0], [])
