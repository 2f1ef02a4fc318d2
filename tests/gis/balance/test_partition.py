"""Zones are connected, within caps, balanced and compact, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance import InfeasibleError, LoadTarget, partition, relative_deviations, sum_loads
from gis.errors import ParameterError
from gis.graph import NeighbourGraph
from tests.gis.balance.plans import (
    attempt,
    cases,
    compactness,
    deviation,
    lattice,
    part_count,
    parts_of_zones,
    sums_of_zones,
)


def divide(case, count, tolerance=0.05, **options):
    options.setdefault("effort", "quick")
    tolerances = np.broadcast_to(tolerance, case.loads.shape[1])
    return partition(case.graph, case.loads, count, tolerance=tolerances, **case.shape(), **options)


@given(cases(), st.data())
@settings(max_examples=60)
def test_zones_of_any_graph(case, data):
    least = part_count(case)
    count = data.draw(st.integers(least, len(case)))
    zones = divide(case, count, seed=3)
    assert parts_of_zones(case, zones) == [1] * count
    assert np.array_equal(zones, divide(case, count, seed=3))
    loads, _, _ = sums_of_zones(case, zones)
    np.testing.assert_allclose(sum_loads(case.loads, zones, count), loads)
    assert (relative_deviations(loads)[:, ~loads.any(axis=0)] == 0).all()


@given(cases(), st.data())
@settings(max_examples=40)
def test_caps_and_locks_hold_or_it_is_said_why_not(case, data):
    count = data.draw(st.integers(part_count(case), len(case)))
    cap = case.loads.sum(axis=0) / count * data.draw(st.floats(0.8, 2.0)) + 1e-3
    plan = divide(case, count)
    locked = np.random.default_rng(0).uniform(size=len(case)) < 0.2
    zones, error = attempt(divide, case, count, cap=cap, zones=plan, locked=locked)
    if error is not None:
        if error.reason == "cap":
            assert (case.loads[error.units, error.load] > cap[error.load]).all()
        elif error.reason == "total":
            assert case.loads[:, error.load].sum() > cap[error.load] * count
            assert error.needed > count
        else:
            assert error.reason in ("parts", "not_found")
        return
    assert parts_of_zones(case, zones) == [1] * count
    assert np.array_equal(zones[locked], plan[locked])
    assert (sums_of_zones(case, zones)[0] <= cap * (1 + 1e-9)).all()


def test_uneven_units_come_within_the_tolerance_and_compact():
    case = lattice(30, 30, np.random.default_rng(7).lognormal(0, 1, 900))
    quick, thorough = divide(case, 12, 0.02), divide(case, 12, 0.02, effort="thorough")
    assert deviation(case, quick)[0] <= 0.02
    assert deviation(case, thorough)[0] <= 0.02
    assert compactness(case, quick).mean() > 0.6
    assert compactness(case, thorough).mean() > 0.66


def test_two_loads_at_once():
    case = lattice(30, 30, np.random.default_rng(7).lognormal(0, 1, (900, 2)))
    zones = divide(case, 9, 0.02, effort="thorough")
    assert (deviation(case, zones) <= 0.02).all()
    assert compactness(case, zones).mean() > 0.55


def test_two_loads_that_lie_apart_flow_through_all_zones():
    # Households in the west, enterprises in the east: no border can be shifted for both.
    case = lattice(30, 30, np.random.default_rng(8).lognormal(0, 0.5, (900, 2)))
    east = (np.arange(900) % 30) / 29
    case.loads *= np.stack((1.1 - 0.2 * east, 0.9 + 0.2 * east), axis=1)
    zones = divide(case, 9, 0.03, effort="thorough")
    assert (deviation(case, zones) <= 0.03).all()
    assert parts_of_zones(case, zones) == [1] * 9


def test_a_second_load_that_need_not_be_even_keeps_its_cap():
    case = lattice(24, 24, np.random.default_rng(9).lognormal(0, 1, (576, 2)))
    ideal = case.loads[:, 1].sum() / 9
    for tolerance in (np.inf, 0.5):
        zones = divide(case, 9, [0.02, tolerance], cap=[np.inf, 1.1 * ideal], effort="thorough")
        assert deviation(case, zones)[0] <= 0.02
        assert sums_of_zones(case, zones)[0][:, 1].max() <= 1.1 * ideal * (1 + 1e-9)


def test_several_loads_on_islands_of_which_one_is_too_small_for_groups():
    loads = np.random.default_rng(10).uniform(1, 2, (260, 2))
    case = lattice(20, 14, loads, without=[(12, x) for x in range(20)])
    assert part_count(case) == 2
    zones = divide(case, 13, 0.05)
    assert parts_of_zones(case, zones) == [1] * 13
    assert np.unique(zones[240:]).tolist() == np.setdiff1d(np.arange(13), zones[:240]).tolist()


def test_equal_units_are_counted_out():
    zones = divide(lattice(12, 12, np.ones(144)), 9, 0.0)
    assert np.bincount(zones).tolist() == [16] * 9


def test_zones_are_spread_over_islands_by_load():
    # A gap of one column makes two islands of 40 and 80 units.
    case = lattice(13, 10, np.ones(120), without=[(y, 4) for y in range(10)])
    zones = divide(case, 6, 0.02)
    assert np.bincount(zones).tolist() == [20] * 6
    with pytest.raises(InfeasibleError, match="2 unconnected parts") as caught:
        divide(case, 1)
    assert (caught.value.reason, caught.value.needed) == ("parts", 2)


def test_seeds_grow_and_keep_their_zones():
    case = lattice(20, 20, np.ones(400))
    places = np.array([0, 19, 210, 380, 399])
    zones = np.full(400, -1)
    zones[places] = np.arange(5)
    made = divide(case, 5, 0.05, zones=zones, locked=zones >= 0)
    assert made[places].tolist() == [0, 1, 2, 3, 4]
    assert deviation(case, made)[0] <= 0.05


def test_a_ring_may_be_taken_apart_only_from_its_ends():
    # 24 units around a hole: zones of a ring are arcs.
    case = lattice(7, 7, np.ones(24), without=[(y, x) for y in range(1, 6) for x in range(1, 6)])
    zones = divide(case, 4, 0.0)
    assert parts_of_zones(case, zones) == [1] * 4
    assert np.bincount(zones).tolist() == [6] * 4


def test_the_order_of_borders_does_not_matter():
    case = lattice(12, 12, np.random.default_rng(1).uniform(size=144))
    i, j = case.graph.pairs()
    shuffled = np.random.default_rng(2).permutation(len(i))
    again = NeighbourGraph.from_pairs(144, j[shuffled], i[shuffled], np.full(len(i), 100.0))
    other = partition(again, case.loads, 6, tolerance=[0.05], **case.shape(), effort="quick")
    assert np.array_equal(divide(case, 6), other)


def test_seeds_of_random_numbers_differ():
    case = lattice(12, 12, np.random.default_rng(1).uniform(size=144))
    assert not np.array_equal(divide(case, 6, seed=0), divide(case, 6, seed=1))


def test_lengths_and_areas_that_nobody_knows():
    case = lattice(12, 12, np.ones(144))
    graph = NeighbourGraph.from_pairs(144, *case.graph.pairs())
    nothing = np.zeros(144)
    zones = partition(graph, case.loads, 4, tolerance=[0.0], area_m2=nothing, exterior_m=nothing)
    assert np.bincount(zones).tolist() == [36] * 4
    assert compactness(case, zones).min() > 0.55


def test_the_callback_is_told_and_can_end_the_work():
    class CancelledError(Exception):
        pass

    told = []

    def cancel(done, total):
        told.append((done, total))
        if len(told) == 3:
            raise CancelledError

    case = lattice(12, 12, np.random.default_rng(1).uniform(size=144))
    with pytest.raises(CancelledError):
        divide(case, 6, progress=cancel)
    assert [done for done, _ in told] == [0, 1, 2]
    told.clear()
    divide(case, 6, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_the_callback_hears_of_several_loads_in_many_steps():
    told = []
    case = lattice(20, 20, np.random.default_rng(1).uniform(size=(400, 2)))
    divide(case, 4, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len(set(told)) > 20
    assert told[-1][0] == told[-1][1]
    assert len({total for _, total in told}) == 1


@pytest.mark.parametrize(
    ("loads", "count", "options", "reason", "units"),
    [
        ([1, -1, 1, 1], 2, {}, "value", [1]),
        ([1, 1, np.nan, np.inf], 2, {}, "value", [2, 3]),
        ([1, 5, 9, 1], 2, {"cap": [4.0]}, "cap", [2, 1]),
        ([2, 2, 2, 2], 2, {"cap": [3.0]}, "total", []),
        ([1, 1, 1, 1], 5, {}, "count", []),
        ([1, 1, 1, 1], 2, {"zones": [0, 0, 1, -1], "locked": [False, False, False, True]}, "locked", [3]),
        # Two zones of 3: the weights leave no other cut of a path than 2 + 4.
        ([2, 1, 2, 1], 2, {"cap": [3.0]}, None, None),
        ([2, 2, 1, 1], 2, {"cap": [3.0]}, "not_found", None),
    ],
)
def test_what_cannot_be_is_said_with_the_units(loads, count, options, reason, units):
    case = lattice(4, 1, np.array(loads, dtype=float))
    options = {name: np.array(value) for name, value in options.items()}
    if reason is None:
        assert np.bincount(divide(case, count, **options), weights=loads).tolist() == [3, 3]
        return
    with pytest.raises(InfeasibleError) as caught:
        divide(case, count, **options)
    assert caught.value.reason == reason
    if units is not None:
        assert caught.value.units.tolist() == units


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "number of zones is 0"),
        ({"tolerance": [-0.1]}, "tolerances are shares"),
        ({"cap": [0.0]}, "caps numbers above 0"),
        ({"cap": [1.0, 2.0]}, "1 loads need 1 tolerances and caps"),
        ({"zones": np.array([0, 1, 2, 0])}, "a zone below 2"),
        ({"locked": np.array([True, False, False, False])}, "only in the zones of a plan"),
    ],
)
def test_parameters_that_mean_nothing(options, message):
    case = lattice(4, 1, np.ones(4))
    with pytest.raises(ParameterError, match=message):
        divide(case, **{"count": 2, **options})


def test_targets_that_mean_nothing():
    assert LoadTarget("households") == LoadTarget("households", 0.05, None)
    with pytest.raises(ParameterError, match="tolerance of households"):
        LoadTarget("households", -0.1)
    with pytest.raises(ParameterError, match="tolerance of households"):
        LoadTarget("households", float("nan"))
    with pytest.raises(ParameterError, match="cap of households"):
        LoadTarget("households", cap=0)
