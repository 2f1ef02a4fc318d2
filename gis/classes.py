"""Classes of a measure for a choropleth: where one colour ends and the next begins."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gis.arrays import FloatArray, IntArray

_MAX_SAMPLE_SIZE = 300
# Fisher-Jenks takes time and memory with the square of the number of values.

_MAX_EXACT_INTEGER = 1e9
# Among greater numbers a half is lost in rounding.


class ClassificationMethod(StrEnum):
    """How classes are found."""

    quantiles = "quantiles"
    """Each holds about equally many values."""
    natural_breaks = "natural_breaks"
    """Values are near to those of their own class: the sum of squared deviations is least (Jenks)."""
    equal_interval = "equal_interval"
    """Each is equally wide."""


class Histogram(NamedTuple):
    """How often values occur: the n + 1 edges of n bars, ascending, and the count of each bar."""

    edges: FloatArray
    counts: IntArray


def upper_bounds(
    values: ArrayLike, classes: int, method: ClassificationMethod, *, whole: bool = True
) -> FloatArray:
    """Return where the classes of values end.

    Parameters
    ----------
    values
        Any numbers, shape (n,); NaN and infinities belong to no class.
    classes
        The most classes wanted, at least 1.
    method
        How they are found.
    whole
        Whether classes of whole numbers end at whole numbers.

    Returns
    -------
    ndarray of float64
        The greatest value of each class, inclusive; strictly ascending, the last is the greatest of all.
        Fewer than `classes` where values repeat, none where there are none.

    Notes
    -----
    The classes of mapclassify (Quantiles, EqualInterval, FisherJenks), whose import alone takes four seconds.
    Natural breaks of many values are those of 300 of them, evenly spaced in their order: the same values
    always give the same classes.
    """
    numbers = _finite_values(values)
    if not len(numbers):
        return numbers
    distinct = np.unique(numbers)
    if len(distinct) <= 1 or classes == 1:
        return distinct[-1:]
    bounds = _classify(np.sort(numbers), min(classes, len(distinct)), method)
    # The last is the greatest itself and not what rounding makes of it.
    bounds[-1] = distinct[-1]
    # Whole numbers up to 4.6 are those up to 4.
    bounds = np.unique(np.floor(bounds) if whole and _are_integers(distinct) else bounds)
    # Between values that repeat a quantile can fall where no value is.
    return bounds[class_counts(numbers, bounds) > 0] if method is ClassificationMethod.quantiles else bounds


def _classify(numbers: FloatArray, classes: int, method: ClassificationMethod) -> FloatArray:
    if method is ClassificationMethod.quantiles:
        return np.quantile(numbers, np.arange(1, classes + 1) / classes)
    if method is ClassificationMethod.equal_interval:
        return np.linspace(numbers[0], numbers[-1], classes + 1)[1:]
    if len(numbers) > _MAX_SAMPLE_SIZE:
        picked = np.linspace(0, len(numbers) - 1, _MAX_SAMPLE_SIZE).round().astype(np.int64)
        numbers = numbers[picked]
    distinct, counts = np.unique(numbers, return_counts=True)
    return distinct[_natural_breaks(distinct, counts, min(classes, len(distinct)))]


def _natural_breaks(distinct: FloatArray, counts: IntArray, classes: int) -> IntArray:
    """Return which values end the classes with the least sum of squared deviations from their means.

    Fisher's dynamic programming: W. D. Fisher, On grouping for maximum homogeneity, JASA 53 (1958).

    Parameters
    ----------
    distinct
        At least two, ascending, shape (n,).
    counts
        How often each occurs, shape (n,).
    classes
        At most n.
    """
    # Between 0 and 1, so that great numbers which hardly differ are told apart.
    scaled = (distinct - distinct[0]) / (distinct[-1] - distinct[0])
    size, total, squares = (
        np.concatenate([[0.0], np.cumsum(counts * power)])
        for power in (np.ones_like(scaled), scaled, scaled**2)
    )
    # deviation[i, j]: of a class of the values from i to before j, which is never empty.
    members, sums = size - size[:, None], total - total[:, None]
    deviation = np.full(members.shape, np.inf)
    some = members > 0
    deviation[some] = (squares - squares[:, None])[some] - sums[some] ** 2 / members[some]
    # best[j]: of the values before j, in as many classes as have been looked at.
    best, begins = deviation[0], []
    for _ in range(classes - 1):
        ways = best[:, None] + deviation
        begins.append(ways.argmin(axis=0))
        best = ways.min(axis=0)
    ends = [len(distinct)]
    for begin in reversed(begins):
        ends.append(int(begin[ends[-1]]))
    return np.array(ends[::-1], dtype=np.int64) - 1


def class_counts(values: ArrayLike, bounds: FloatArray) -> IntArray:
    """Return how many values each class holds, shape (len(bounds),)."""
    class_index = np.searchsorted(bounds, _finite_values(values), side="left")
    return np.bincount(class_index, minlength=len(bounds)).astype(np.int64)


def class_ranges(values: ArrayLike, bounds: FloatArray, *, whole: bool = True) -> FloatArray:
    """Return from where to where a legend says that each class reaches, shape (len(bounds), 2).

    The first begins at the least value. The others begin where the one before ends, and one above it between
    whole numbers: 0 to 21, 22 to 62.

    Parameters
    ----------
    values
        Those that were divided into the classes.
    bounds, whole
        Their `upper_bounds`, and as for these.
    """
    numbers = _finite_values(values)
    step = 1.0 if whole and _are_integers(numbers) else 0.0
    return np.column_stack([np.concatenate([np.sort(numbers)[:1], bounds[:-1] + step]), bounds])


def histogram(values: ArrayLike, bars: int = 40, *, whole: bool = True) -> Histogram:
    """Count values in bars of equal width, whole numbers in bars of whole width unless `whole` is false.

    Returns
    -------
    Histogram
        At most `bars` bars; none where there are no values.
    """
    numbers = _finite_values(values)
    if not len(numbers):
        return Histogram(np.empty(0), np.empty(0, dtype=np.int64))
    least, greatest = float(numbers.min()), float(numbers.max())
    if least == greatest or (whole and _are_integers(numbers)):
        width = max(np.ceil((greatest - least + 1) / bars), 1.0)
        edges = least - 0.5 + width * np.arange(np.ceil((greatest - least + 1) / width) + 1)
    else:
        edges = np.linspace(least, greatest, bars + 1)
    counts, edges = np.histogram(numbers, edges)
    return Histogram(edges, counts.astype(np.int64))


def _are_integers(numbers: FloatArray) -> bool:
    return bool((numbers == np.rint(numbers)).all() and np.abs(numbers).max(initial=0) < _MAX_EXACT_INTEGER)


def _finite_values(values: ArrayLike) -> FloatArray:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]
