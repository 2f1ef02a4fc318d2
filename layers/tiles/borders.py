"""The borders of polygons in a tile, each once: the edges of their rings, joined into long lines."""

import numpy as np
import shapely

from gis.arrays import IntArray
from layers.tiles.rings import Rings, offsets_from_sizes
from layers.tiles.tile import BUFFER, EXTENT

STRAIGHT_TOLERANCE = 1.25
"""Units by which a line that goes straight on may miss the vertex where it meets others: each is rounded."""

# Bits of a coordinate, and of a place, in a tile and its buffer.
_BITS = (EXTENT + 2 * BUFFER).bit_length()
_VERTEX_BITS = 2 * _BITS

# Directions are sorted around half a circle, which begins and ends where few borders lie.
_ANGLE_OFFSET = 1.0
_HALF_CIRCLE = 1 << 30


def border_lines(
    rings: Rings, bbox: tuple[int, int, int, int], tolerance: float
) -> tuple[IntArray, IntArray]:
    """Return the borders of the polygons in a tile as lines, which continue straight where others meet them.

    Parameters
    ----------
    rings
        The clipped rings of the tile.
    bbox
        Min x, y, max x, y of the tile with its buffer. Edges along its sides come from clipping and are no
        borders.
    tolerance
        Units by which simplification may move a line; 0 removes no vertex.

    Returns
    -------
    xy, starts
        The vertices of all lines, shape (v, 2), and where each line begins, shape (l + 1,).
    """
    low, high = _edges(rings, bbox)
    if not len(low):
        return np.empty((0, 2), dtype=np.int64), np.zeros(1, dtype=np.int64)
    half_edges, starts = _merge_lines(_predecessors(low, high))
    begin, end = np.concatenate((low, high))[half_edges], np.concatenate((high, low))[half_edges]
    xy = np.column_stack(_coordinates(np.insert(begin, starts[1:], end[starts[1:] - 1])))
    starts = starts + np.arange(len(starts))
    if tolerance > 0:
        xy, starts = _simplify(xy, starts, tolerance)
    return xy + bbox[:2], starts


def _edges(rings: Rings, bbox: tuple[int, int, int, int]) -> tuple[IntArray, IntArray]:
    """Return the lower and the higher vertex of each edge that is a border, each as one number."""
    x, y = rings.xy[:, 0] - bbox[0], rings.xy[:, 1] - bbox[1]
    after = np.arange(1, len(x) + 1)
    after[rings.starts[1:] - 1] = rings.starts[:-1]
    vertex = x << _BITS | y
    onward = vertex[after]
    edges = np.minimum(vertex, onward) << _VERTEX_BITS | np.maximum(vertex, onward)
    for along, most in ((x, bbox[2] - bbox[0]), (y, bbox[3] - bbox[1])):
        for side in (0, most):
            there = along == side
            # Edges that are no border sort first.
            edges[there & there[after]] = 0
    # Sorting and comparing is many times faster than numpy.unique.
    edges.sort()
    edges = edges[np.diff(edges, prepend=0) > 0]
    return edges >> _VERTEX_BITS, edges & ((1 << _VERTEX_BITS) - 1)


def _coordinates(vertices: IntArray) -> tuple[IntArray, IntArray]:
    return vertices >> _BITS, vertices & ((1 << _BITS) - 1)


def _predecessors(low: IntArray, high: IntArray) -> IntArray:
    """Return for each direction along an edge its predecessor on the line, or itself where a line begins.

    The first n directions go from the lower to the higher vertex of each edge, the others back, shape (2 n,).
    Where two edges meet, a line continues at any angle; where more do, only straight.
    """
    (x, y), (to_x, to_y) = _coordinates(low), _coordinates(high)
    x, y = to_x - x, to_y - y
    # Half a circle further it is the same line.
    turn = ((np.arctan2(y, x) + _ANGLE_OFFSET) * (_HALF_CIRCLE / np.pi)).astype(np.int64) & (_HALF_CIRCLE - 1)
    vertex = np.concatenate((low, high))
    order = np.argsort(vertex * _HALF_CIRCLE + np.concatenate((turn, turn)))
    vertex, x, y = (each[order] for each in (vertex, np.concatenate((x, -x)), np.concatenate((y, -y))))
    meet = np.concatenate(([False], vertex[1:] == vertex[:-1], [False]))
    alone = ~meet[:-2] & ~meet[2:]
    aside = x[:-1] * y[1:] - y[:-1] * x[1:]
    against = x[:-1] * x[1:] + y[:-1] * y[1:] < 0
    apart = np.diff(x) ** 2 + np.diff(y) ** 2
    joins = meet[1:-1] & (alone | (against & (aside**2 <= STRAIGHT_TOLERANCE**2 * apart)))
    joins[1:] &= ~joins[:-1]
    one, other = order[:-1][joins], order[1:][joins]
    before = np.arange(len(order))
    before[one], before[other] = _twins(other, len(low)), _twins(one, len(low))
    return before


def _twins(half_edges: IntArray, count: int) -> IntArray:
    """Return the opposite directions along the same edges."""
    return np.where(half_edges < count, half_edges + count, half_edges - count)


def _merge_lines(predecessors: IntArray) -> tuple[IntArray, IntArray]:
    """Return the directed edges of all lines, each in one direction, and where each line begins."""
    first, rank = _rank_in_lines(predecessors)
    round_ = predecessors[first] != first
    if round_.any():
        # A closed line begins at its lowest directed edge.
        least, reach = np.arange(len(predecessors)), predecessors
        for _ in range(len(predecessors).bit_length()):
            least, reach = np.minimum(least, least[reach]), reach[reach]
        predecessors = predecessors.copy()
        predecessors[least[round_]] = least[round_]
        first, rank = _rank_in_lines(predecessors)
    half_edges = np.arange(len(predecessors))
    half_edges = half_edges[first < first[_twins(half_edges, len(predecessors) // 2)]]
    sizes = np.bincount(first[half_edges], minlength=len(predecessors))
    lined_up = np.empty(len(half_edges), dtype=np.int64)
    lined_up[(np.cumsum(sizes) - sizes)[first[half_edges]] + rank[half_edges]] = half_edges
    return lined_up, offsets_from_sizes(sizes[sizes > 0])


def _rank_in_lines(predecessors: IntArray) -> tuple[IntArray, IntArray]:
    """Return the first directed edge of each one's line and the number before it; arbitrary on closed lines.

    Notes
    -----
    Wyllie, J. C. (1979): The complexity of parallel computations (pointer jumping).
    """
    first, rank = predecessors, (predecessors != np.arange(len(predecessors))).astype(np.int64)
    for _ in range(len(predecessors).bit_length()):
        further = first[first]
        if np.array_equal(further, first):
            break
        first, rank = further, rank + rank[first]
    return first, rank


def _simplify(xy: IntArray, starts: IntArray, tolerance: float) -> tuple[IntArray, IntArray]:
    numbers = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    lines = np.asarray(shapely.linestrings(xy.astype(np.float64), indices=numbers), dtype=object)
    simple = np.asarray(shapely.simplify(lines, tolerance, preserve_topology=False), dtype=object)
    # A closed line smaller than the tolerance would lose its length.
    lines = np.where(shapely.length(simple) > 0, simple, lines)
    kept, numbers = shapely.get_coordinates(lines, return_index=True)
    return kept.astype(np.int64), offsets_from_sizes(np.bincount(numbers, minlength=len(lines)))
