"""Figures of a whole plan against loops."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import InputError, ParameterError
from gis.measures import CellFigures, CellShapes, balance_index, deviations, plan_figures


def squares(count: int) -> CellFigures:
    shapes = CellShapes(shapely.box(np.arange(count) * 0.01, 0, np.arange(count) * 0.01 + 0.01, 0.01))
    return CellFigures(np.full(count, 16.0), np.full(count, 16.0), {}, shapes)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=12), st.sampled_from([0.0, 0.05, 0.5, 3.0]))
def test_deviation_balance_and_tolerance_against_loops(load: list[int], tolerance: float) -> None:
    total, ideal = sum(load), sum(load) / len(load)
    (found,) = plan_figures(squares(len(load)), {"households": np.array(load)}, tolerance).loads
    assert (found.total, found.ideal, found.min, found.max) == (total, ideal, min(load), max(load))
    if not total:
        assert found.balance is found.greatest_deviation is None
        assert found.out_of_tolerance == 0
        return
    off = [abs(value - ideal) / ideal for value in load]
    assert found.greatest_deviation == pytest.approx(max(off))
    assert found.out_of_tolerance == sum(each > tolerance + 1e-9 for each in off)
    surplus = sum(value - ideal for value in load if value > ideal)
    assert found.balance == pytest.approx(100 * (1 - surplus / total))
    assert 0 <= found.balance <= 100
    assert np.abs(deviations(np.array(load, dtype=float))) == pytest.approx(off)


def test_the_ends_of_the_balance_index() -> None:
    assert balance_index(np.full(4, 7.0)) == 100
    assert balance_index(np.array([1.0, 0, 0, 0])) == pytest.approx(25)
    assert balance_index(np.zeros(3)) is None
    assert balance_index(np.array([])) is None


def test_a_plan_of_several_loads() -> None:
    loads = {"households": np.array([90.0, 110, 100]), "enterprises": np.array([0.0, 0, 3])}
    found = plan_figures(squares(3), loads, {"households": 0.1})
    assert found.out_of_tolerance == 3
    assert [each.out_of_tolerance for each in found.loads] == [0, 3]
    assert found.balance == pytest.approx((100 * (1 - 10 / 300) + 100 / 3) / 2)
    assert found.polsby_popper == pytest.approx(np.pi / 4)
    assert found.compactness == pytest.approx(50 * np.sqrt(np.pi))
    assert found.summary()["loads"][0]["load"] == "households"
    assert len(found.lines()) == 3
    assert plan_figures(squares(0), {"households": np.array([])}).summary()["compactness"] is None


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_load_that_is_none(value: float) -> None:
    with pytest.raises(InputError, match="'households' of record 2 is"):
        plan_figures(squares(2), {"households": np.array([1.0, value])})
    with pytest.raises(ParameterError, match="tolerance"):
        plan_figures(squares(2), {"households": np.array([1.0, 2])}, -0.1)
