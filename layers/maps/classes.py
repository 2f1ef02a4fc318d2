"""Class breaks of a measure, so that a choropleth's classes hold about equally many cells.

It owns the numbers only; the colours of the classes are the page's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 5


def quantile_breaks(values: NDArray[Any], classes: int = CLASSES) -> list[float]:
    """Return the inner breaks between quantile classes.

    Parameters
    ----------
    values
        Any numbers, shape (n,); NaN and infinities are left out.
    classes
        The most classes wanted.

    Returns
    -------
    list of float
        Strictly ascending, at most `classes` - 1; a value equal to a break belongs to the class above it.
        Fewer where values repeat, none where all are alike.
    """
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return []
    inner = np.quantile(numbers, np.arange(1, classes) / classes, method="inverted_cdf")
    return [float(value) for value in np.unique(inner) if value > numbers.min()]
