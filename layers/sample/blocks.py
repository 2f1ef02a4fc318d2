"""Blocks: the faces of the noded lines on one grid of coordinates, grouped into streets and communities."""

import heapq
from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from layers.sample.city_plane import DECIMALS, CityPlane, lonlat_to_metres, to_lonlat, to_metres
from layers.sample.linework import CLASSES, Linework

_RIVER, _MAIN = CLASSES.index("river"), CLASSES.index("main")


@dataclass(frozen=True)
class Blocks:
    """The faces and edges of the district's lines.

    Attributes
    ----------
    faces
        Polygons in longitude, latitude: the blocks inside the outline, the lake left out.
    metres
        The same in metres about the middle.
    edges
        LineStrings in longitude, latitude: the noded lines inside the outline, short dead ends left out.
    edge_kinds, edge_roads
        Index into `CLASSES` and number of the road of each edge.
    pairs
        Shape (n, 2): neighbouring faces.
    lengths, pair_kinds
        Metres of border of each pair, and the first class among its lines.
    """

    faces: Geometries
    metres: Geometries
    edges: Geometries
    edge_kinds: IntArray
    edge_roads: IntArray
    pairs: IntArray
    lengths: FloatArray
    pair_kinds: IntArray


def make_blocks(linework: Linework) -> Blocks:
    """Node the lines on the grid of stored coordinates and polygonize them.

    Returns
    -------
    Blocks
        The faces are a valid coverage.
    """
    source = to_lonlat(linework.lines)
    # Snap rounding: all vertices end on the stored grid, so nothing is rounded after this.
    noded = shapely.get_parts(shapely.union_all(source, grid_size=10.0**-DECIMALS))
    noded = shapely.transform(noded, lambda xy: np.round(xy, DECIMALS))
    faces = shapely.get_parts(shapely.polygonize(noded))
    inner = shapely.point_on_surface(to_metres(faces))
    shapely.prepare(linework.outline)
    kept = shapely.contains(linework.outline, inner) & ~shapely.contains(linework.lake, inner)
    faces = faces[kept]
    kinds, roads = _classify(noded, source, linework)
    bounding = _bounds_face(noded, faces)
    metres = to_metres(noded)
    middle = shapely.line_interpolate_point(metres, 0.5, normalized=True)
    inside = shapely.contains(linework.outline, middle)
    inside &= ~shapely.contains(linework.lake.buffer(-1.0), middle)
    edge_kept = inside & (bounding | (shapely.length(metres) > 45.0)) & (kinds >= 0)
    pairs, lengths, pair_kinds = _adjacent_faces(faces, noded, kinds)
    return Blocks(
        faces=faces,
        metres=to_metres(faces),
        edges=noded[edge_kept],
        edge_kinds=kinds[edge_kept],
        edge_roads=roads[edge_kept],
        pairs=pairs,
        lengths=lengths,
        pair_kinds=pair_kinds,
    )


def _classify(edges: Geometries, source: Geometries, linework: Linework) -> tuple[IntArray, IntArray]:
    """Return class and road of each noded edge: those of the first line under its middle."""
    tree = shapely.STRtree(source)
    middles = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    edge, line = tree.query(middles, predicate="dwithin", distance=4 * 10.0**-DECIMALS)
    order = np.lexsort((line, linework.kinds[line], edge))
    edge, line = edge[order], line[order]
    first = np.unique(edge, return_index=True)[1]
    kinds, roads = np.full(len(edges), -1), np.full(len(edges), -1)
    kinds[edge[first]], roads[edge[first]] = linework.kinds[line[first]], linework.roads[line[first]]
    return kinds, roads


def _segments(geometries: Geometries) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return start, end (n, 2) and the geometry's index of all segments of polygons or lines."""
    rings, owner = geometries, np.arange(len(geometries))
    if len(geometries) and shapely.get_dimensions(geometries[0]) == 2:
        rings, owner = shapely.get_rings(geometries, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return xy[:-1][same], xy[1:][same], owner[ring[:-1][same]]


def _segment_keys(*segments: tuple[FloatArray, FloatArray, IntArray]) -> list[IntArray]:
    """Return keys for the segments of several sets; equal segments, in either direction, get equal keys."""
    ends = [part for start, end, _ in segments for part in (start, end)]
    _, number = np.unique(np.concatenate(ends), axis=0, return_inverse=True)
    keys, at = [], 0
    for start, _, _ in segments:
        a, b = number[at : at + len(start)], number[at + len(start) : at + 2 * len(start)]
        keys.append(np.minimum(a, b).astype(np.int64) << 32 | np.maximum(a, b).astype(np.int64))
        at += 2 * len(start)
    return keys


def _bounds_face(edges: Geometries, faces: Geometries) -> BoolArray:
    """Return which edges bound a face."""
    lines, rings = _segments(edges), _segments(faces)
    line_keys, ring_keys = _segment_keys(lines, rings)
    found = np.zeros(len(edges), dtype=bool)
    found[lines[2][np.isin(line_keys, ring_keys)]] = True
    return found


def _adjacent_faces(
    faces: Geometries, edges: Geometries, kinds: IntArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return pairs of neighbouring faces, their common metres and the first class on their border."""
    rings, lines = _segments(faces), _segments(edges)
    ring_keys, line_keys = _segment_keys(rings, lines)
    line_order = np.argsort(line_keys)
    position = np.searchsorted(line_keys, ring_keys, sorter=line_order)
    kind = kinds[lines[2][line_order[np.minimum(position, len(line_order) - 1)]]]
    order = np.argsort(ring_keys, kind="stable")
    twice = ring_keys[order][1:] == ring_keys[order][:-1]
    left, right = order[:-1][twice], order[1:][twice]
    both = np.sort(np.column_stack([rings[2][left], rings[2][right]]), axis=1)
    step = lonlat_to_metres(rings[1][left]) - lonlat_to_metres(rings[0][left])
    metres = np.hypot(step[:, 0], step[:, 1])
    pairs, group = np.unique(both, axis=0, return_inverse=True)
    group = group.reshape(-1)
    lengths = _sum_by_group(group, metres, len(pairs))
    # The class that makes up most of the border, so that the last metre at a crossing does not decide.
    table = np.zeros((len(pairs), len(CLASSES)))
    np.add.at(table, (group, np.maximum(kind[left], 0)), metres)
    return pairs, lengths, np.argmax(table, axis=1).astype(np.int64)


def merge_regions(weights: FloatArray, pairs: IntArray, lengths: FloatArray, count: int) -> IntArray:
    """Merge neighbours, the lightest region first, until `count` regions are left or none has a neighbour.

    Parameters
    ----------
    weights
        Of each region, length n.
    pairs, lengths
        Neighbours (m, 2) and the length, or attraction, of their common border.
    count
        Regions wanted.

    Returns
    -------
    ndarray of int
        For each region the number, from 0, of the merged region that it belongs to.
    """
    size = len(weights)
    weight = weights.astype(float).tolist()
    border: list[dict[int, float]] = [{} for _ in range(size)]
    for (a, b), length in zip(pairs.tolist(), lengths.tolist(), strict=True):
        border[a][b] = border[b][a] = length
    owner = list(range(size))
    heap = [(weight[i], i) for i in range(size)]
    heapq.heapify(heap)
    left = size
    while heap and left > count:
        load, small = heapq.heappop(heap)
        if owner[small] != small or load != weight[small] or not border[small]:
            continue
        target = max(border[small], key=lambda other: (border[small][other] / weight[other], -other))
        owner[small] = target
        weight[target] += weight[small]
        for other, length in border[small].items():
            del border[other][small]
            if other != target:
                border[target][other] = border[other][target] = border[target].get(other, 0.0) + length
        heapq.heappush(heap, (weight[target], target))
        left -= 1
    for i in range(size):
        root = i
        while owner[root] != root:
            root = owner[root]
        owner[i] = root
    return np.unique(np.array(owner), return_inverse=True)[1].reshape(-1)


def group_streets(blocks: Blocks, plane: CityPlane, count: int) -> IntArray:
    """Group blocks into streets whose borders follow main roads, river and railway.

    Returns
    -------
    ndarray of int
        The street, from 0, of each block.
    """
    area = np.asarray(shapely.area(blocks.metres), dtype=float)
    open_border = blocks.pair_kinds > _MAIN
    quarter = merge_regions(area, blocks.pairs[open_border], blocks.lengths[open_border], 1)
    crossing = quarter[blocks.pairs]
    apart = crossing[:, 0] != crossing[:, 1]
    attraction = np.where(blocks.pair_kinds == _RIVER, 0.25, 1.0) * blocks.lengths
    pairs, group = np.unique(np.sort(crossing[apart], axis=1), axis=0, return_inverse=True)
    lengths = _sum_by_group(group, attraction[apart], len(pairs))
    loads = _sum_by_group(quarter, _block_loads(blocks, plane), int(quarter.max()) + 1)
    return merge_regions(loads, pairs, lengths, count)[quarter]


def group_communities(
    blocks: Blocks, plane: CityPlane, streets: IntArray, count: int, rng: np.random.Generator
) -> IntArray:
    """Group the blocks of each street into communities, smaller where the city is denser.

    Returns
    -------
    ndarray of int
        The community, from 0 over the whole district, of each block.
    """
    load = _block_loads(blocks, plane)
    by_street = np.bincount(streets, weights=load)
    quota = np.maximum(2, np.round(count * by_street / by_street.sum())).astype(int)
    labels = np.full(len(streets), -1)
    start = 0
    for street, wanted in enumerate(quota):
        member = np.flatnonzero(streets == street)
        local = np.full(len(streets), -1)
        local[member] = np.arange(len(member))
        within = (local[blocks.pairs] >= 0).all(axis=1)
        pairs = local[blocks.pairs[within]]
        attraction = blocks.lengths[within] * rng.lognormal(0, 0.25, int(within.sum()))
        # Only slivers are merged across water, railway and main roads while there is another neighbour.
        attraction = attraction * np.where(blocks.pair_kinds[within] <= _MAIN, 0.12, 1.0)
        found = merge_regions(
            load[member] * rng.lognormal(0, 0.2, len(member)), pairs, attraction, int(wanted)
        )
        labels[member] = found + start
        start += int(found.max()) + 1
    return labels


def _sum_by_group(group: IntArray, values: FloatArray, count: int) -> FloatArray:
    return np.asarray(np.bincount(group.reshape(-1), weights=values, minlength=count), dtype=float)


def _block_loads(blocks: Blocks, plane: CityPlane) -> FloatArray:
    middle = shapely.get_coordinates(shapely.centroid(blocks.metres))
    return np.asarray(shapely.area(blocks.metres) * (0.35 + plane.density(middle)), dtype=float)
