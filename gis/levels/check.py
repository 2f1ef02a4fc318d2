"""The check of cells over units: each unit used once, the rule of the level kept, borders those of units."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, Geometries, IntArray, ObjectArray
from gis.graph import NeighbourGraph
from gis.levels.members import is_same_ground
from gis.levels.unions import unite_units
from gis.levels.unit_rule import UnitRule
from gis.topology.findings import FindingCollector, format_area, join_codes
from gis.topology.polygon_layer import read_polygon_layer

UNIT_FINDING_KINDS = (
    "unit_unknown",
    "unit_repeated",
    "unit_missing",
    "unit_count",
    "unit_apart",
    "unit_area",
    "unit_border",
)
"""Every kind of finding about units, in the order of a report; all are errors."""

_NAMED = 3


def check_units(
    cells: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    members: pd.DataFrame,
    rule: UnitRule,
    *,
    crs: CRS,
    whole: bool = True,
) -> gpd.GeoDataFrame:
    """Check that cells are sets of whole units by a rule, and that their polygons are the unions of these.

    Parameters
    ----------
    cells
        In EPSG:4326 with a unique `code`.
    units
        In EPSG:4326 with a unique `code`, and `area_code`; a valid coverage.
    members
        A row for each unit of a cell: `cell` and `unit`, their codes.
    rule
        What the units of each cell must be.
    crs
        The metric CRS in which ground is measured.
    whole
        Each unit must be in a cell; if not, some may be in none.

    Returns
    -------
    GeoDataFrame
        Findings of `UNIT_FINDING_KINDS` with the columns of `gis.topology.findings`.
    """
    findings = FindingCollector(crs, UNIT_FINDING_KINDS)
    labels = cells["code"].to_numpy(dtype=object)
    cell = pd.Index(labels).get_indexer(members["cell"])
    unit = pd.Index(units["code"]).get_indexer(members["unit"])
    _add_unknown(findings, labels, cell, members["unit"].to_numpy(dtype=object), unit < 0)
    known = unit >= 0
    cell, unit = cell[known], unit[known]
    polygons = read_polygon_layer(units, crs).polygons
    names = units["code"].to_numpy(dtype=object)
    _add_repeated_and_missing(findings, names, polygons, labels, cell, unit, whole=whole)
    drawn = read_polygon_layer(cells, crs).polygons
    _add_counts(findings, labels, drawn, np.bincount(cell, minlength=len(cells)), rule)
    if rule.adjacent:
        _add_apart(findings, labels, drawn, units.geometry.to_numpy(), cell, unit)
    if rule.one_area:
        areas = units["area_code"].fillna("").to_numpy(dtype=object)
        _add_areas(findings, labels, drawn, cell, areas[unit])
    _add_borders(findings, cells, drawn, units, cell, unit, crs)
    return findings.to_frame()


def _add_unknown(
    findings: FindingCollector, labels: ObjectArray, cell: IntArray, codes: ObjectArray, unknown: BoolArray
) -> None:
    for row, named in _by_cell(cell[unknown], codes[unknown]):
        many = (
            f"{len(named):,} units that are not in force" if len(named) > 1 else "a unit that is not in force"
        )
        first = f"the first '{named[0]}'" if len(named) > 1 else f"'{named[0]}'"
        findings.add("unit_unknown", [labels[row]], [f"Cell {labels[row]} has {many}: {first}."], [None])


def _add_repeated_and_missing(
    findings: FindingCollector,
    names: ObjectArray,
    polygons: Geometries,
    labels: ObjectArray,
    cell: IntArray,
    unit: IntArray,
    *,
    whole: bool,
) -> None:
    area = shapely.area(polygons)
    times = np.bincount(unit, minlength=len(names))
    repeated = times[unit] > 1
    for row, users in _by_cell(unit[repeated], labels[cell[repeated]]):
        findings.add(
            "unit_repeated",
            [join_codes(users)],
            [f"Unit {names[row]} is in several cells: {', '.join(sorted(users))}."],
            [polygons[row]],
            [area[row]],
        )
    missing = np.flatnonzero(times == 0) if whole else np.empty(0, dtype=np.int64)
    findings.add(
        "unit_missing",
        list(names[missing]),
        [f"Unit {names[row]} ({format_area(area[row])}) is in no cell." for row in missing],
        polygons[missing],
        area[missing],
    )


def _add_counts(
    findings: FindingCollector, labels: ObjectArray, drawn: Geometries, count: IntArray, rule: UnitRule
) -> None:
    few = np.flatnonzero(count < rule.min)
    many = np.flatnonzero(count > rule.max) if rule.max is not None else few[:0]
    for rows, limit in ((few, f"at least {rule.min:,}"), (many, f"at most {rule.max or 0:,}")):
        findings.add(
            "unit_count",
            list(labels[rows]),
            [
                f"Cell {labels[row]} has {count[row]:,} {'unit' if count[row] == 1 else 'units'}; "
                f"{limit} must be."
                for row in rows
            ],
            drawn[rows],
            shapely.area(drawn[rows]),
        )


def _add_apart(
    findings: FindingCollector,
    labels: ObjectArray,
    drawn: Geometries,
    units: Geometries,
    cell: IntArray,
    unit: IntArray,
) -> None:
    """Add the cells whose units fall into groups without a common border."""
    graph = NeighbourGraph.from_polygons(units[unit], tolerance=0.0)
    groups = graph.select(cell[graph.rows()] == cell[graph.neighbours]).components()
    pairs = np.unique(np.stack([cell, groups], axis=1), axis=0)
    pieces = np.bincount(pairs[:, 0], minlength=len(labels))
    apart = np.flatnonzero(pieces > 1)
    findings.add(
        "unit_apart",
        list(labels[apart]),
        [
            f"The units of cell {labels[row]} lie in {pieces[row]:,} groups without a common border."
            for row in apart
        ],
        drawn[apart],
        shapely.area(drawn[apart]),
    )


def _add_areas(
    findings: FindingCollector, labels: ObjectArray, drawn: Geometries, cell: IntArray, areas: ObjectArray
) -> None:
    for row, named in _by_cell(cell, areas):
        different = sorted(set(named))
        if len(different) > 1:
            listed = ", ".join(area or "none" for area in different[:_NAMED])
            more = f" and {len(different) - _NAMED:,} more" if len(different) > _NAMED else ""
            findings.add(
                "unit_area",
                [labels[row]],
                [f"Cell {labels[row]} has units of {len(different):,} areas ({listed}{more}); one must be."],
                [drawn[row]],
                [shapely.area(drawn[row])],
            )


def _add_borders(
    findings: FindingCollector,
    cells: gpd.GeoDataFrame,
    drawn: Geometries,
    units: gpd.GeoDataFrame,
    cell: IntArray,
    unit: IntArray,
    crs: CRS,
) -> None:
    """Add the cells whose polygon is not, vertex by vertex, the union of their units."""
    united = unite_units(units.geometry.to_numpy()[unit], cell, len(cells))
    same = shapely.equals_identical(shapely.normalize(cells.geometry.to_numpy()), shapely.normalize(united))
    rows = np.flatnonzero(~same)
    if not len(rows):
        return
    unions = gpd.GeoSeries(united[rows], crs=cells.crs).to_crs(crs).to_numpy()
    change = shapely.symmetric_difference(drawn[rows], unions)
    area = shapely.area(change)
    rounding = is_same_ground(drawn[rows], unions)
    labels = cells["code"].to_numpy(dtype=object)[rows]
    findings.add(
        "unit_border",
        list(labels),
        [
            f"The border of cell {label} has not the vertices of its units."
            if close
            else f"Cell {label} differs from the union of its units by {format_area(size)}."
            for label, close, size in zip(labels, rounding, area, strict=True)
        ],
        change,
        area,
    )


def _by_cell(cell: IntArray, values: ObjectArray) -> list[tuple[int, Sequence[str]]]:
    """Return the values of each cell that has some, in the order of cells."""
    order = np.argsort(cell, kind="stable")
    rows, first = np.unique(cell[order], return_index=True)
    parts = np.split(values[order], first[1:]) if len(rows) else []
    return [(int(row), part.tolist()) for row, part in zip(rows, parts, strict=True)]
