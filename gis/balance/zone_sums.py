"""From graph, loads and zones to what the compiled moves read and keep up to date, and their figures."""

import math

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.balance.annealing import Int32Array, Scratch, Units, Zones
from gis.graph import NeighbourGraph

AREA_SHARE = 0.25
"""What it costs at least to move a unit, as a share of what one of its area costs with the mean load."""


def build_units(
    graph: NeighbourGraph,
    loads: FloatArray,
    count: int,
    *,
    area_m2: FloatArray,
    exterior_m: FloatArray,
    locked: BoolArray | None,
    home: IntArray | None = None,
) -> Units:
    """Bring units into the form of the compiled moves; loads become shares of the ideal of `count` zones."""
    ideal = loads.sum(axis=0) / count
    length = graph.length.astype(np.float64)
    if not length.any():
        # Lengths that nobody knows: each border counts alike.
        length = np.ones_like(length)
    perimeter = np.bincount(graph.rows(), weights=length, minlength=len(graph)) + exterior_m
    area = area_m2.astype(np.float64)
    area = np.maximum(area, 1e-6 * area.mean()) if area.any() else np.ones(len(graph))
    load = np.divide(loads, ideal, out=np.zeros_like(loads), where=ideal > 0)
    # A unit without load costs no budget, but whoever works there has to learn it all the same.
    moving = np.maximum(load[:, 0], AREA_SHARE * area * (count / area.sum()))
    return Units(
        graph.offsets.astype(np.int32),
        graph.neighbours.astype(np.int32),
        length,
        load,
        area,
        np.maximum(perimeter, 1e-6 * max(perimeter.mean(), 1e-9)),
        np.ones(len(graph), dtype=bool) if locked is None else ~locked,
        np.full(len(graph), -1, dtype=np.int32) if home is None else home.astype(np.int32),
        moving,
    )


def build_zones(units: Units, zones: IntArray, count: int) -> Zones:
    """Sum up the zones of a plan."""
    rows = np.repeat(np.arange(len(zones)), np.diff(units.offsets))
    crossing = zones[rows] != zones[units.neighbours]
    inner = np.bincount(zones[rows[~crossing]], weights=units.length[~crossing], minlength=count)
    away = (units.home >= 0) & (units.home != zones)
    return Zones(
        zones.astype(np.int32),
        np.bincount(rows[crossing], minlength=len(zones)).astype(np.int32),
        np.stack([np.bincount(zones, weights=load, minlength=count) for load in units.load.T], axis=1),
        np.bincount(zones, weights=units.area, minlength=count).astype(np.float64),
        (np.bincount(zones, weights=units.perimeter, minlength=count) - inner).astype(np.float64),
        np.bincount(zones, minlength=count).astype(np.int64),
        np.array([units.load[away, 0].sum()]),
    )


def build_scratch(unit_count: int, seed: int) -> Scratch:
    """Prepare the memory of the moves; different seeds give independent random numbers."""
    state = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
    return Scratch(
        state,
        np.zeros(unit_count, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.empty(unit_count, dtype=np.int32),
    )


def refresh_zones(units: Units, zones: Zones) -> Zones:
    """Recompute the sums of zones, without the rounding of many moves."""
    return build_zones(units, zones_as_integers(zones.of_unit), len(zones.size))


def copy_zones(zones: Zones) -> Zones:
    """Return zones that can be changed without changing these."""
    return Zones(
        zones.of_unit.copy(),
        zones.foreign.copy(),
        zones.load.copy(),
        zones.area.copy(),
        zones.perimeter.copy(),
        zones.size.copy(),
        zones.away.copy(),
    )


def polsby_popper(zones: Zones) -> FloatArray:
    """Return 4π area / perimeter² of each zone, 1 for a circle."""
    scores: FloatArray = 4.0 * math.pi * zones.area / zones.perimeter**2
    return scores


def zones_as_integers(of_unit: Int32Array) -> IntArray:
    """Return the zones of units in the integers that the rest of the engine uses."""
    return of_unit.astype(np.int64)
