"""A plan in force is brought into balance with few moves, within budget, caps and locks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance import InfeasibleError, partition, rebalance
from gis.errors import ParameterError
from tests.gis.balance.plans import (
    cases,
    compactness,
    deviation,
    lattice,
    part_count,
    parts_of_zones,
    sums_of_zones,
)


def bring(case, zones, tolerance=0.05, **options):
    tolerances = np.broadcast_to(tolerance, case.loads.shape[1])
    return rebalance(case.graph, case.loads, zones, tolerance=tolerances, **case.shape(), **options)


def drifted():
    """A balanced plan of a town in which one corner has grown."""
    rng = np.random.default_rng(5)
    case = lattice(24, 24, rng.lognormal(0, 0.5, 576))
    zones = partition(case.graph, case.loads, 9, tolerance=[0.03], **case.shape(), effort="quick")
    y, x = np.divmod(np.arange(576), 24)
    case.loads *= np.where(np.hypot(x, y) < 10, 1.8, 1.0)[:, None]
    return case, zones


@given(cases(), st.data())
@settings(max_examples=25)
def test_any_plan(case, data):
    count = data.draw(st.integers(part_count(case), len(case)))
    plan = partition(case.graph, np.ones(len(case)), count, tolerance=[0.5], **case.shape(), effort="quick")
    budget = data.draw(st.sampled_from([0.0, 0.1, 0.4, 1.0]))
    locked = np.random.default_rng(1).uniform(size=len(case)) < 0.2
    found = bring(case, plan, 0.1, budget=budget, locked=locked)
    again = bring(case, plan, 0.1, budget=budget, locked=locked)
    assert np.array_equal(found.zones, again.zones)
    total = max(case.loads[:, 0].sum(), 1e-300)
    assert found.moved <= budget + 1e-9
    assert found.moved == pytest.approx(case.loads[found.zones != plan, 0].sum() / total)
    before = None
    for point in found.pareto:
        assert parts_of_zones(case, point.zones) == [1] * count
        assert np.array_equal(point.zones[locked], plan[locked])
        assert point.moved == pytest.approx(case.loads[point.zones != plan, 0].sum() / total)
        assert point.compactness == pytest.approx(compactness(case, point.zones).mean())
        loads = sums_of_zones(case, point.zones)[0]
        carried = loads.any(axis=0)
        off = np.abs(loads[:, carried] / loads[:, carried].mean(axis=0) - 1).max(initial=0.0)
        assert point.deviation == pytest.approx(off, abs=1e-9)
        assert point.misses == pytest.approx(off / 0.1, abs=1e-6)
        if before is not None:
            assert point.moved > before.moved or np.array_equal(before.zones, plan)
            assert point.misses < before.misses
        before = point
    assert np.array_equal(found.pareto[0].zones, plan)


def test_a_drifted_plan_comes_into_balance_with_few_moves():
    case, zones = drifted()
    assert deviation(case, zones)[0] > 0.3
    found = bring(case, zones, 0.03, budget=0.5)
    assert deviation(case, found.zones)[0] <= 0.03
    # What is too much must leave: no plan moves less than this.
    loads = sums_of_zones(case, zones)[0][:, 0]
    excess = np.maximum(loads - loads.mean() * 1.03, 0).sum() / loads.sum()
    assert excess < found.moved < 4 * excess
    fresh = partition(case.graph, case.loads, 9, tolerance=[0.03], **case.shape(), effort="quick")
    joint = np.zeros((9, 9))
    np.add.at(joint, (zones, fresh), case.loads[:, 0])
    assert found.moved < 1 - joint.max(axis=0).sum() / joint.sum()
    assert compactness(case, found.zones).mean() > 0.55


def test_a_small_budget_goes_to_the_largest_deviations():
    case, zones = drifted()
    full = bring(case, zones, 0.03, budget=1.0)
    part = bring(case, zones, 0.03, budget=full.moved / 3)
    assert 0 < part.moved <= full.moved / 3
    assert deviation(case, part.zones)[0] < 0.7 * deviation(case, zones)[0]
    none = bring(case, zones, 0.03, budget=0.0)
    assert none.moved == 0.0
    assert np.array_equal(none.zones, zones)


def test_a_plan_in_balance_stays():
    case = lattice(12, 12, np.ones(144))
    zones = (np.arange(144) // 12) // 3
    found = bring(case, zones, 0.05, budget=1.0)
    assert np.array_equal(found.zones, zones)
    assert len(found.pareto) == 1


def test_new_units_find_a_zone_without_being_moves():
    case = lattice(12, 4, np.ones(48))
    zones = np.arange(48) % 12 // 4
    zones[[0, 13]] = -1
    found = bring(case, zones, 0.0, budget=0.0)
    assert found.moved == 0.0
    assert np.bincount(found.zones).tolist() == [16, 16, 16]


def test_islands_that_belong_to_a_zone_stay_with_it():
    case = lattice(8, 4, np.ones(28), without=[(y, 6) for y in range(4)])
    zones = np.where(np.arange(28) % 7 < 3, 0, 1)
    assert parts_of_zones(case, zones) == [1, 2]
    found = bring(case, zones, 0.0, budget=1.0)
    assert np.bincount(found.zones).tolist() == [14, 14]
    assert parts_of_zones(case, found.zones) == [1, 2]


def test_caps_come_first_and_a_budget_that_does_not_reach_them_is_told():
    case, zones = drifted()
    ideal = case.loads.sum() / 9
    found = bring(case, zones, np.inf, cap=[1.15 * ideal], budget=0.5)
    assert sums_of_zones(case, found.zones)[0].max() <= 1.15 * ideal * (1 + 1e-9)
    with pytest.raises(InfeasibleError, match=r"moving 1.0% of the load .* would") as caught:
        bring(case, zones, np.inf, cap=[1.15 * ideal], budget=0.01)
    assert caught.value.reason == "not_found"


@pytest.mark.parametrize(
    ("zones", "options", "message"),
    [
        ([0, 0, 2, 2], {}, "zone 1 of the plan in force has no unit"),
        ([0, 0, 1], {}, "each of 4 units a zone"),
        ([0, 0, 1, 1], {"budget": -0.1}, "budget is -0.1"),
    ],
)
def test_parameters_that_mean_nothing(zones, options, message):
    with pytest.raises(ParameterError, match=message):
        bring(lattice(4, 1, np.ones(4)), np.array(zones), **options)
