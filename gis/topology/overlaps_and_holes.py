"""Overlaps of two cells, holes that cells enclose, and edges that neighbours do not share.

Everything is measured in the working CRS on valid polygons.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, Geometries, IntArray
from gis.faces.overlay import extract_polygons
from gis.faces.rings import RingVertices
from gis.topology.polygon_layer import NOISE_AREA_M2

_CHUNK = 50_000
_TOUCH_M = 1e-6
_EXPLAINED_M = 1e-4


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of polygons that share ground: rows `first` < `second`, and the shared ground of each pair."""

    first: IntArray
    second: IntArray
    intersections: Geometries


def find_overlaps(polygons: Geometries, suspects: BoolArray | None = None) -> Overlaps:
    """Find every pair of polygons that share more than `NOISE_AREA_M2` of ground.

    Parameters
    ----------
    polygons
        Valid, in metres; empty ones share nothing.
    suspects
        Only pairs with at least one of these are considered; all when not given.
    """
    tree = shapely.STRtree(polygons)
    query_rows = np.arange(len(polygons)) if suspects is None else np.flatnonzero(suspects)
    first, second, shared = [], [], []
    for start in range(0, len(query_rows), _CHUNK):
        rows = query_rows[start : start + _CHUNK]
        hits, others = tree.query(polygons[rows], predicate="intersects")
        ones = rows[hits]
        # A pair of two suspects comes up twice; keep it once.
        keep = (
            (ones < others) if suspects is None else (ones < others) | ((ones > others) & ~suspects[others])
        )
        low, high = np.minimum(ones, others)[keep], np.maximum(ones, others)[keep]
        intersections = shapely.intersection(polygons[low], polygons[high])
        real = shapely.area(intersections) > NOISE_AREA_M2
        first.append(low[real])
        second.append(high[real])
        shared.append(extract_polygons(intersections[real]))
    if not first:
        return Overlaps(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, dtype=object))
    return Overlaps(np.concatenate(first), np.concatenate(second), np.concatenate(shared))


def union_polygons(polygons: Geometries, *, coverage: bool) -> shapely.Geometry:
    """Unite polygons; `coverage` means that they are a valid coverage, which is much faster."""
    present = polygons[~shapely.is_empty(polygons)]
    if not len(present):
        return shapely.Polygon()
    return shapely.coverage_union_all(present) if coverage else shapely.union_all(present)


def find_holes(united: shapely.Geometry) -> Geometries:
    """Return the ground that a union encloses without containing it.

    Parameters
    ----------
    united
        A valid Polygon or MultiPolygon.

    Returns
    -------
    ndarray of Polygon
        The bounded components of the complement. An island in a hole is cut out of it; parts that touch one
        another at points can also enclose ground.
    """
    parts = shapely.get_parts(united)
    if len(parts) == 1:
        rings = shapely.get_rings(parts)[1:]
        return np.asarray(shapely.polygons(rings), dtype=object)
    noded = shapely.union_all(shapely.boundary(parts))
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = np.zeros(len(pieces), dtype=bool)
    shapely.prepare(parts)
    points = shapely.point_on_surface(pieces)
    inside[shapely.STRtree(parts).query(points, predicate="intersects")[0]] = True
    return np.asarray(pieces[~inside], dtype=object)


def find_touching(regions: Geometries, polygons: Geometries) -> list[IntArray]:
    """Return for each piece of ground the rows of the polygons that touch it."""
    pieces, rows = shapely.STRtree(polygons).query(regions, predicate="dwithin", distance=_TOUCH_M)
    order = np.argsort(pieces, kind="stable")
    return np.split(rows[order], np.searchsorted(pieces[order], np.arange(1, len(regions))))


@dataclass(frozen=True, eq=False)
class UnmatchedEdges:
    """Edges of two polygons (`first`, `second`; the same row where no neighbour was found) that differ."""

    first: IntArray
    second: IntArray
    edges: Geometries


def find_unmatched_edges(
    polygons: Geometries, invalid_edges: Geometries, overlaps: Overlaps
) -> UnmatchedEdges:
    """Find the edges that run along a neighbour without sharing its vertices.

    Parameters
    ----------
    polygons
        Valid, in metres.
    invalid_edges
        Of `shapely.coverage_invalid_edges`, one per polygon.
    overlaps
        Edges that run through shared ground are explained by it and left out.
    """
    lines, owner = shapely.get_parts(invalid_edges, return_index=True)
    segments, line = _segments(lines)
    owner = owner[line]
    if len(overlaps.intersections):
        explained = _runs_through_overlaps(segments, owner, overlaps)
        segments, owner = segments[~explained], owner[~explained]
    if not len(segments):
        none = np.empty(0, np.int64)
        return UnmatchedEdges(none, none, np.empty(0, dtype=object))
    hits, rows = _neighbours_alongside(polygons, segments, owner)
    alone = np.setdiff1d(np.arange(len(segments)), hits)
    index = np.concatenate([hits, alone])
    partner = np.concatenate([rows, owner[alone]])
    first, second = np.minimum(owner[index], partner), np.maximum(owner[index], partner)
    order = np.lexsort((second, first))
    first, second, index = first[order], second[order], index[order]
    new = np.ones(len(first), dtype=bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    edges = shapely.multilinestrings(segments[index], indices=np.cumsum(new) - 1)
    return UnmatchedEdges(first[new], second[new], np.asarray(edges, dtype=object))


def _runs_through_overlaps(segments: Geometries, owner: IntArray, overlaps: Overlaps) -> BoolArray:
    """Return which segments run through ground that their polygon shares with another."""
    zones = shapely.buffer(overlaps.intersections, _TOUCH_M)
    hits, zone = shapely.STRtree(zones).query(segments)
    mine = (overlaps.first[zone] == owner[hits]) | (overlaps.second[zone] == owner[hits])
    hits, zone = hits[mine], zone[mine]
    explained = np.zeros(len(segments), dtype=bool)
    # Most lie in a zone whole, which its index finds out; an intersection walks along all of the zone.
    shapely.prepare(zones)
    within = shapely.covers(zones[zone], segments[hits])
    explained[hits[within]] = True
    partly = ~explained[hits]
    hits, zone = hits[partly], zone[partly]
    met = shapely.intersects(zones[zone], segments[hits])
    hits, zone = hits[met], zone[met]
    run = shapely.length(shapely.intersection(segments[hits], zones[zone]))
    explained[hits[run > np.minimum(_EXPLAINED_M, shapely.length(segments[hits]) / 2)]] = True
    return explained


def _neighbours_alongside(
    polygons: Geometries, segments: Geometries, owner: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the pairs of a segment and another polygon that has a border along it."""
    strips = shapely.buffer(segments, _TOUCH_M, cap_style="flat")
    near = np.unique(shapely.STRtree(polygons).query(strips)[1])
    rings = RingVertices.of(polygons[near])
    edges = np.asarray(
        shapely.linestrings(np.stack([rings.xy, rings.xy[rings.next_vertex()]], axis=1)), dtype=object
    )
    row_of_edge = near[rings.owner[rings.part[rings.ring]]]
    hits, edge = shapely.STRtree(edges).query(segments, predicate="dwithin", distance=_TOUCH_M)
    other = row_of_edge[edge] != owner[hits]
    hits, edge = hits[other], edge[other]
    along = shapely.length(shapely.intersection(strips[hits], edges[edge]))
    keys, where = np.unique(hits * len(polygons) + row_of_edge[edge], return_inverse=True)
    hits, rows = keys // len(polygons), keys % len(polygons)
    total = np.bincount(where, weights=along, minlength=len(keys))
    beside = total > np.minimum(_EXPLAINED_M, shapely.length(segments[hits]) / 2)
    return hits[beside], rows[beside]


def _segments(lines: Geometries) -> tuple[Geometries, IntArray]:
    """Cut lines into two-point segments; also return the line of each."""
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    ends = np.stack([coordinates[:-1][same], coordinates[1:][same]], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object), line[1:][same]
