"""Classes of a measure for a choropleth: where one colour ends and the next begins.

It owns the numbers; colours and legends are the map's.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GROUPS = 1_024
# So many values are classified exactly; of more, neighbours are taken together.

_WHOLE = 1e9
# Among greater numbers a half is lost in rounding.


class Method(StrEnum):
    """How classes are found."""

    quantiles = "quantiles"
    """Each holds about equally many values."""
    natural_breaks = "natural_breaks"
    """Values are near to those of their own class: the sum of squared deviations is least (Jenks)."""
    equal_interval = "equal_interval"
    """Each is equally wide."""


class Histogram(NamedTuple):
    """How often values occur: n + 1 edges of bars, ascending, and n counts."""

    edges: Floats
    counts: NDArray[np.int64]


def upper_bounds(values: ArrayLike, classes: int, method: Method) -> Floats:
    """Return where the classes of values end.

    Parameters
    ----------
    values
        Any numbers, shape (n,); NaN and infinities belong to no class.
    classes
        The most classes wanted, at least 1.
    method
        How they are found.

    Returns
    -------
    ndarray of float64
        The greatest value of each class, inclusive; strictly ascending, the last is the greatest of all.
        Fewer than `classes` where values repeat, none where there are none.

    Notes
    -----
    Natural breaks by dynamic programming over the sorted values (Fisher 1958, "On grouping for maximum
    homogeneity"), exact up to 1,024 distinct values; of more, runs of neighbours count as one.
    """
    numbers = _finite(values)
    if not len(numbers):
        return numbers
    least, greatest = float(numbers.min()), float(numbers.max())
    if method is Method.quantiles:
        bounds = np.quantile(numbers, np.arange(1, classes + 1) / classes)
    elif method is Method.equal_interval:
        bounds = least + (greatest - least) * np.arange(1, classes + 1) / classes
    else:
        bounds = _natural(numbers, classes)
    # The last is the greatest itself and not what rounding makes of it.
    bounds[-1] = greatest
    return np.unique(bounds)


def class_counts(values: ArrayLike, bounds: Floats) -> NDArray[np.int64]:
    """Return how many values each class holds, shape (len(bounds),)."""
    places = np.searchsorted(bounds, _finite(values), side="left")
    return np.bincount(places, minlength=len(bounds)).astype(np.int64)


def histogram(values: ArrayLike, bars: int = 40) -> Histogram:
    """Count values in bars of equal width; whole numbers fall into bars of whole width.

    Returns
    -------
    Histogram
        At most `bars` bars; none where there are no values.
    """
    numbers = _finite(values)
    if not len(numbers):
        return Histogram(np.empty(0), np.empty(0, dtype=np.int64))
    least, greatest = float(numbers.min()), float(numbers.max())
    if least == greatest or ((numbers == np.rint(numbers)).all() and greatest - least < _WHOLE):
        width = max(np.ceil((greatest - least + 1) / bars), 1.0)
        edges = least - 0.5 + width * np.arange(np.ceil((greatest - least + 1) / width) + 1)
    else:
        edges = np.linspace(least, greatest, bars + 1)
    counts, edges = np.histogram(numbers, edges)
    return Histogram(edges, counts.astype(np.int64))


def _finite(values: ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _natural(numbers: Floats, classes: int) -> Floats:
    found, counts = np.unique(numbers, return_counts=True)
    classes = min(classes, len(found))
    starts = np.unique(np.linspace(0, len(found), min(_GROUPS, len(found)), endpoint=False).astype(np.int64))
    tops = found[np.r_[starts[1:], len(found)] - 1]
    # Far from 0 the squares would swallow what they differ by.
    centred = found - np.average(found, weights=counts)
    weight, first, second = (
        np.r_[0.0, np.cumsum(np.add.reduceat(counts * centred**power, starts))] for power in (0, 1, 2)
    )
    total = weight[None, 1:] - weight[:-1, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (second[None, 1:] - second[:-1, None]) - (first[None, 1:] - first[:-1, None]) ** 2 / total
    # spread[i, j]: the squared deviations of a class of the groups i to j.
    spread[np.tril_indices(len(starts), -1)] = np.inf
    best = spread[0]
    begins = []
    for _ in range(classes - 1):
        costs = np.r_[np.inf, best[:-1]][:, None] + spread
        begins.append(costs.argmin(axis=0))
        best = costs.min(axis=0)
    last = len(starts) - 1
    ends = [last]
    for begin in reversed(begins):
        last = int(begin[last]) - 1
        ends.append(last)
    return np.asarray(tops[ends[::-1]], dtype=np.float64)
