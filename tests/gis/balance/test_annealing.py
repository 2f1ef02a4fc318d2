"""Moves of units: the sums kept up to date, connected zones, caps, budget and locks, against naive counts."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance.annealing import SEARCH_LIMIT, Rules, anneal, stays_connected
from gis.balance.exchanging import compactness_gain, exchange, list_borders
from gis.balance.mending import mend_zones
from gis.balance.start import make_first_plan
from gis.balance.waiting import anneal_waiting, build_waits
from gis.balance.zone_sums import build_scratch, build_units, build_zones, polsby_popper
from tests.gis.balance.plans import cases, compactness, lattice, part_count, parts_of_zones, sums_of_zones


@given(cases(), st.data())
@settings(max_examples=60)
def test_sums_limits_and_connection_hold_after_wild_moves(case, data):
    count = data.draw(st.integers(part_count(case), len(case)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    load_count = case.loads.shape[1]
    free = np.full(load_count, np.inf)
    locked = rng.uniform(size=len(case)) < 0.2
    plan = make_first_plan(case.graph, case.loads, count, free, 0)
    plan = mend_zones(case.graph, case.loads[:, 0], plan, count, np.zeros(len(case), dtype=bool))
    units = build_units(case.graph, case.loads, count, **case.shape(), locked=locked, home=plan)
    zones = build_zones(units, plan, count)
    cap = zones.load.max(axis=0) * (1 + rng.uniform(0, 0.3, load_count))
    five, lower, upper = (np.full(load_count, value) for value in (5.0, 0.9, 1.1))
    aim = rng.uniform(-0.1, 0.1, (count, load_count))
    rules = Rules(1.0, five, lower, upper, cap, change=0.1, budget=0.4 * count, aim=aim)
    scratch = build_scratch(len(case), 1)
    if data.draw(st.booleans()):
        moved = anneal(units, zones, rules, scratch, 15, 50.0, 0.1)
    else:
        waits = build_waits(len(case))
        moved = sum(anneal_waiting(units, zones, rules, scratch, waits, 5, heat) for heat in (50.0, 1.0, 0.1))
    if data.draw(st.booleans()):
        moved += exchange(units, zones, rules, scratch, *list_borders(units, zones), 50.0)

    found = zones.of_unit.astype(np.int64)
    assert moved > 0 or np.array_equal(found, plan)
    assert np.array_equal(found[locked], plan[locked])
    assert parts_of_zones(case, found) == [1] * count
    loads, area, perimeter = sums_of_zones(case, found)
    ideal = loads.sum(axis=0) / count
    np.testing.assert_allclose(zones.load * ideal, loads, atol=1e-9)
    np.testing.assert_allclose(zones.area, area)
    np.testing.assert_allclose(zones.perimeter, perimeter, atol=1e-9)
    np.testing.assert_allclose(polsby_popper(zones), compactness(case, found))
    assert zones.size.tolist() == np.bincount(found).tolist()
    assert (loads <= cap * ideal + 1e-9).all()
    away = case.loads[found != plan, 0].sum()
    assert zones.away[0] * ideal[0] == pytest.approx(away, abs=1e-9)
    assert away <= 0.4 * count * ideal[0] + 1e-9
    foreign = [int((found[case.graph.neighbours_of(unit)] != found[unit]).sum()) for unit in range(len(case))]
    assert zones.foreign.tolist() == foreign


@given(cases(), st.data())
@settings(max_examples=60)
def test_a_unit_is_a_bridge_where_networkx_says_so(case, data):
    zones = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(case), max_size=len(case))))
    units = build_units(case.graph, case.loads, 2, **case.shape(), locked=None)
    scratch = build_scratch(len(case), 0)
    graph = nx.Graph(list(zip(*(side.tolist() for side in case.graph.pairs()), strict=True)))
    graph.add_nodes_from(range(len(case)))
    assert len(case) < SEARCH_LIMIT
    for unit in range(len(case)):
        own = set(np.flatnonzero(zones == zones[unit]).tolist())
        piece = nx.node_connected_component(graph.subgraph(own), unit) - {unit}
        connected = not piece or nx.is_connected(graph.subgraph(piece))
        assert stays_connected(units, zones.astype(np.int32), scratch, unit, SEARCH_LIMIT) == connected


def test_exchanges_are_priced_as_what_they_change():
    rng = np.random.default_rng(3)
    case = lattice(6, 5, rng.lognormal(0, 1, 30))
    case.area_m2, case.exterior_m = rng.uniform(1, 20, 30), case.exterior_m + rng.uniform(0, 30, 30)
    plan = np.arange(30) % 6 // 2
    units = build_units(case.graph, case.loads, 3, **case.shape(), locked=None)
    zones = build_zones(units, plan, 3)
    first, on_border = list_borders(units, zones)
    assert [set(on_border[a:b]) for a, b in itertools.pairwise(first)] == [
        {unit for unit in range(30) if unit % 6 in (1, 2)},
        {unit for unit in range(30) if unit % 6 in (3, 4)},
    ]
    for unit in (1, 7, 13):
        for back in (2, 8, 26):
            after = plan.copy()
            after[[unit, back]] = plan[[back, unit]]
            energy = [4 * np.pi * (1 / compactness(case, each)).sum() for each in (plan, after)]
            gain = compactness_gain(units, zones, unit, back, 0, 1)
            assert gain == pytest.approx(energy[1] - energy[0])


def test_moving_a_unit_without_load_has_a_price():
    case = lattice(4, 1, np.array([0.0, 1.0, 1.0, 2.0]))
    units = build_units(case.graph, case.loads, 2, **case.shape(), locked=None)
    assert units.moving.tolist() == [0.25 * 0.5, 0.5, 0.5, 1.0]


def energy(case, zones, rules):
    """What is wrong with a plan, from its units alone."""
    loads, area, perimeter = sums_of_zones(case, zones)
    off = loads / loads.mean(axis=0) - 1 - rules.aim
    return rules.compactness * (perimeter**2 / area).sum() + (rules.balance * off**2).sum()


def test_a_cold_plan_keeps_no_move_that_would_better_it():
    # Units that have waited long must still be asked before the plan is left.
    rng = np.random.default_rng(4)
    case = lattice(9, 8, rng.lognormal(0, 1, (72, 2)))
    plan = np.arange(72) % 9 // 3
    units = build_units(case.graph, case.loads, 3, **case.shape(), locked=None)
    zones = build_zones(units, plan, 3)
    one, free = np.ones(2), np.full(2, np.inf)
    rules = Rules(0.1, 40 * one, one, one, free, 0.0, np.inf, rng.uniform(-0.2, 0.2, (3, 2)))
    before = energy(case, plan, rules)
    assert anneal_waiting(units, zones, rules, build_scratch(72, 1), build_waits(72), 400, 1e-6) > 0

    found = zones.of_unit.astype(np.int64)
    least = energy(case, found, rules)
    assert least < before
    for unit, beside in zip(case.graph.rows().tolist(), case.graph.neighbours.tolist(), strict=True):
        moved = found.copy()
        moved[unit] = found[beside]
        if parts_of_zones(case, moved) == [1, 1, 1]:
            assert energy(case, moved, rules) > least - 1e-9
