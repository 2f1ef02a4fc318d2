"""Balanced cells of random units, against networkx, and what the options promise."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance import LoadTarget
from gis.divide import divide_balanced
from tests.gis.divide.random_units import (
    PLACES,
    assert_made_of_units,
    border_graph,
    random_units,
)

HOUSEHOLDS = LoadTarget("households")


@st.composite
def unit_sets(draw):
    return random_units(
        draw(st.integers(0, 2**32)),
        draw(st.sampled_from(sorted(PLACES))),
        squares=draw(st.booleans()),
        count=draw(st.integers(1, 45)),
        groups=draw(st.integers(1, 3)),
        weights=draw(st.sampled_from(["equal", "zero", "random"])),
    )


def naive_parts(units, graph, *, nested):
    """The sets of units that a cell can be made of."""
    area = units.set_index("code")["area_code"]
    kept = nx.Graph((a, b) for a, b in graph.edges if not nested or area[a] == area[b])
    kept.add_nodes_from(graph)
    return kept, list(nx.connected_components(kept))


@settings(max_examples=15)
@given(unit_sets(), st.data())
def test_random_units(units, data):
    graph = border_graph(units)
    nested = data.draw(st.booleans())
    allowed, parts = naive_parts(units, graph, nested=nested)
    zones = data.draw(st.integers(len(parts), len(units)))
    weights = [HOUSEHOLDS, LoadTarget("area", 0.1), LoadTarget("jobs", 0.3)][: data.draw(st.integers(1, 3))]
    options = {
        "weights": weights,
        "zones": zones,
        "within": "area_code" if nested else None,
        "effort": "quick",
    }
    made = divide_balanced(units, **options)
    assert len(made.cells) == zones
    assert_made_of_units(units, made.cells, made.cell_of_unit)
    cells = made.cells.set_index("code")
    rows = units.set_index("code")
    for code, members in made.cell_of_unit.groupby(made.cell_of_unit).groups.items():
        assert nx.is_connected(allowed.subgraph(members))
        assert cells.loc[code, "households"] == rows.loc[members, "households"].sum()
        if nested:
            assert set(rows.loc[members, "area_code"]) == {cells.loc[code, "area_code"]}
    again = divide_balanced(units.sample(frac=1, random_state=1), **options)
    assert again.cells.to_wkb().equals(made.cells.to_wkb())
    assert again.cell_of_unit.equals(made.cell_of_unit)
    # What the report says is what a reader of the cells computes.
    loads = cells["households"].to_numpy()
    worst = np.abs(loads / loads.mean() - 1).max()
    assert made.report.figures.loads[0].greatest_deviation == pytest.approx(worst)
    is_reported = any("households" in finding for finding in made.report.findings)
    assert is_reported == (worst > 0.05 + 1e-12)
