"""Squares of a grid: which ones a border crosses, and which lie wholly inside a polygon.

Only the first kind needs exact cutting, and there are few: squares grow with the area, those at borders with
the length.
"""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray


class Edges(NamedTuple):
    """The edges of polygons.

    Attributes
    ----------
    start, end
        Shape (n, 2), x and y.
    polygon_index
        Shape (n,), position of the polygon.
    """

    start: FloatArray
    end: FloatArray
    polygon_index: NDArray[np.intp]


class GridSquares(NamedTuple):
    """Squares given by column and row: floor(x / size), floor(y / size).

    Attributes
    ----------
    border
        Shape (m, 2), squares that an edge touches or comes near; unique.
    inner
        Shape (n, 2), squares wholly inside a polygon, away from its border.
    polygon_index
        Shape (n,), position of the polygon around each inner square.
    """

    border: IntArray
    inner: IntArray
    polygon_index: NDArray[np.intp]


def polygon_edges(polygons: Geometries) -> Edges:
    """Return the edges of polygons or multipolygons, holes included."""
    parts, polygon = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return Edges(xy[:-1][same], xy[1:][same], np.asarray(polygon[part[ring[:-1][same]]], dtype=np.intp))


def classify_squares(edges: Edges, size_m: float, tolerance_m: float) -> GridSquares:
    """Sort the squares that polygons cover into those at a border and those inside.

    Parameters
    ----------
    edges
        In metres.
    size_m
        Side of a square.
    tolerance_m
        A vertex or a crossing nearer than this to a side makes the squares on both sides border squares.

    Returns
    -------
    GridSquares
        Squares outside all polygons are in neither list.
    """
    edge, k, y = _crossings(edges.start, edges.end, size_m, 0.0)
    on_vertical = np.column_stack([k * size_m, y])
    edge, k, x = _crossings(edges.start[:, ::-1], edges.end[:, ::-1], size_m, 0.0)
    on_horizontal = np.column_stack([x, k * size_m])
    # An edge has an end in each square that it visits, or crosses one of its sides.
    touched = np.concatenate([edges.start, on_vertical, on_horizontal])
    west, south = np.floor((touched - tolerance_m) / size_m).astype(np.int64).T
    east, north = np.floor((touched + tolerance_m) / size_m).astype(np.int64).T
    corners = [np.column_stack(pair) for pair in ((west, south), (east, south), (west, north), (east, north))]
    border = unique_rows(np.concatenate(corners))

    # A square without a border lies inside if its centre does: even-odd rule along the row's middle line.
    edge, row, x = _crossings(edges.start[:, ::-1], edges.end[:, ::-1], size_m, 0.5)
    polygon_index = edges.polygon_index[edge]
    order = np.lexsort((x, row, polygon_index))
    polygon_index, row, x = polygon_index[order][::2], row[order][::2], x[order]
    first = np.ceil(x[::2] / size_m - 0.5).astype(np.int64)
    count = np.maximum(np.floor(x[1::2] / size_m - 0.5).astype(np.int64) - first + 1, 0)
    column = np.repeat(first, count) + _concatenated_ranges(count)
    squares = np.column_stack([column, np.repeat(row, count)])
    inner = ~isin_rows(squares, border)
    return GridSquares(border, squares[inner], np.repeat(polygon_index, count)[inner])


def isin_rows(rows: IntArray, others: IntArray) -> BoolArray:
    """Return which rows (pairs of integers) occur among others."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), dtype=bool)
    keys = _pair_keys(np.concatenate([rows, others]))
    return np.asarray(np.isin(keys[: len(rows)], keys[len(rows) :]))


def unique_rows(rows: IntArray) -> IntArray:
    """Sort rows (pairs of integers) and drop repetitions."""
    _, first = np.unique(_pair_keys(rows), return_index=True)
    return np.asarray(rows[first])


def _pair_keys(rows: IntArray) -> IntArray:
    """Return one integer for each pair of integers, in the order of the pairs."""
    if not len(rows):
        return np.empty(0, dtype=np.int64)
    low, high = rows.min(axis=0), rows.max(axis=0)
    return np.asarray((rows[:, 0] - low[0]) * (high[1] - low[1] + 1) + (rows[:, 1] - low[1]))


def _concatenated_ranges(count: IntArray) -> IntArray:
    """Return 0, 1, ... for each count, concatenated."""
    return np.asarray(np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count))


def _crossings(
    start: FloatArray, end: FloatArray, size: float, offset: float
) -> tuple[NDArray[np.intp], IntArray, FloatArray]:
    """Intersect edges with the lines x = (k + offset) size: the edge, k and y of each crossing."""
    # Half-open steps (an end on the line counts on one side only): each ring crosses an even number of times.
    k0 = np.ceil(start[:, 0] / size - offset).astype(np.int64)
    k1 = np.ceil(end[:, 0] / size - offset).astype(np.int64)
    count = np.abs(k1 - k0)
    edge = np.repeat(np.arange(len(start)), count)
    k = np.minimum(k0, k1)[edge] + _concatenated_ranges(count)
    run = end[edge] - start[edge]
    share = np.clip(((k + offset) * size - start[edge, 0]) / np.where(run[:, 0] == 0, 1, run[:, 0]), 0, 1)
    return edge, k, start[edge, 1] + share * run[:, 1]
