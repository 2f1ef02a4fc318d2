"""Zones made whole: no zone empty or in several parts, no unit without a zone."""

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance.loads import InfeasibleError
from gis.compiled import compiled
from gis.graph import NeighbourGraph


def mend_zones(
    graph: NeighbourGraph, weight: FloatArray, zones: IntArray, count: int, locked: BoolArray
) -> IntArray:
    """Complete a plan so that each unit has a zone and each zone is one connected part.

    Of a zone in several parts the one with locked units remains, or the heaviest; locked parts of one zone
    are joined by the shortest way first. A zone without units gets one of the heaviest zone. What has no
    zone goes to the nearest.

    Parameters
    ----------
    weight
        Shape (n,).
    zones
        Shape (n,), -1 for units without a zone.
    locked
        Shape (n,), units that keep their zone.

    Raises
    ------
    InfeasibleError
        If the locked units of a zone cannot be joined, if units are in a part of the graph without any zone,
        or if there are not enough units to give each zone one.
    """
    zones = zones.astype(np.int64).copy()
    fixed = locked.copy()
    piece = _pieces(graph, zones)
    if _is_whole(zones, piece, count):
        return zones
    _join_locked(graph, zones, fixed, count)
    _keep_main_pieces(_pieces(graph, zones), weight, zones, fixed)
    _seed_bare_parts(graph, zones, weight, count)
    _grow(graph.offsets, graph.neighbours, zones, np.empty(len(zones), dtype=np.int64))
    _fill_empty(graph, zones, weight, fixed, count)
    return zones


def fill_gaps(graph: NeighbourGraph, zones: IntArray) -> IntArray:
    """Give units without a zone (-1) the nearest one.

    Raises
    ------
    InfeasibleError
        If units have no way to any zone, with their rows.
    """
    filled = zones.astype(np.int64).copy()
    _grow(graph.offsets, graph.neighbours, filled, np.empty(len(filled), dtype=np.int64))
    lost = np.flatnonzero(filled < 0)
    if len(lost):
        raise InfeasibleError(
            f"{len(lost)} units without a zone, the first of them unit {lost[0]}, have no way to any zone",
            reason="unreached",
            units=lost,
        )
    return filled


def _pieces(graph: NeighbourGraph, zones: IntArray) -> IntArray:
    """Label each unit with the lowest unit of its connected piece of a zone."""
    return graph.select(zones[graph.rows()] == zones[graph.neighbours]).components()


def _is_whole(zones: IntArray, piece: IntArray, count: int) -> bool:
    if not len(zones) or zones.min() < 0:
        return False
    filled = len(np.unique(zones)) == count
    return filled and len(np.unique(piece)) == count


def _join_locked(graph: NeighbourGraph, zones: IntArray, fixed: BoolArray, count: int) -> None:
    """Join the pieces of each zone that hold locked units by the shortest ways over units that are free."""
    piece = _pieces(graph, zones)
    held = np.unique(np.stack((zones[fixed], piece[fixed]), axis=1), axis=0)
    scattered = np.flatnonzero(np.bincount(held[:, 0], minlength=count) > 1)
    for zone in scattered:
        while True:
            piece = _pieces(graph, zones)
            own = np.unique(piece[fixed & (zones == zone)])
            if len(own) == 1:
                break
            path = _shortest_way(graph, zones, fixed, piece, int(zone), own)
            if path is None:
                raise InfeasibleError(
                    f"the locked units of zone {zone} lie in {len(own)} parts which no units that are free "
                    "connect",
                    reason="locked",
                    units=np.flatnonzero(fixed & (zones == zone)),
                )
            zones[path] = zone
            fixed[path] = True


def _shortest_way(
    graph: NeighbourGraph, zones: IntArray, fixed: BoolArray, piece: IntArray, zone: int, own: IntArray
) -> IntArray | None:
    """Return the units of the shortest way from the first locked piece of a zone to another one."""
    before = {int(unit): -1 for unit in np.flatnonzero(piece == own[0])}
    front = list(before)
    goals = set(own[1:].tolist())
    while front:
        reached = []
        for unit in front:
            for neighbour in graph.neighbours_of(unit).tolist():
                if neighbour in before or (fixed[neighbour] and zones[neighbour] != zone):
                    continue
                before[neighbour] = unit
                if int(piece[neighbour]) in goals and zones[neighbour] == zone:
                    way = [neighbour]
                    while before[way[-1]] >= 0:
                        way.append(before[way[-1]])
                    return np.array(way, dtype=np.int64)
                reached.append(neighbour)
        front = reached
    return None


def _keep_main_pieces(piece: IntArray, weight: FloatArray, zones: IntArray, fixed: BoolArray) -> None:
    """Take the zone from all pieces of it but the one with locked units, else the heaviest."""
    labels, piece = np.unique(piece, return_inverse=True)
    rank = np.bincount(piece, weights=weight) / max(float(weight.sum()), 1e-300)
    rank += 1e-9 * np.bincount(piece) / len(piece)
    rank += 2.0 * (np.bincount(piece, weights=fixed) > 0)
    zone = zones[labels]
    order = np.lexsort((labels, -rank, zone))
    later = np.r_[False, zone[order][1:] == zone[order][:-1]]
    dropped = np.zeros(len(labels), dtype=bool)
    dropped[order[later]] = True
    zones[dropped[piece]] = -1


def _seed_bare_parts(graph: NeighbourGraph, zones: IntArray, weight: FloatArray, count: int) -> None:
    """Give each part of the graph that has no zone one of the zones without units."""
    part = graph.components()
    bare = np.setdiff1d(part, part[zones >= 0])
    empty = np.setdiff1d(np.arange(count), zones)
    if len(bare) > len(empty):
        units = np.flatnonzero(np.isin(part, bare[len(empty) :]))
        raise InfeasibleError(
            f"{len(units)} units lie in {len(bare) - len(empty)} parts of the graph that no zone reaches",
            reason="unreached",
            units=units,
        )
    for lowest, zone in zip(bare, empty, strict=False):
        inside = np.flatnonzero(part == lowest)
        zones[inside[np.argmax(weight[inside])]] = zone


@compiled
def _grow(offsets: IntArray, neighbours: IntArray, zones: IntArray, queue: IntArray) -> None:
    """Give units without a zone the nearest one, all zones growing by one ring after the other."""
    head = tail = 0
    for unit in range(len(zones)):
        if zones[unit] >= 0:
            queue[tail] = unit
            tail += 1
    while head < tail:
        unit = queue[head]
        head += 1
        for entry in range(offsets[unit], offsets[unit + 1]):
            neighbour = neighbours[entry]
            if zones[neighbour] < 0:
                zones[neighbour] = zones[unit]
                queue[tail] = neighbour
                tail += 1


def _fill_empty(
    graph: NeighbourGraph, zones: IntArray, weight: FloatArray, fixed: BoolArray, count: int
) -> None:
    """Give each zone without units one of the heaviest zone that can spare one."""
    sums = np.bincount(zones, weights=weight, minlength=count)
    sizes = np.bincount(zones, minlength=count)
    for zone in np.flatnonzero(sizes == 0):
        for giver in np.lexsort((-sizes, -sums)):
            members = np.flatnonzero(zones == giver)
            spare = _removable(graph, members, fixed) if len(members) > 1 else None
            if spare is not None:
                break
        else:
            raise InfeasibleError(
                f"zone {zone} can have no unit: all zones are of one unit, or locked", reason="locked"
            )
        zones[spare] = zone
        fixed[spare] = True
        sums[giver] -= weight[spare]
        sizes[giver] -= 1
        sums[zone], sizes[zone] = weight[spare], 1


def _removable(graph: NeighbourGraph, members: IntArray, fixed: BoolArray) -> int | None:
    """Return a unit without which the others of a connected zone stay connected: a leaf of a tree over it."""
    inside = graph.subgraph(members)
    seen, front, order = {0}, [0], [0]
    while front:
        reached = []
        for unit in front:
            for neighbour in inside.neighbours_of(unit).tolist():
                if neighbour not in seen:
                    seen.add(neighbour)
                    reached.append(neighbour)
                    order.append(neighbour)
        front = reached
    for unit in reversed(order):
        # What the search reached last is a leaf in any case.
        if not fixed[members[unit]] and (unit == order[-1] or _is_leaf(inside, unit)):
            return int(members[unit])
    return None


def _is_leaf(graph: NeighbourGraph, unit: int) -> bool:
    others = np.delete(np.arange(len(graph), dtype=np.int64), unit)
    return len(np.unique(graph.subgraph(others).components())) == 1
