"""Changes between two plans of cells over the same ground: by code, and piece by piece of ground."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.crosswalk import Crosswalk, PlanCells, build_crosswalk, read_plans
from gis.crs import LONLAT, choose_working_crs
from gis.errors import InputError
from gis.faces.overlay import OverlayTolerance
from gis.measures import resolve_working_crs
from gis.progress import Progress, no_progress

CHANGE_KINDS = ("unchanged", "redrawn", "moved_border", "renamed", "added", "removed", "split", "merged")
"""Changes of a code; those of a piece of ground are the same without "unchanged" and "redrawn"."""

ROUNDING_WIDTH_M = 0.02
"""Above what rounding to seven decimals of a degree does to a border."""

PART_SHARE = 0.9
"""A cell counts as part of another when at least this share of it lies there.

The parts of a split or merged cell together also fill at least this share of it.
"""

_PART_THRESHOLD = PART_SHARE * (
    1 - 1e-9
)  # nine squares of ten are 0.9 of them, whatever rounding made of their areas


@dataclass(frozen=True, eq=False)
class PlanDiff:
    """What changed from an old plan to a new one.

    Attributes
    ----------
    pieces
        EPSG:4326; one row per pair of owners of changed ground: old_code, new_code (None: in no cell), kind,
        area_m2, geometry (MultiPolygon or Polygon). Ground that keeps its code is not listed. Where the cells
        of one plan overlap, ground counts once per pair.
    codes
        One row per code of either plan, sorted: code, kind (see `CHANGE_KINDS`), area_before_m2,
        area_after_m2, gained_m2, lost_m2, before (the list of codes that its ground had, most ground first),
        after (those that its former ground has).
    """

    pieces: gpd.GeoDataFrame
    codes: pd.DataFrame

    @property
    def is_unchanged(self) -> bool:
        """Nothing changed."""
        return bool((self.codes["kind"] == "unchanged").all())

    def summary(self) -> dict[str, Any]:
        """Return codes per kind, and m² that changed owner, were renamed, added or removed, for JSON."""
        area = self.pieces["area_m2"]
        added, removed = self.pieces["old_code"].isna(), self.pieces["new_code"].isna()
        renamed = self.pieces["kind"] == "renamed"
        counts = self.codes["kind"].value_counts()
        return {
            "codes": {kind: int(counts.get(kind, 0)) for kind in CHANGE_KINDS},
            "pieces": len(self.pieces),
            "changed_owner_m2": round(float(area[~(added | removed | renamed)].sum()), 2),
            "renamed_m2": round(float(area[renamed].sum()), 2),
            "added_m2": round(float(area[added].sum()), 2),
            "removed_m2": round(float(area[removed].sum()), 2),
        }


def diff_plans(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    *,
    crs: CRS | None = None,
    min_area_m2: float = 0.01,
    min_width_m: float = ROUNDING_WIDTH_M,
    progress: Progress | None = None,
) -> PlanDiff:
    """Compare two plans by code and by ground.

    Cells with the same code and the same geometry are recognised first and cost almost nothing; only the
    others are overlaid.

    Parameters
    ----------
    old, new
        With unique `code` and polygons, in any CRS; empty cells have no ground, invalid ones are compared as
        `shapely.make_valid` reads them.
    crs
        Metric working CRS for both; chosen from the extent of both when not given.
    min_area_m2, min_width_m
        Pieces of ground up to this size, or on average up to this width, are no change. A larger width than
        the default leaves out what two editions of the same borders differ by because they were drawn twice.
    progress
        Called with (steps done, steps).

    Returns
    -------
    PlanDiff
        A code is *unchanged* when its ground is, but for `ROUNDING_WIDTH_M`; *redrawn* when it has changed by
        no more than the least width; *renamed* when the same ground has another code; *split*
        when several new cells are parts of its old ground and fill it (the new codes too); *merged* when
        several old cells are parts of its new ground and fill it (the old codes too); otherwise
        *moved_border*, *added* or *removed*. `PART_SHARE` defines what counts as a part.

    Raises
    ------
    InputError
        If a code is missing or used twice, a layer names no CRS, the plans share no ground, or areas in the
        given working CRS differ from their true size.
    """
    report_progress = progress or no_progress
    working = (
        choose_working_crs(old, new)
        if crs is None
        else resolve_working_crs(new, resolve_working_crs(old, crs))
    )
    before, after = read_plans(old, new, working)
    report_progress(1, 4)
    new_row_of = pd.Index(after.codes).get_indexer(pd.Index(before.codes))
    tolerance = OverlayTolerance(min_area_m2, min_width_m)
    unchanged = _is_unchanged(before, after, new_row_of, tolerance)
    rounding = OverlayTolerance(min_area_m2, min(min_width_m, ROUNDING_WIDTH_M))
    same = np.where(unchanged, new_row_of, -1)
    exact = unchanged if tolerance == rounding else _is_unchanged(before, after, same, rounding)
    redrawn = unchanged & ~exact
    report_progress(2, 4)
    changed_old = np.flatnonzero(~unchanged)
    kept = np.zeros(len(after.codes), dtype=bool)
    kept[new_row_of[unchanged]] = True
    changed_new = np.flatnonzero(~kept)
    overlay = build_crosswalk(before, after, changed_old, changed_new, tolerance)
    common = bool(unchanged.any() or ((overlay.old_row >= 0) & (overlay.new_row >= 0)).any())
    if not common and before.area_m2.any() and after.area_m2.any():
        raise InputError("The two plans share no ground; compare plans of one place.")
    report_progress(3, 4)
    overlay, renamed = _find_renamed(before, after, overlay, tolerance)
    kinds = _ChangeKinds(before, after, overlay, renamed, new_row_of, unchanged)
    for cells, rows in ((kinds.old_cells, redrawn), (kinds.new_cells, new_row_of[redrawn])):
        cells[rows] = "redrawn"
    pieces = _piece_frame(before, after, overlay, kinds, working)
    table = _code_table(before, after, overlay, kinds)
    report_progress(4, 4)
    return PlanDiff(pieces, table)


def _is_unchanged(
    before: PlanCells, after: PlanCells, new_row_of: IntArray, tolerance: OverlayTolerance
) -> BoolArray:
    """Return for each old cell whether the new cell of the same code has the same ground."""
    unchanged: BoolArray = np.zeros(len(before.codes), dtype=bool)
    rows = np.flatnonzero(new_row_of >= 0)
    unchanged[rows] = tolerance.are_equal(before.geometries[rows], after.geometries[new_row_of[rows]])
    return unchanged


def _find_renamed(
    before: PlanCells, after: PlanCells, overlay: Crosswalk, tolerance: OverlayTolerance
) -> tuple[Crosswalk, BoolArray]:
    """Return which flows are a whole cell under another code, and drop what else such cells overlap."""
    is_renamed: BoolArray = np.zeros(len(overlay.old_row), dtype=bool)
    pair = np.flatnonzero((overlay.old_row >= 0) & (overlay.new_row >= 0))
    # Only cells of nearly one size can have the same ground.
    near = (
        np.maximum(before.area_m2[overlay.old_row[pair]], after.area_m2[overlay.new_row[pair]])
        <= overlay.area_m2[pair] * 1.05
    )
    pair = pair[near & (before.codes[overlay.old_row[pair]] != after.codes[overlay.new_row[pair]])]
    is_renamed[pair] = tolerance.are_equal(
        before.geometries[overlay.old_row[pair]], after.geometries[overlay.new_row[pair]]
    )
    done_old = np.isin(overlay.old_row, overlay.old_row[is_renamed])
    done_new = np.isin(overlay.new_row, overlay.new_row[is_renamed])
    kept = is_renamed | ~(done_old & done_new)
    return Crosswalk(
        overlay.old_row[kept], overlay.new_row[kept], overlay.geometries[kept], overlay.area_m2[kept]
    ), is_renamed[kept]


class _ChangeKinds:
    """What happened to each old and each new cell, and to each flow of ground between them."""

    def __init__(
        self,
        before: PlanCells,
        after: PlanCells,
        overlay: Crosswalk,
        renamed: BoolArray,
        new_row_of: IntArray,
        unchanged: BoolArray,
    ) -> None:
        both = (overlay.old_row >= 0) & (overlay.new_row >= 0)
        old, new = overlay.old_row[both], overlay.new_row[both]
        area = overlay.area_m2[both]
        in_old = area >= _PART_THRESHOLD * after.area_m2[new]
        in_new = area >= _PART_THRESHOLD * before.area_m2[old]
        split = in_old & _is_filled_by_parts(old, area, in_old, before.area_m2)
        merged = in_new & _is_filled_by_parts(new, area, in_new, after.area_m2)

        self.old_cells: ObjectArray = np.where(new_row_of >= 0, "moved_border", "removed").astype(object)
        known = np.zeros(len(after.codes), dtype=bool)
        known[new_row_of[new_row_of >= 0]] = True
        self.new_cells: ObjectArray = np.where(known, "moved_border", "added").astype(object)
        self.pieces: ObjectArray = np.where(overlay.old_row < 0, "added", "moved_border").astype(object)
        self.pieces[overlay.new_row < 0] = "removed"
        pair = np.flatnonzero(both)
        for kind, chosen in (("merged", merged), ("split", split), ("renamed", renamed[both])):
            self.old_cells[old[chosen]] = kind
            self.new_cells[new[chosen]] = kind
            self.pieces[pair[chosen]] = kind
        self.old_cells[unchanged] = "unchanged"
        self.new_cells[new_row_of[unchanged]] = "unchanged"


def _is_filled_by_parts(whole: IntArray, area: FloatArray, part: BoolArray, size: FloatArray) -> BoolArray:
    """Return for each flow whether its whole has several parts that together fill it."""
    count = np.bincount(whole[part], minlength=len(size))
    total = np.bincount(whole[part], weights=area[part], minlength=len(size))
    return np.asarray(((count >= 2) & (total >= _PART_THRESHOLD * size))[whole])


def _piece_frame(
    before: PlanCells, after: PlanCells, overlay: Crosswalk, kinds: _ChangeKinds, crs: CRS
) -> gpd.GeoDataFrame:
    old, new = _codes_of_rows(before.codes, overlay.old_row), _codes_of_rows(after.codes, overlay.new_row)
    moved = np.flatnonzero(old != new)
    order = moved[np.lexsort((new[moved].astype(str), old[moved].astype(str)))]
    frame = gpd.GeoDataFrame(
        {
            "old_code": pd.Series(old[order], dtype=object),
            "new_code": pd.Series(new[order], dtype=object),
            "kind": pd.Series(kinds.pieces[order], dtype=object),
            "area_m2": overlay.area_m2[order],
        },
        geometry=gpd.GeoSeries(overlay.geometries[order], crs=crs),
    )
    return frame.to_crs(LONLAT)


def _codes_of_rows(codes: ObjectArray, rows: IntArray) -> ObjectArray:
    result: ObjectArray = np.full(len(rows), None, dtype=object)
    result[rows >= 0] = codes[rows[rows >= 0]]
    return result


def _code_table(before: PlanCells, after: PlanCells, overlay: Crosswalk, kinds: _ChangeKinds) -> pd.DataFrame:
    old, new = _codes_of_rows(before.codes, overlay.old_row), _codes_of_rows(after.codes, overlay.new_row)
    shared_areas = pd.DataFrame({"old": old, "new": new, "area": overlay.area_m2}).sort_values(
        ["area", "old", "new"], ascending=[False, True, True]
    )
    moved = shared_areas[shared_areas["old"].ne(shared_areas["new"])]
    codes = pd.Index(np.unique(np.concatenate([before.codes, after.codes]).astype(str)).astype(object))
    was, now = pd.Series(kinds.old_cells, index=before.codes), pd.Series(kinds.new_cells, index=after.codes)
    rank = {kind: place for place, kind in enumerate(("unchanged", "redrawn", "renamed", "split", "merged"))}
    table = pd.DataFrame({"was": was.reindex(codes), "now": now.reindex(codes)}, index=codes)
    first = table["was"].map(rank).fillna(9).le(table["now"].map(rank).fillna(9)) & table["was"].notna()
    kind = table["was"].where(first | table["now"].isna(), table["now"])
    stays = kind.isin(["unchanged", "redrawn"])
    result = {
        "code": codes,
        "kind": kind.to_numpy(dtype=object),
        "area_before_m2": pd.Series(before.area_m2, index=before.codes).reindex(codes).fillna(0.0).to_numpy(),
        "area_after_m2": pd.Series(after.area_m2, index=after.codes).reindex(codes).fillna(0.0).to_numpy(),
        "gained_m2": moved.groupby("new")["area"].sum().reindex(codes).fillna(0.0).to_numpy(),
        "lost_m2": moved.groupby("old")["area"].sum().reindex(codes).fillna(0.0).to_numpy(),
    }
    for column, mine, other in (("before", "new", "old"), ("after", "old", "new")):
        known = shared_areas[shared_areas["old"].notna() & shared_areas["new"].notna()]
        lists = known.groupby(mine, sort=False)[other].agg(list)
        # A cell that stays was not overlaid.
        result[column] = [[code] if stays[code] else list(lists.get(code, [])) for code in codes]
    return pd.DataFrame(result)
