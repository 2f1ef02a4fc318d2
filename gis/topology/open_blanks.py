"""Open blanks: narrow ground between two cells that no borders enclose, as where a border was drawn twice."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.faces.noding import query_near_edges
from gis.faces.overlay import extract_polygons
from gis.faces.rings import RingVertices
from gis.graph import find_spans_beside
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width

OPEN_BLANK_WIDTH_M = 1.0
"""Up to this width ground that is open at an end is taken for a digitising error and not for a bay."""

_MIN_LENGTH_PER_WIDTH = 10
_CHUNK = 50_000
_TOUCH_M = 1e-6


@dataclass(frozen=True, eq=False)
class OpenBlanks:
    """Pieces of ground, the rows `first` <= `second` of the cells beside each, and its greatest width.

    Both rows are the same where the ground lies between two parts of one cell.
    """

    polygons: Geometries
    first: IntArray
    second: IntArray
    width_m: FloatArray


NO_OPEN_BLANKS = OpenBlanks(
    np.empty(0, dtype=object), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
)


def find_open_blanks(polygons: Geometries, united: shapely.Geometry, max_width_m: float) -> OpenBlanks:
    """Find the narrow ground along which two cells face each other from outside.

    Parameters
    ----------
    polygons
        Valid, in metres.
    united
        Their union.
    max_width_m
        The largest distance of two borders that face each other; 0 finds nothing.

    Returns
    -------
    OpenBlanks
        Each at least ten times as long as wide, so that the corner of two cells that meet is none. Ground
        that cells enclose is found only between the parts of the union.
    """
    parts = shapely.get_parts(shapely.orient_polygons(united))
    rings = RingVertices.of(np.asarray(shapely.polygons(shapely.get_exterior_ring(parts)), dtype=object))
    start, end = rings.xy, rings.xy[rings.next_vertex()]
    none: IntArray = np.empty(0, dtype=np.int64)
    one, other = _facing_edges(start, end, max_width_m) if max_width_m > 0 else (none, none)
    from_share, to_share = find_spans_beside(
        start[one], end[one], start[other], end[other], -max_width_m, 0.0
    )
    facing = to_share > from_share
    one, other = one[facing], other[facing]
    pieces, width = _ground_between(
        start[one], end[one], start[other], end[other], from_share[facing], to_share[facing]
    )
    middle = (start + end) / 2
    near, far = (_cells_beside(polygons, middle[edge]) for edge in (one, other))
    # What a cell encloses within itself is its own shape.
    apart = (near >= 0) & (far >= 0) & ((near != far) | (rings.ring[one] != rings.ring[other]))
    low, high = np.minimum(near, far)[apart], np.maximum(near, far)[apart]
    return _unite_by_pair(polygons, pieces[apart], width[apart], low, high)


def _facing_edges(start: FloatArray, end: FloatArray, max_width_m: float) -> tuple[IntArray, IntArray]:
    """Return the pairs of edges within the width of each other that run in opposite directions."""
    lines = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    along = end - start
    tree, reach = shapely.STRtree(lines), np.full(len(lines), max_width_m)
    found = [np.empty((2, 0), dtype=np.int64)]
    for first in range(0, len(lines), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        one, other = query_near_edges(tree, start[chunk], end[chunk], reach[chunk])
        one = one + first
        opposite = (one < other) & ((along[one] * along[other]).sum(axis=1) < 0)
        one, other = one[opposite], other[opposite]
        near = shapely.dwithin(lines[one], lines[other], max_width_m)
        found.append(np.stack([one[near], other[near]]))
    one, other = np.concatenate(found, axis=1)
    return one, other


def _ground_between(
    start: FloatArray,
    end: FloatArray,
    other_start: FloatArray,
    other_end: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> tuple[Geometries, FloatArray]:
    """Return the ground between edges and the given shares of other edges, and its greatest width."""
    along, other_along = end - start, other_end - other_start
    far = np.stack([other_start + share[:, None] * other_along for share in (low, high)])
    share = ((far - start) * along).sum(axis=2) / (along**2).sum(axis=1)
    foot = start + share[:, :, None] * along
    ring = np.stack([foot[0], foot[1], far[1], far[0]], axis=1)
    width = np.hypot(*np.moveaxis(far - foot, 2, 0)).max(axis=0)
    return np.asarray(shapely.polygons(ring), dtype=object), width


def _cells_beside(polygons: Geometries, points: FloatArray) -> IntArray:
    """Return the first polygon that touches each point, -1 where none does."""
    result = np.full(len(points), len(polygons), dtype=np.int64)
    point, row = shapely.STRtree(polygons).query(
        shapely.points(points), predicate="dwithin", distance=_TOUCH_M
    )
    np.minimum.at(result, point, row)
    result[result == len(polygons)] = -1
    return result


def _unite_by_pair(
    polygons: Geometries, pieces: Geometries, width: FloatArray, low: IntArray, high: IntArray
) -> OpenBlanks:
    """Unite the pieces between the same two cells, and keep what is in no cell and long."""
    tree = shapely.STRtree(polygons)
    order = np.lexsort((high, low))
    pieces, width, low, high = pieces[order], width[order], low[order], high[order]
    starts = np.flatnonzero(np.append(True, (np.diff(low) != 0) | (np.diff(high) != 0))[: len(low)])
    found, first, second, widths = [], [], [], []
    for begin, stop in zip(starts, np.append(starts[1:], len(low)), strict=False):
        ground = shapely.union_all(pieces[begin:stop])
        near = polygons[tree.query(ground, predicate="intersects")]
        free = extract_polygons(np.array([shapely.difference(ground, shapely.union_all(near))], dtype=object))
        grounds, greatest = shapely.get_parts(free), float(width[begin:stop].max())
        grounds = grounds[_is_long(grounds, greatest)]
        found.append(grounds)
        first += [low[begin]] * len(grounds)
        second += [high[begin]] * len(grounds)
        widths += [greatest] * len(grounds)
    return OpenBlanks(
        np.concatenate([np.empty(0, dtype=object), *found]),
        np.array(first, dtype=np.int64),
        np.array(second, dtype=np.int64),
        np.array(widths, dtype=float),
    )


def _is_long(grounds: Geometries, width: float) -> BoolArray:
    length = shapely.length(grounds) / 2
    return np.asarray((length >= _MIN_LENGTH_PER_WIDTH * width) & (mean_width(grounds) > NOISE_WIDTH_M))
