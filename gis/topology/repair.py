"""The repair of cells into a coverage: overlaps awarded, blanks filled, vertices matched, or a refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.codes import code_texts
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError, RefusedError
from gis.faces.noding import steadying_cuts, unsound
from gis.measures import accepted_crs
from gis.topology.check import Report, check
from gis.topology.face_graph import Index, Lists, Mosaic
from gis.topology.findings import join_codes, metres2
from gis.topology.nesting import TOLERANCE_M2, parents
from gis.topology.polygon_layer import Geometries, Records, read_records
from gis.topology.repair_report import awarded, blank, change_table, deed_frame, story
from gis.topology.resolve_faces import Outcome, Terms, settle
from gis.topology.restore_vertices import restore

Progress = Callable[[int, int], None]

MAX_WIDTH_M = 100.0
"""Blanks up to this width are taken for errors of digitising; a lake is mostly wider."""

MAX_AREA_CHANGE = 0.5
"""The share of its area by which a cell may change."""

_STEPS = 6
_ATTEMPTS = 4
_LISTED = 5


@dataclass(frozen=True, eq=False)
class Repair:
    """What a repair made, and how.

    Attributes
    ----------
    cells
        EPSG:4326; rows, order and columns of the input, area_m2 and perimeter_m made fresh if present.
    changes
        Per cell code, area_before_m2, area_after_m2, change_m2, change_share, parts_before, parts_after.
    resolved
        Contested ground and to which cell it went: kind "overlap", or "fragment" for ground that was cut off
        from its cell; codes, to_code, area_m2, detail, geometry in EPSG:4326.
    filled
        Blanks and to which cell they went, same columns.
    left
        Blanks that stay, same columns, to_code "".
    mended
        Codes of records whose own geometry was invalid, with the fault.
    crs
        The working CRS.
    """

    cells: gpd.GeoDataFrame
    changes: pd.DataFrame
    resolved: gpd.GeoDataFrame
    filled: gpd.GeoDataFrame
    left: gpd.GeoDataFrame
    mended: dict[str, str]
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

    def lines(self) -> list[str]:
        """Tell the repair in lines for a person."""
        return story(self.changes, self.resolved, self.filled, self.left, len(self.mended))

    def summary(self) -> dict[str, Any]:
        """Return counts and m² of what was done, and the largest change, for JSON."""

        def total(frame: gpd.GeoDataFrame) -> dict[str, float]:
            return {"count": len(frame), "area_m2": round(float(frame["area_m2"].sum()), 6)}

        kinds = self.resolved["kind"]
        return {
            "cells": len(self.cells),
            "changed_cells": int((self.changes["change_m2"].abs() > 1e-3).sum()),
            "mended": len(self.mended),
            "overlaps_resolved": total(self.resolved[kinds == "overlap"]),
            "fragments_moved": total(self.resolved[kinds == "fragment"]),
            "blanks_filled": total(self.filled),
            "blanks_left": total(self.left),
            "largest_change": self.largest_change(),
        }


def repair(
    cells: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None = None,
    *,
    max_width_m: float = MAX_WIDTH_M,
    max_area_change: float = MAX_AREA_CHANGE,
    crs: CRS | None = None,
    progress: Progress | None = None,
) -> Repair:
    """Mend cells into a valid coverage, keeping every cell with its code, alive and whole.

    Every border is cut with every other on the grid of `gis.faces.arrangement.faces`, and each face goes to
    one cell: the one that covers it; of several, a contained cell first, else the one with the longest border
    to its own ground, but none is cut in pieces for it; a narrow blank goes to the neighbour with the longest
    border. A vertex keeps its coordinates, and one is added only where borders meet, bend or would cross in
    longitude and latitude: a cell that nothing has to change comes back as it is.

    Parameters
    ----------
    cells
        With unique `code` and maybe `area_code`; in EPSG:4326, or in another CRS, from which it is projected
        straight into the working CRS.
    areas
        With `code`. Cells are cut off at the border of their area (the one `area_code` names, else the one
        with the largest share) and narrow blanks of the areas are filled; what the areas leave out stays out.
    max_width_m
        A blank into which a circle of a larger diameter fits is left, and told.
    max_area_change
        The share of its area by which a cell may shrink or grow.
    crs
        The working CRS; chosen from the extent of the areas, else of the cells, when not given.
    progress
        Called with (steps done, steps).

    Returns
    -------
    Repair
        Its cells pass `check` with the same arguments but for the blanks left.

    Raises
    ------
    InputError
        If a record has no polygon, no code, another record's code, or names an area that is not there.
    RefusedError
        If a cell would vanish, fall into more pieces or change by more than `max_area_change`, or the
        result is not valid.
    """
    working = accepted_crs(cells if areas is None else areas, crs)
    tell = progress or _silent
    records = read_records(cells, working)
    _accept(records)
    before = check(cells, areas, crs=working)
    tell(1, _STEPS)
    if before.valid and not unsound(np.asarray(to_lonlat(cells).geometry, dtype=object)).any():
        return _unchanged(cells, records)
    ground = None if areas is None else read_records(areas, working)
    home = _homes(cells, records, ground)
    terms = Terms.of(records, home, max_width_m, max_area_change)
    cuts: Geometries = np.empty(0, dtype=object)
    for attempt in range(1, _ATTEMPTS + 1):
        outcome = settle(records, ground, terms, cuts, passes=attempt)
        tell(3, _STEPS)
        united = _unite(outcome.mosaic, outcome.owner, records)
        degrees, polygons = restore(united, cells, areas, cuts, working)
        more = steadying_cuts(polygons, working)
        if more is None:
            break
        cuts = np.concatenate([cuts, more])
    tell(4, _STEPS)
    mosaic, blanks = outcome.mosaic, outcome.blanks
    changes = change_table(records, polygons)
    _guard(records, changes, max_area_change)
    _explain(records, outcome, changes)
    tell(5, _STEPS)
    result = Repair(
        cells=_with_measures(to_lonlat(cells).set_geometry(degrees, crs=LONLAT), polygons),
        changes=changes,
        resolved=deed_frame(
            awarded("overlap", outcome.awards, records, mosaic)
            + awarded("fragment", outcome.fragments, records, mosaic),
            working,
        ),
        filled=deed_frame(blank([one for one in blanks if one.winner >= 0], records, mosaic), working),
        left=deed_frame(blank([one for one in blanks if one.winner < 0], records, mosaic), working),
        mended={str(records.codes[k]): str(records.faults[k]) for k in np.flatnonzero(records.faults != "")},
        crs=working,
    )
    _verify(result, check(result.cells, areas, crs=working))
    tell(_STEPS, _STEPS)
    return result


def _accept(records: Records) -> None:
    """Refuse records that cannot be repaired."""
    for row in np.flatnonzero(shapely.is_empty(records.polygons)).tolist():
        fault = records.faults[row] or "nothing of it remains as a polygon"
        raise InputError(f"{_start(records, row)} cannot be repaired: {fault}; mend or delete it.")
    for row in np.flatnonzero(records.codes == "").tolist():
        raise InputError(
            f"Record {row + 1} has no code; give it one, for the repair keeps cells by their codes."
        )
    repeated = np.flatnonzero(records.repeated())
    if len(repeated):
        code = records.codes[repeated[0]]
        rows = np.flatnonzero(records.codes == code) + 1
        listed = ", ".join(str(row) for row in rows[:_LISTED])
        more = f" and {len(rows) - _LISTED:,} more" if len(rows) > _LISTED else ""
        raise InputError(
            f"Records {listed}{more} have the same code '{code}'; give each its own, or delete all but one."
        )


def _homes(cells: gpd.GeoDataFrame, records: Records, areas: Records | None) -> Index:
    """Return the row of each cell's area; zeros without areas."""
    if areas is None:
        return np.zeros(len(records), dtype=np.int64)
    named = (
        code_texts(cells["area_code"])
        if "area_code" in cells.columns
        else np.full(len(records), "", dtype=object)
    )
    unknown = np.flatnonzero((named != "") & ~np.isin(named, areas.codes))
    if len(unknown):
        row = int(unknown[0])
        raise InputError(
            f"{_start(records, row)} names the area '{named[row]}', which is not among the areas; mend its "
            "area_code."
        )
    home = parents(records.polygons, areas, named)
    astray = np.flatnonzero(home < 0)
    if len(astray):
        raise RefusedError(
            f"Cell {records.codes[astray[0]]} lies wholly outside the areas and nothing of it would remain; "
            "delete it or give its area."
        )
    return home


def _unite(mosaic: Mosaic, owner: Index, records: Records) -> Geometries:
    """Return each cell as the union of its faces."""
    owned = np.flatnonzero(owner >= 0)
    grouped = Lists.group(owner[owned], owned, len(records))
    sizes = grouped.sizes()
    dead = np.flatnonzero(sizes == 0)
    if len(dead):
        row = int(dead[0])
        rivals = [
            records.codes[c]
            for face in mosaic.claimed.of(row).tolist()
            for c in mosaic.claims.of(face)
            if c != row
        ]
        why = (
            f"the ground of cell {join_codes(rivals)} covers it"
            if rivals
            else "none of its ground lies in its area"
        )
        raise RefusedError(f"Cell {records.codes[row]} would vanish: {why}; delete it or redraw one of them.")
    polygons = np.empty(len(records), dtype=object)
    single = np.flatnonzero(sizes == 1)
    polygons[single] = mosaic.faces[grouped.values[grouped.starts[single]]]
    for row in np.flatnonzero(sizes > 1).tolist():
        polygons[row] = shapely.coverage_union_all(mosaic.faces[grouped.of(row)])
    return polygons


def _guard(records: Records, changes: pd.DataFrame, max_area_change: float) -> None:
    """Refuse if a cell fell into more pieces or changed too much."""
    split = np.flatnonzero(changes["parts_after"].to_numpy() > changes["parts_before"].to_numpy())
    if len(split):
        row = changes.iloc[int(split[0])]
        raise RefusedError(
            f"Cell {row['code']} would fall from {row['parts_before']} into {row['parts_after']} pieces; "
            "redraw it or the cells that overlap it."
        )
    share = changes["change_share"].to_numpy(dtype=float)
    worst = int(np.abs(share).argmax()) if len(share) else 0
    if len(share) and abs(share[worst]) > max_area_change:
        how = "grow" if share[worst] > 0 else "shrink"
        ground = metres2(abs(float(changes["change_m2"].iloc[worst])))
        raise RefusedError(
            f"Cell {records.codes[worst]} would {how} by {abs(share[worst]):.0%} ({ground}), more than the "
            f"{max_area_change:.0%} allowed; redraw it, or allow a larger change of area."
        )


def _explain(records: Records, outcome: Outcome, changes: pd.DataFrame) -> None:
    """Refuse if a cell's change is not the sum of the deeds told."""
    mosaic = outcome.mosaic
    expected = np.zeros(len(records))
    claimant = np.repeat(np.arange(len(records)), mosaic.claimed.sizes())
    np.add.at(expected, claimant, mosaic.size[mosaic.claimed.values])
    for award in outcome.awards + outcome.fragments:
        ground = mosaic.size[award.faces].sum()
        for cell in award.claimants:
            expected[cell] -= ground if cell != award.winner else 0.0
        if award.winner not in award.claimants:
            expected[award.winner] += ground
    for one in outcome.blanks:
        if one.winner >= 0:
            expected[one.winner] += mosaic.size[one.faces].sum()
    after = changes["area_after_m2"].to_numpy(dtype=float)
    wrong = np.flatnonzero(np.abs(after - expected) > TOLERANCE_M2)
    if len(wrong):
        raise RefusedError(
            f"Cell {records.codes[wrong[0]]} would change by more than its overlaps and blanks explain; "
            "redraw it."
        )


def _verify(result: Repair, report: Report) -> None:
    """Refuse a result that the check does not pass, but for the blanks left."""
    errors = report.findings[report.findings["severity"] == "error"]
    bare = errors[errors["kind"] == "blank"]
    # By their ground, for a blank can trail hairlines along the border of its area.
    ground = np.asarray(bare.geometry.to_crs(result.crs), dtype=object)
    stays = shapely.union_all(np.asarray(result.left.geometry.to_crs(result.crs), dtype=object))
    known = shapely.area(ground) - shapely.area(shapely.intersection(ground, stays)) <= TOLERANCE_M2
    others = pd.concat([errors[errors["kind"] != "blank"], bare[~known]])
    if len(others):
        raise RefusedError(f"The repair does not reach a valid coverage: {others['detail'].iloc[0]}")


def _unchanged(cells: gpd.GeoDataFrame, records: Records) -> Repair:
    """Return cells that are valid already."""
    return Repair(
        cells=_with_measures(cells.to_crs(LONLAT), records.polygons),
        changes=change_table(records, records.polygons),
        resolved=deed_frame([], records.crs),
        filled=deed_frame([], records.crs),
        left=deed_frame([], records.crs),
        mended={},
        crs=records.crs,
    )


def _with_measures(cells: gpd.GeoDataFrame, polygons: Geometries) -> gpd.GeoDataFrame:
    """Refresh the measures that the cells carry."""
    fresh: dict[str, NDArray[np.float64]] = {
        "area_m2": shapely.area(polygons),
        "perimeter_m": shapely.length(polygons),
    }
    return cells.assign(**{name: values for name, values in fresh.items() if name in cells.columns})


def _start(records: Records, row: int) -> str:
    """Name a record at the start of a sentence."""
    name = records.name(row)
    return name[0].upper() + name[1:]


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
