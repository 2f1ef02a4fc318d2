"""The rows in which the cells of an area are read, from north to south, to be numbered."""

import numpy as np
from numpy.typing import NDArray

from gis.arrays import FloatArray, IntArray

_MIN_SQUARES = 3
_TOLERANCE = 1e-3


def reading_rows(points: FloatArray, area_m2: FloatArray, area_index: NDArray[np.intp]) -> IntArray:
    """Return the row in which each cell of any shape is read, ascending to the south.

    A row is as high as the mean cell of the area would be as a square, and the first begins with its
    northernmost cell.

    Parameters
    ----------
    points
        Shape (n, 2), x and y in metres of a location inside each cell.
    area_m2, area_index
        Shape (n,), the size of each cell and its area.
    """
    count = np.bincount(area_index)
    height = np.sqrt(np.bincount(area_index, weights=area_m2) / np.maximum(count, 1))
    north = np.full(len(count), -np.inf)
    np.maximum.at(north, area_index, points[:, 1])
    rows: IntArray = ((north[area_index] - points[:, 1]) // height[area_index]).astype(np.int64)
    return rows


def find_square_grid(bounds: FloatArray, area_m2: FloatArray) -> tuple[float, float] | None:
    """Return the size and the southern line of the grid on which cells lie that are squares of one size.

    Parameters
    ----------
    bounds, area_m2
        Shape (n, 4) and (n,), of cells of which some may be no whole squares; metres.

    Returns
    -------
    tuple of float or None
        The height of a row, and where one begins; None if there are too few such squares, or on no grid.
    """
    width, height = bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]
    is_square = (np.abs(width - height) < _TOLERANCE * height) & (
        np.abs(area_m2 - width * height) < _TOLERANCE * area_m2
    )
    if is_square.sum() < _MIN_SQUARES:
        return None
    size = float(np.median(height[is_square]))
    south = bounds[is_square & (np.abs(height - size) < _TOLERANCE * size), 1]
    if len(south) < _MIN_SQUARES or np.ptp((south - south[0] + size / 2) % size) >= _TOLERANCE * size:
        return None
    return size, float(south[0])
