"""Division into balanced cells: whole units grouped until the loads of the cells are alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray, ObjectArray
from gis.balance import Effort, LoadTarget
from gis.codes import CodeLayout
from gis.divide.balanced_counts import (
    CountBounds,
    bound_counts,
    check_isolated,
    count_cells,
    count_seeds,
)
from gis.divide.balanced_parts import Parts, bridge_parts, find_parts, split_borders
from gis.divide.balanced_report import DivisionReport, explain_deviations, report_division
from gis.divide.balanced_zones import partition_into_fewest, partition_part, select_part
from gis.divide.unit_barriers import (
    DEFAULT_BARRIER_TOLERANCE_M,
    NO_BARRIERS,
    barrier_segments,
    remove_barriers,
)
from gis.divide.unit_cells import base_areas, build_unit_cells
from gis.divide.unit_cores import check_locks, number_cores, seed_units
from gis.divide.unit_coverage import UnitCoverage, read_units
from gis.divide.unit_labels import AREA_CODE, UnitGroups, read_exclusive, read_groups, read_locks
from gis.divide.unit_loads import OfficerHours, cell_loads, read_loads, require_loads
from gis.errors import ParameterError
from gis.graph import NeighbourGraph
from gis.profiles import Profile
from gis.progress import Note, Progress, no_note, no_progress, portion

BALANCED, EXCLUSIVE = "balanced", "exclusive"
"""The kinds of cells: those that are balanced, and those of exclusive units."""


@dataclass(frozen=True, eq=False)
class BalancedDivision:
    """Cells made of whole units.

    Attributes
    ----------
    cells
        Cells frame in EPSG:4326, of kind "balanced" or "exclusive", with a column for each load.
    cell_of_unit
        The code of each unit's cell, by the code of the unit, sorted.
    report
        How well the cells are balanced, and what is out of tolerance and why.
    """

    cells: gpd.GeoDataFrame
    cell_of_unit: pd.Series
    report: DivisionReport


def divide_balanced(
    units: gpd.GeoDataFrame,
    *,
    weights: Sequence[LoadTarget],
    zones: int | Mapping[str, int] | None = None,
    max_weight: float | None = None,
    within: str | None = AREA_CODE,
    lock: str | None = None,
    seeds: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    barrier_tolerance_m: float = DEFAULT_BARRIER_TOLERANCE_M,
    exclusive: str | None = None,
    parts: Literal["separate", "allow"] = "separate",
    hours: OfficerHours | None = None,
    areas: pd.DataFrame | None = None,
    crs: CRS | None = None,
    seed: int = 0,
    effort: Effort = "thorough",
    used_codes: Collection[str] = frozenset(),
    layout: CodeLayout = "auto",
    profile: Profile | None = None,
    note: Note | None = None,
    progress: Progress | None = None,
) -> BalancedDivision:
    """Group units into connected cells with balanced loads and short borders.

    The answer depends on the units and the seed, and not on the order of the rows.

    Parameters
    ----------
    units
        Polygons with `code`, and `area_code` where there are areas: a coverage, in any CRS.
    weights
        What is balanced, the most important first. A load is a column of numbers, `area` (m²), or
        `officer_hours`. The tolerance is a share of the ideal, the total over the number of cells, and is
        aimed at; what lies outside is named in the report. A cap is kept or the division refused.
    zones
        How many balanced cells there are: in all, shared among the groups of `within` in proportion to the
        first load; or by the name of the group. Exclusive cells do not count.
    max_weight
        Instead of a number: as few cells as can be found of which none holds more than this of the first
        load.
    within
        Field whose values no cell mixes, such as the community; None if cells may span areas. Cells that do
        carry the code of the area above all of theirs.
    lock
        Field that names cells: units of one value stay together in one cell, which may take free units too,
        and units of different values are in different cells. Empty values are free.
    seeds
        Points around each of which one cell grows; `zones` is then their number.
    barriers
        Lines that no cell crosses: units on either side are no neighbours along them.
    barrier_tolerance_m
        How far a border may run beside a barrier and still lie on it.
    exclusive
        Field that marks units which become cells of kind "exclusive" and are not balanced, see
        `gis.divide.unit_labels.read_exclusive`.
    parts
        "separate": a cell is connected by borders. "allow": ground that shares no border with the rest of its
        group, such as an island, may be joined with the nearest, but for a barrier.
    hours
        Where the parts of `officer_hours` come from, if not from the standard columns.
    areas
        Names and parents of the areas, for the names and codes of cells.
    crs
        The working CRS; chosen from the extent when not given.
    seed
        Another number gives another division of the same quality.
    effort
        "quick" balances less and takes a fraction of the time.
    used_codes, layout, profile
        See `gis.codes.number_cells` and `gis.codes.choose_profile`.
    note
        Told about holes between the units.
    progress
        Called with units done and units in all.

    Raises
    ------
    InputError
        If the units, loads or options cannot be used, or the request cannot be met; the sentence names the
        first unit or area and figures.
    CoverageError
        If the units overlap or leave narrow gaps.
    CapacityError
        If an area gets more cells than its code's digits can number.
    """
    targets = _read_options(weights, zones, max_weight, seeds)
    coverage = read_units(units, crs, note=note or no_note)
    loads = read_loads(coverage, targets, hours)
    groups = read_groups(coverage, within, areas)
    apart = read_exclusive(coverage, exclusive)
    require_loads(loads[apart == ""], targets)
    lines = barrier_segments(coverage, barriers) if barriers is not None else NO_BARRIERS
    graphs = _build_graphs(coverage, groups, apart == "", loads, lines, barrier_tolerance_m, parts=parts)
    locks = read_locks(coverage, lock)
    check_locks(coverage, groups, locks, apart == "", graphs.connected.of_unit(len(coverage)))
    centres = seed_units(coverage, seeds, apart == "") if seeds is not None else None
    cores = number_cores(locks, centres)
    bounds = bound_counts(coverage, graphs.connected, loads, targets, cores)
    counts = _count(coverage, groups, graphs, targets, zones, centres, cores, bounds)
    zone, zone_part = _make_zones(
        coverage, graphs, loads, targets, cores, counts, bounds, seed, effort, progress or no_progress
    )
    findings = explain_deviations(
        coverage, graphs.connected, np.bincount(zone_part), zone, zone_part, loads, targets
    )
    cell = _with_exclusive(zone, apart, graphs.separate)
    count = int(cell.max()) + 1
    is_balanced = np.arange(count) < len(zone_part)
    group = np.empty(count, dtype=np.int64)
    group[cell] = groups.of_unit
    cells, cell_of_unit = build_unit_cells(
        coverage,
        cell,
        group,
        base_areas(coverage, groups, areas),
        kind=np.where(is_balanced, BALANCED, EXCLUSIVE).astype(object),
        columns=cell_loads(coverage, loads, targets, cell, count),
        areas=areas,
        layout=layout,
        profile=profile,
        used_codes=used_codes,
    )
    report = report_division(
        coverage, cells, (cells["kind"] == BALANCED).to_numpy(dtype=bool), targets, findings
    )
    return BalancedDivision(cells, cell_of_unit, report)


def _read_options(
    weights: Sequence[LoadTarget],
    zones: int | Mapping[str, int] | None,
    max_weight: float | None,
    seeds: gpd.GeoDataFrame | None,
) -> tuple[LoadTarget, ...]:
    """Return the loads with the largest weight as a cap of the first; refuse options that contradict."""
    if zones is None and max_weight is None and seeds is None:
        raise ParameterError("Say how many cells there should be, or the largest load of one, or give seeds.")
    if max_weight is not None and (zones is not None or seeds is not None):
        raise ParameterError(
            "A largest load decides the number of cells; give either it or a number of cells or seeds."
        )
    if seeds is not None and zones is not None and zones != len(seeds):
        raise ParameterError(
            f"A cell grows around each of the {len(seeds):,} seeds; leave out the number of cells."
        )
    if max_weight is None or not weights:
        return tuple(weights)
    if not max_weight > 0:
        raise ParameterError(f"The largest load of a cell must be above 0, not {max_weight:g}.")
    first, *others = weights
    cap = max_weight if first.cap is None else min(first.cap, max_weight)
    return (replace(first, cap=float(cap)), *others)


@dataclass(frozen=True, eq=False)
class _UnitGraphs:
    """Which units are neighbours, for the different rules of a division.

    Attributes
    ----------
    inside
        Borders within groups.
    separate
        Those of them that no barrier runs along.
    borders
        Those over which cells grow: `separate` among units that are balanced, and joints between parts where
        these are allowed.
    connected
        The parts of the units that are balanced.
    barriers
        Whether there are any.
    """

    inside: NeighbourGraph
    separate: NeighbourGraph
    borders: NeighbourGraph
    connected: Parts
    barriers: bool


def _build_graphs(
    coverage: UnitCoverage,
    groups: UnitGroups,
    is_free: BoolArray,
    loads: FloatArray,
    lines: Geometries,
    tolerance_m: float,
    *,
    parts: str,
) -> _UnitGraphs:
    free = np.flatnonzero(is_free)
    graph = coverage.borders
    inside = graph.select(groups.of_unit[graph.rows()] == groups.of_unit[graph.neighbours])
    separate = remove_barriers(coverage, inside, lines, tolerance_m)
    borders = separate.select(is_free[separate.rows()] & is_free[separate.neighbours])
    if parts == "allow":
        borders = bridge_parts(coverage, groups, inside, borders, free, lines)
    connected = find_parts(coverage, groups, borders, free, loads, joined=parts == "allow")
    return _UnitGraphs(inside, separate, borders, connected, bool(len(lines)))


def _count(
    coverage: UnitCoverage,
    groups: UnitGroups,
    graphs: _UnitGraphs,
    targets: Sequence[LoadTarget],
    zones: int | Mapping[str, int] | None,
    centres: IntArray | None,
    cores: IntArray,
    bounds: CountBounds,
) -> IntArray | None:
    """Return the number of cells of each part, None where it follows from the largest load."""
    if centres is not None:
        zones = len(centres)
    if zones is None:
        return None
    if graphs.barriers:
        total = sum(zones.values()) if isinstance(zones, Mapping) else zones
        check_isolated(coverage, graphs.connected, graphs.inside, targets[0], max(total, 1))
    if centres is not None:
        return count_seeds(coverage, graphs.connected, centres, cores, bounds, targets)
    return count_cells(graphs.connected, groups, zones, bounds, targets)


def _make_zones(
    coverage: UnitCoverage,
    graphs: _UnitGraphs,
    loads: FloatArray,
    targets: Sequence[LoadTarget],
    cores: IntArray,
    counts: IntArray | None,
    bounds: CountBounds,
    seed: int,
    effort: Effort,
    progress: Progress,
) -> tuple[IntArray, IntArray]:
    """Partition each part; return the zone of each unit, -1 for exclusive ones, and the part of each zone."""
    connected = graphs.connected
    zone = np.full(len(coverage), -1, dtype=np.int64)
    zone_part: list[int] = []
    exterior_m = coverage.exterior_m(graphs.borders)
    total, done = int(connected.size.sum()), 0
    part_graphs = split_borders(graphs.borders, connected)
    for k, (rows, graph) in enumerate(zip(connected.units, part_graphs, strict=True)):
        part = select_part(coverage, graph, rows, loads, exterior_m, cores, str(connected.label[k]))
        if counts is None:
            least, most = int(bounds.lowest[k]), int(bounds.highest[k])
            found = partition_into_fewest(part, least, most, targets, seed=seed, effort=effort)
        else:
            found = partition_part(
                part,
                int(counts[k]),
                targets,
                seed=seed,
                effort=effort,
                progress=portion(progress, done, len(rows), total),
            )
        zone[rows] = found + len(zone_part)
        zone_part += [k] * (int(found.max()) + 1)
        done += len(rows)
        progress(done, total)
    return zone, np.array(zone_part, dtype=np.int64)


def _with_exclusive(zone: IntArray, apart: ObjectArray, borders: NeighbourGraph) -> IntArray:
    """Return the cell of each unit: the zones first, then connected exclusive units of one name."""
    cell = zone.copy()
    rows = np.flatnonzero(apart != "")
    if len(rows):
        names = np.unique(apart[rows].astype(str), return_inverse=True)[1]
        among = borders.subgraph(rows)
        same = among.select(names[among.rows()] == names[among.neighbours])
        cell[rows] = zone.max(initial=-1) + 1 + np.unique(same.components(), return_inverse=True)[1]
    return cell
