"""The repair of cells into a coverage: overlaps resolved, blanks filled, vertices matched, or a refusal."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, IntArray
from gis.codes import normalize_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError, RefusedError
from gis.faces.noding import invalid_in_coverage, noding_cuts
from gis.measures import resolve_working_crs
from gis.progress import Progress, no_progress
from gis.topology.check import TopologyReport, check_topology
from gis.topology.face_graph import FaceGraph, RaggedArray
from gis.topology.findings import join_codes
from gis.topology.nesting import find_parents
from gis.topology.open_blanks import (
    NO_OPEN_BLANKS,
    OPEN_BLANK_WIDTH_M,
    OpenBlanks,
    find_open_blanks,
)
from gis.topology.overlaps_and_holes import union_polygons
from gis.topology.polygon_layer import (
    PolygonLayer,
    area_tolerance,
    read_polygon_layer,
    with_touching_vertices,
)
from gis.topology.refusals import refuse_harm, refuse_unexplained_changes
from gis.topology.repair_report import (
    blank_changes,
    build_change_frame,
    cell_change_table,
    reassignment_changes,
    summary_lines,
)
from gis.topology.resolve_faces import RepairConstraints, resolve_faces
from gis.topology.restore_vertices import restore_vertices
from gis.topology.split_blanks import split_open_blanks

MAX_WIDTH_M = 100.0
"""Blanks up to this width are taken for digitising errors; most lakes are wider."""

MAX_AREA_CHANGE = 0.5
"""The share of its area by which a cell may change."""

_STEPS = 6
_ATTEMPTS = 4
_MAX_LISTED = 5


@dataclass(frozen=True, eq=False)
class RepairResult:
    """The result of a repair.

    Attributes
    ----------
    cells
        EPSG:4326; rows, order and columns of the input, area_m2 and perimeter_m updated if present.
    changes
        Per cell code, area_before_m2, area_after_m2, change_m2, change_share, parts_before, parts_after.
    reassigned
        Contested ground and to which cell it went: kind "overlap", or "fragment" for ground that was cut off
        from its cell; codes, to_code, area_m2, detail, geometry in EPSG:4326.
    filled_blanks
        Blanks and to which cell they went, same columns.
    remaining_blanks
        Blanks that stay, same columns, to_code "".
    made_valid
        Codes of records whose own geometry was invalid, with the fault.
    crs
        The working CRS.
    """

    cells: gpd.GeoDataFrame
    changes: pd.DataFrame
    reassigned: gpd.GeoDataFrame
    filled_blanks: gpd.GeoDataFrame
    remaining_blanks: gpd.GeoDataFrame
    made_valid: dict[str, str]
    crs: CRS

    def largest_change(self) -> dict[str, Any]:
        """Return code, change_m2 and change_share of the cell that changed most; empty without cells."""
        if self.changes.empty:
            return {}
        row = self.changes.iloc[int(self.changes["change_m2"].abs().to_numpy().argmax())]
        return {
            "code": str(row["code"]),
            "change_m2": round(float(row["change_m2"]), 6),
            "change_share": round(float(row["change_share"]), 9),
        }

    def summary_lines(self) -> list[str]:
        """Return the repair in lines for a person."""
        return summary_lines(
            self.changes, self.reassigned, self.filled_blanks, self.remaining_blanks, len(self.made_valid)
        )

    def summary(self) -> dict[str, Any]:
        """Return counts and m² of what was done, and the largest change, for JSON."""

        def total(frame: gpd.GeoDataFrame) -> dict[str, float]:
            return {"count": len(frame), "area_m2": round(float(frame["area_m2"].sum()), 6)}

        kinds = self.reassigned["kind"]
        return {
            "cells": len(self.cells),
            "changed_cells": int((self.changes["change_m2"].abs() > 1e-3).sum()),
            "mended": len(self.made_valid),
            "overlaps_resolved": total(self.reassigned[kinds == "overlap"]),
            "fragments_moved": total(self.reassigned[kinds == "fragment"]),
            "blanks_filled": total(self.filled_blanks),
            "blanks_left": total(self.remaining_blanks),
            "largest_change": self.largest_change(),
        }


def repair_topology(
    cells: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None = None,
    *,
    max_width_m: float = MAX_WIDTH_M,
    max_area_change: float = MAX_AREA_CHANGE,
    crs: CRS | None = None,
    progress: Progress | None = None,
) -> RepairResult:
    """Repair cells into a valid coverage, keeping every cell, its code and its number of parts.

    All borders are noded on the grid of `gis.faces.arrangement`, and each face goes to one cell: the one that
    covers it; of several, a contained cell first, else the one with the longest border to its own ground,
    unless that would cut another in pieces; a narrow blank goes to the neighbour with the longest border. A
    vertex keeps its coordinates, and one is added only where borders meet, bend or would cross in longitude
    and latitude: a cell without a fault is returned unchanged.

    Parameters
    ----------
    cells
        With unique `code` and maybe `area_code`; in EPSG:4326, or in another CRS, from which it is projected
        straight into the working CRS.
    areas
        With `code`. Cells are clipped to their area (the one that `area_code` names, else the one with the
        largest share) and narrow blanks of the areas are filled; what the areas leave out stays out.
    max_width_m
        A blank into which a circle of a larger diameter fits is left and reported.
    max_area_change
        The share of its area by which a cell may shrink or grow.
    crs
        The working CRS; chosen from the extent of the areas, else of the cells, when not given.
    progress
        Called with (steps done, steps).

    Returns
    -------
    RepairResult
        Its cells pass `check_topology` with the same arguments, except for remaining blanks.

    Raises
    ------
    InputError
        If a record has no polygon, no code, another record's code, or names an area that does not exist.
    RefusedError
        If a cell would vanish, fall into more pieces or change by more than `max_area_change`, or the
        result is not valid.
    """
    working = resolve_working_crs(cells if areas is None else areas, crs)
    report_progress = progress or no_progress
    cell_layer = read_polygon_layer(cells, working)
    _check_repairable(cell_layer)
    before = check_topology(cells, areas, crs=working)
    report_progress(1, _STEPS)
    if before.is_valid and not invalid_in_coverage(np.asarray(to_lonlat(cells).geometry, dtype=object)).any():
        return _unchanged_result(cells, cell_layer)
    nodes = with_touching_vertices(cells)
    original, cell_layer = cell_layer, read_polygon_layer(nodes, working)
    area_layer = None if areas is None else read_polygon_layer(areas, working)
    area_of_cell = _find_cell_areas(cells, cell_layer, area_layer)
    constraints = RepairConstraints.from_layer(cell_layer, area_of_cell, max_width_m, max_area_change)
    cuts: Geometries = np.empty(0, dtype=object)
    open_blanks = split_open_blanks(before.open_blanks, constraints.rank)
    for attempt in range(1, _ATTEMPTS + 1):
        outcome = resolve_faces(
            cell_layer, area_layer, constraints, cuts, open_blanks=open_blanks, passes=attempt
        )
        report_progress(3, _STEPS)
        united = _merge_faces(outcome.face_graph, outcome.cell_of_face, cell_layer)
        lonlat, polygons = restore_vertices(united, nodes, areas, cuts, working)
        more = noding_cuts(polygons, working, lonlat)
        found = NO_OPEN_BLANKS if areas is not None else _find_open_blanks_of_coverage(polygons)
        opened = split_open_blanks(found, constraints.rank, open_blanks)
        if more is None and not len(opened.cells):
            break
        open_blanks = open_blanks.joined_with(opened)
        cuts = cuts if more is None else np.concatenate([cuts, more])
    report_progress(4, _STEPS)
    face_graph, blanks = outcome.face_graph, outcome.blanks
    changes = cell_change_table(original, polygons)
    refuse_harm(cell_layer, outcome, changes, max_area_change)
    refuse_unexplained_changes(cell_layer, outcome, changes)
    report_progress(5, _STEPS)
    result = RepairResult(
        cells=_with_measures(to_lonlat(cells).set_geometry(lonlat, crs=LONLAT), polygons),
        changes=changes,
        reassigned=build_change_frame(
            reassignment_changes("overlap", outcome.reassignments, cell_layer, face_graph)
            + reassignment_changes("fragment", outcome.reassigned_fragments, cell_layer, face_graph),
            working,
        ),
        filled_blanks=build_change_frame(
            blank_changes([one for one in blanks if one.assigned_cell >= 0], cell_layer, face_graph), working
        ),
        remaining_blanks=build_change_frame(
            blank_changes([one for one in blanks if one.assigned_cell < 0], cell_layer, face_graph), working
        ),
        made_valid={
            str(cell_layer.codes[k]): str(cell_layer.faults[k])
            for k in np.flatnonzero(cell_layer.faults != "")
        },
        crs=working,
    )
    _check_result(result, check_topology(result.cells, areas, crs=working))
    report_progress(_STEPS, _STEPS)
    return result


def _check_repairable(cell_layer: PolygonLayer) -> None:
    """Raise for records that cannot be repaired."""
    for row in np.flatnonzero(shapely.is_empty(cell_layer.polygons)).tolist():
        fault = cell_layer.faults[row] or "nothing of it remains as a polygon"
        raise InputError(
            f"{_describe_capitalized(cell_layer, row)} cannot be repaired: {fault}; mend or delete it."
        )
    for row in np.flatnonzero(cell_layer.codes == "").tolist():
        raise InputError(
            f"Record {row + 1} has no code; give it one, for the repair keeps cells by their codes."
        )
    repeated = np.flatnonzero(cell_layer.has_duplicate_code())
    if len(repeated):
        code = cell_layer.codes[repeated[0]]
        rows = np.flatnonzero(cell_layer.codes == code) + 1
        listed = ", ".join(str(row) for row in rows[:_MAX_LISTED])
        more = f" and {len(rows) - _MAX_LISTED:,} more" if len(rows) > _MAX_LISTED else ""
        raise InputError(
            f"Records {listed}{more} have the same code '{code}'; give each its own, or delete all but one."
        )


def _find_open_blanks_of_coverage(polygons: Geometries) -> OpenBlanks:
    return find_open_blanks(polygons, union_polygons(polygons, coverage=True), OPEN_BLANK_WIDTH_M)


def _find_cell_areas(
    cells: gpd.GeoDataFrame, cell_layer: PolygonLayer, areas: PolygonLayer | None
) -> IntArray:
    """Return the row of each cell's area; zeros without areas."""
    if areas is None:
        return np.zeros(len(cell_layer), dtype=np.int64)
    named = (
        normalize_codes(cells["area_code"])
        if "area_code" in cells.columns
        else np.full(len(cell_layer), "", dtype=object)
    )
    unknown = np.flatnonzero((named != "") & ~np.isin(named, areas.codes))
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"{_describe_capitalized(cell_layer, row)} names the area '{named[row]}', "
            "which is not among the areas; mend its "
            "area_code."
        )
    area_of_cell = find_parents(cell_layer.polygons, areas, named)
    without_area = np.flatnonzero(area_of_cell < 0)
    if len(without_area):
        raise RefusedError(
            f"Cell {cell_layer.codes[without_area[0]]} lies wholly outside the areas "
            "and nothing of it would remain; "
            "delete it or give its area."
        )
    return area_of_cell


def _merge_faces(face_graph: FaceGraph, cell_of_face: IntArray, cell_layer: PolygonLayer) -> Geometries:
    """Return each cell as the union of its faces."""
    owned = np.flatnonzero(cell_of_face >= 0)
    grouped = RaggedArray.from_pairs(cell_of_face[owned], owned, len(cell_layer))
    sizes = grouped.lengths()
    without_faces = np.flatnonzero(sizes == 0)
    if len(without_faces):
        row = int(without_faces[0])
        rivals = [
            cell_layer.codes[c]
            for face in face_graph.candidate_faces.values_of(row).tolist()
            for c in face_graph.candidate_cells.values_of(face)
            if c != row
        ]
        why = (
            f"the ground of cell {join_codes(rivals)} covers it"
            if rivals
            else "none of its ground lies in its area"
        )
        raise RefusedError(f"Cell {cell_layer.codes[row]} would vanish: {why}; leave one of them out.")
    polygons = np.empty(len(cell_layer), dtype=object)
    single = np.flatnonzero(sizes == 1)
    polygons[single] = face_graph.faces[grouped.values[grouped.offsets[single]]]
    for row in np.flatnonzero(sizes > 1).tolist():
        polygons[row] = shapely.coverage_union_all(face_graph.faces[grouped.values_of(row)])
    return polygons


def _check_result(result: RepairResult, report: TopologyReport) -> None:
    """Raise if the result does not pass the check, except for remaining blanks."""
    errors = report.findings[report.findings["severity"] == "error"]
    blanks = errors[errors["kind"] == "blank"]
    # By their ground, because a blank can have hairlines along the border of its area.
    blank_polygons = np.asarray(blanks.geometry.to_crs(result.crs), dtype=object)
    stays = shapely.union_all(np.asarray(result.remaining_blanks.geometry.to_crs(result.crs), dtype=object))
    beyond = shapely.area(blank_polygons) - shapely.area(shapely.intersection(blank_polygons, stays))
    known = beyond <= area_tolerance(blank_polygons)
    others = pd.concat([errors[errors["kind"] != "blank"], blanks[~known]])
    if len(others):
        raise RefusedError(f"The repair does not reach a valid coverage: {others['detail'].iloc[0]}")


def _unchanged_result(cells: gpd.GeoDataFrame, cell_layer: PolygonLayer) -> RepairResult:
    """Return cells that are valid already."""
    return RepairResult(
        cells=_with_measures(cells.to_crs(LONLAT), cell_layer.polygons),
        changes=cell_change_table(cell_layer, cell_layer.polygons),
        reassigned=build_change_frame([], cell_layer.crs),
        filled_blanks=build_change_frame([], cell_layer.crs),
        remaining_blanks=build_change_frame([], cell_layer.crs),
        made_valid={},
        crs=cell_layer.crs,
    )


def _with_measures(cells: gpd.GeoDataFrame, polygons: Geometries) -> gpd.GeoDataFrame:
    """Refresh the measures that the cells carry."""
    fresh: dict[str, FloatArray] = {
        "area_m2": shapely.area(polygons),
        "perimeter_m": shapely.length(polygons),
    }
    return cells.assign(**{name: values for name, values in fresh.items() if name in cells.columns})


def _describe_capitalized(cell_layer: PolygonLayer, row: int) -> str:
    """Describe a record at the start of a sentence."""
    name = cell_layer.describe(row)
    return name[0].upper() + name[1:]
