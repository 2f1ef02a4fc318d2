"""Division into balanced cells: whole units grouped until the loads of the cells are alike."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.balance import LoadTarget, partition
from gis.codes import CodeLayout
from gis.divide.balanced_counts import bound_counts, count_cells
from gis.divide.balanced_parts import Parts, find_parts
from gis.divide.unit_barriers import DEFAULT_BARRIER_TOLERANCE_M, remove_barriers
from gis.divide.unit_cells import base_areas, build_unit_cells
from gis.divide.unit_coverage import UnitCoverage, read_units
from gis.divide.unit_labels import AREA_CODE, UnitGroups, read_exclusive, read_groups, read_locks
from gis.divide.unit_loads import OfficerHours, read_loads
from gis.errors import InputError, ParameterError
from gis.graph import NeighbourGraph
from gis.progress import Note, Progress, no_note, no_progress

BALANCED, EXCLUSIVE = "balanced", "exclusive"
"""The kinds of cells: those that are balanced, and those of exclusive units."""

Effort = Literal["thorough", "quick"]


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
    areas: gpd.GeoDataFrame | None = None,
    crs: CRS | None = None,
    seed: int = 0,
    effort: Effort = "thorough",
    used_codes: Collection[str] = frozenset(),
    layout: CodeLayout = "auto",
    note: Note = no_note,
    progress: Progress = no_progress,
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
    used_codes, layout
        See `gis.codes`.
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
    if sum(option is not None for option in (zones, max_weight)) + (seeds is not None) == 0:
        raise ParameterError("Say how many cells there should be, or the largest load of one, or give seeds.")
    coverage = read_units(units, crs, note=note)
    loads = read_loads(coverage, weights, hours)
