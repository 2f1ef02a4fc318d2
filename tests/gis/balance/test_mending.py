"""Plans with gaps, empty zones and zones in pieces are made whole, or it is said why not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance import InfeasibleError
from gis.balance.mending import fill_gaps, mend_zones
from tests.gis.balance.plans import attempt, cases, lattice, part_count, parts_of_zones

FREE = np.zeros(9, dtype=bool)


@given(cases(parts=1), st.data())
@settings(max_examples=60)
def test_any_plan_becomes_whole(case, data):
    count = data.draw(st.integers(1, len(case)))
    zones = np.array(data.draw(st.lists(st.integers(-1, count - 1), min_size=len(case), max_size=len(case))))
    made = mend_zones(case.graph, case.loads[:, 0], zones, count, np.zeros(len(case), dtype=bool))
    assert parts_of_zones(case, made) == [1] * count
    if zones.min() >= 0 and parts_of_zones(case, zones) == [1] * count:
        assert np.array_equal(made, zones)


@given(cases(), st.data())
@settings(max_examples=60)
def test_locked_units_stay_or_are_named(case, data):
    count = data.draw(st.integers(part_count(case), len(case)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    zones = rng.integers(-1, count, len(case))
    locked = (zones >= 0) & (rng.uniform(size=len(case)) < 0.3)
    made, error = attempt(mend_zones, case.graph, case.loads[:, 0], zones, count, locked)
    if error is not None:
        assert error.reason in ("locked", "unreached")
        return
    assert parts_of_zones(case, made) == [1] * count
    assert np.array_equal(made[locked], zones[locked])


def test_locked_pieces_are_joined_around_what_is_locked():
    # Zone 0 is locked in two corners, zone 1 in the middle of the way between them.
    case = lattice(3, 3, np.ones(9))
    zones = np.array([0, 1, 0, 1, 1, 1, 1, 1, 1])
    locked = np.isin(np.arange(9), [0, 1, 2])
    made = mend_zones(case.graph, np.ones(9), zones, 2, locked & (np.arange(9) != 1))
    assert made.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    with pytest.raises(InfeasibleError, match="locked units of zone") as caught:
        mend_zones(case.graph, np.ones(9), zones, 2, locked | (np.arange(9) == 4) | (np.arange(9) == 7))
    assert caught.value.reason == "locked"


def test_new_units_go_to_the_nearest_zone():
    case = lattice(5, 1, np.ones(5))
    assert fill_gaps(case.graph, np.array([0, -1, -1, -1, 1])).tolist() == [0, 0, 0, 1, 1]
    island = lattice(3, 1, np.ones(2), without=[(0, 1)])
    with pytest.raises(InfeasibleError, match="no way to any zone") as caught:
        fill_gaps(island.graph, np.array([0, -1]))
    assert caught.value.units.tolist() == [1]
