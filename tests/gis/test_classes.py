"""Classes of a measure: whole, ascending, and natural breaks against every way to cut."""

import importlib
from itertools import combinations
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.classes import ClassificationMethod, class_counts, class_ranges, histogram, upper_bounds

VALUES = st.lists(st.integers(-50, 50), min_size=1, max_size=9)
ANY = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30)


def spread(numbers: np.ndarray, bounds: np.ndarray) -> float:
    """The squared deviations of values from the means of their classes."""
    classes = np.searchsorted(bounds, numbers)
    return sum(
        float(((own - own.mean()) ** 2).sum()) for k in set(classes) if len(own := numbers[classes == k])
    )


@given(VALUES, st.integers(1, 5))
def test_natural_breaks_are_the_best_of_all_ways_to_cut(values: list[int], classes: int) -> None:
    numbers = np.array(values, dtype=float)
    bounds = upper_bounds(numbers, classes, ClassificationMethod.natural_breaks)
    found = np.unique(numbers)
    ways = combinations(found[:-1], min(classes, len(found)) - 1)
    best = min(spread(numbers, np.array([*cut, found[-1]])) for cut in ways)
    assert spread(numbers, bounds) == pytest.approx(best, abs=1e-6)
    assert len(bounds) == min(classes, len(found))


@pytest.fixture(scope="module")
def mapclassify() -> ModuleType:
    """The library whose classes they are; not imported by processes that only collect the tests."""
    return importlib.import_module("mapclassify")


def test_many_values_are_cut_nearly_as_well_as_if_all_were_looked_at(mapclassify: ModuleType) -> None:
    numbers = np.random.default_rng(5).lognormal(3, 1, 5_000)
    ours = spread(numbers, upper_bounds(numbers, 5, ClassificationMethod.natural_breaks))
    peer = mapclassify.NaturalBreaks(numbers, k=5, initial=3).bins
    assert ours <= spread(numbers, peer) * 1.15
    assert (
        upper_bounds(numbers[::-1], 5, ClassificationMethod.natural_breaks)
        == upper_bounds(numbers, 5, "natural_breaks")
    ).all()


@pytest.mark.parametrize(
    ("method", "peer"),
    [
        (ClassificationMethod.quantiles, "Quantiles"),
        (ClassificationMethod.equal_interval, "EqualInterval"),
    ],
)
@pytest.mark.parametrize("classes", [2, 5, 9])
def test_classes_are_those_of_mapclassify(
    mapclassify: ModuleType, method: ClassificationMethod, peer: str, classes: int
) -> None:
    numbers = np.random.default_rng(classes).normal(100, 30, 500)
    theirs = getattr(mapclassify, peer)(numbers, k=classes)
    bounds = upper_bounds(numbers, classes, method)
    np.testing.assert_allclose(bounds, theirs.bins)
    assert class_counts(numbers, bounds).tolist() == theirs.counts.tolist()


def test_values_that_hardly_differ_fall_into_their_own_classes() -> None:
    # Squares of 100 m, in which sums of single precision tell nothing apart.
    numbers = np.repeat([9_999.2, 9_999.3, 9_999.9, 10_000.0], 20)
    assert upper_bounds(numbers, 2, ClassificationMethod.natural_breaks).tolist() == [9_999.3, 10_000.0]


@given(VALUES, st.integers(1, 9))
def test_no_quantile_class_is_empty(values: list[int], classes: int) -> None:
    bounds = upper_bounds(values, classes, ClassificationMethod.quantiles)
    assert (class_counts(values, bounds) > 0).all()


@given(ANY, st.integers(1, 9), st.sampled_from(ClassificationMethod))
def test_every_number_is_in_one_class_and_in_one_bar(
    values: list[float], classes: int, method: ClassificationMethod
) -> None:
    known = [value for value in values if np.isfinite(value)]
    bounds = upper_bounds(values, classes, method)
    assert len(bounds) <= classes
    assert (np.diff(bounds) > 0).all()
    assert class_counts(values, bounds).sum() == len(known)
    bars = histogram(values)
    assert bars.counts.sum() == len(known)
    if known:
        assert bounds[-1] == max(known)
        assert len(bars.edges) == len(bars.counts) + 1
        assert len(bars.counts) <= 41


@given(VALUES, st.integers(1, 9), st.sampled_from(ClassificationMethod))
def test_whole_numbers_are_in_one_range_each(
    values: list[int], classes: int, method: ClassificationMethod
) -> None:
    bounds = upper_bounds(values, classes, method)
    ranges = class_ranges(values, bounds)
    assert ranges[0, 0] == min(values)
    given = np.array(values)
    assert [int(((low <= given) & (given <= high)).sum()) for low, high in ranges] == class_counts(
        values, bounds
    ).tolist()
    assert all(sum(low <= value <= high for low, high in ranges) == 1 for value in values)


def test_ranges_of_other_numbers_touch() -> None:
    values = [0.5, 1.0, 1.5, 2.25, 3.0]
    bounds = upper_bounds(values, 2, ClassificationMethod.equal_interval)
    assert class_ranges(values, bounds).tolist() == [[0.5, 1.75], [1.75, 3.0]]
    assert class_ranges([], upper_bounds([], 2, ClassificationMethod.quantiles)).shape == (0, 2)


def test_whole_numbers_have_bars_of_whole_width() -> None:
    bars = histogram([0, 0, 1, 3])
    assert bars.edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert bars.counts.tolist() == [2, 1, 0, 1]
    wide = histogram(np.arange(1000))
    assert set(np.diff(wide.edges)) == {25.0}
    assert set(wide.counts) == {25}
