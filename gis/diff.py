"""What changed between two plans of cells over the same ground: by code, and piece by piece of ground."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.codes import required_codes
from gis.crs import LONLAT, choose_crs, to_lonlat, to_working
from gis.errors import InputError
from gis.faces.overlay import Rounding, polygonal
from gis.measures import accepted_crs

Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Objects = NDArray[np.object_]

KINDS = ("unchanged", "moved_border", "renamed", "added", "removed", "split", "merged")
"""What can have happened to a code; to a piece of ground the same but for unchanged."""

PART_SHARE = 0.9
"""A cell counts as part of another when at least this share of it lies there.

The parts of a split or merged cell together also fill at least this share of it.
"""

_PART = PART_SHARE * (1 - 1e-9)  # nine squares of ten are 0.9 of them, whatever rounding made of their areas

_CHUNK = 20_000


@dataclass(frozen=True, eq=False)
class Diff:
    """What changed from an old plan to a new one.

    Attributes
    ----------
    pieces
        EPSG:4326; one row per pair of owners of changed ground: old_code, new_code (None: in no cell), kind,
        area_m2, geometry (MultiPolygon or Polygon). Ground that keeps its code is not listed. Where the cells
        of one plan overlap, ground counts once per pair.
    codes
        One row per code of either plan, sorted: code, kind (see `KINDS`), area_before_m2, area_after_m2,
        gained_m2, lost_m2, before (the codes its ground had, comma-joined, most ground first), after (the
        codes its former ground has).
    """

    pieces: gpd.GeoDataFrame
    codes: pd.DataFrame

    @property
    def same(self) -> bool:
        """Nothing changed."""
        return bool((self.codes["kind"] == "unchanged").all())

    def summary(self) -> dict[str, Any]:
        """Return for JSON: codes per kind, and m² that changed owner, were renamed, added or removed."""
        area = self.pieces["area_m2"]
        added, removed = self.pieces["old_code"].isna(), self.pieces["new_code"].isna()
        renamed = self.pieces["kind"] == "renamed"
        counts = self.codes["kind"].value_counts()
        return {
            "codes": {kind: int(counts.get(kind, 0)) for kind in KINDS},
            "pieces": len(self.pieces),
            "changed_owner_m2": round(float(area[~(added | removed | renamed)].sum()), 2),
            "renamed_m2": round(float(area[renamed].sum()), 2),
            "added_m2": round(float(area[added].sum()), 2),
            "removed_m2": round(float(area[removed].sum()), 2),
        }


@dataclass(frozen=True, eq=False)
class _Plan:
    codes: Objects
    shapes: Objects
    area: Floats


def diff(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    *,
    crs: CRS | None = None,
    min_area_m2: float = 0.01,
    min_width_m: float = 0.02,
    progress: Progress | None = None,
) -> Diff:
    """Compare two plans by code and by ground.

    Cells with the same code and the same geometry are recognised first and cost next to nothing; only the
    ground of the others is overlaid.

    Parameters
    ----------
    old, new
        With unique `code` and polygons, in any CRS; empty cells have no ground, invalid ones are compared as
        `shapely.make_valid` reads them.
    crs
        Metric working CRS for both; chosen from the extent of both when not given.
    min_area_m2, min_width_m
        Pieces of ground up to this size, or on average up to this width, are rounding and no change. The
        default width is above what seven decimals of a degree do to a border.
    progress
        Called with (steps done, steps).

    Returns
    -------
    Diff
        A code is *unchanged* when its ground is; *renamed* when the same ground has another code; *split*
        when several new cells are parts of its old ground and fill it (the new codes too); *merged* when
        several old cells are parts of its new ground and fill it (the old codes too); otherwise
        *moved_border*, *added* or *removed*. What is a part says `PART_SHARE`.

    Raises
    ------
    InputError
        If a code is missing or used twice, a layer names no CRS, the plans share no ground, or areas in the
        working CRS named are not as large as they are.
    """
    tell = progress or (lambda _done, _total: None)
    working = choose_crs(old, new) if crs is None else accepted_crs(new, accepted_crs(old, crs))
    before, after = _plans(old, new, working)
    tell(1, 4)
    position = pd.Index(after.codes).get_indexer(pd.Index(before.codes))
    rounding = Rounding(min_area_m2, min_width_m)
    same = _unchanged(before, after, position, rounding)
    tell(2, 4)
    changed_old = np.flatnonzero(~same)
    kept = np.zeros(len(after.codes), dtype=bool)
    kept[position[same]] = True
    changed_new = np.flatnonzero(~kept)
    flows = _flows(before, after, changed_old, changed_new, rounding)
    common = bool(same.any() or ((flows.old >= 0) & (flows.new >= 0)).any())
    if not common and before.area.any() and after.area.any():
        raise InputError("The two plans share no ground; compare plans of one place.")
    tell(3, 4)
    flows, renamed = _renamed(before, after, flows, rounding)
    kinds = _Kinds(before, after, flows, renamed, position, same)
    pieces = _pieces(before, after, flows, kinds, working)
    table = _table(before, after, flows, kinds)
    tell(4, 4)
    return Diff(pieces, table)


def _plans(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, working: CRS) -> tuple[_Plan, _Plan]:
    plans = []
    for name, frame in (("old", old), ("new", new)):
        if "code" not in frame.columns:
            raise InputError(f"The {name} plan has no column 'code'; name the field that holds it.")
        codes = required_codes(frame["code"])
        twice = pd.Series(codes).duplicated().to_numpy()
        if twice.any():
            row = int(np.flatnonzero(twice)[0])
            raise InputError(
                f"Record {row + 1} of the {name} plan uses the code '{codes[row]}' again; codes are unique."
            )
        shapes = np.array(shapely.force_2d(to_working(to_lonlat(frame), working).geometry), dtype=object)
        shapes[shapely.is_missing(shapes)] = shapely.Polygon()
        invalid = ~shapely.is_valid(shapes)
        shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
        plans.append(_Plan(codes, shapes, np.asarray(shapely.area(shapes))))
    return plans[0], plans[1]


def _unchanged(before: _Plan, after: _Plan, position: Integers, rounding: Rounding) -> NDArray[np.bool_]:
    """Tell for each old cell whether the new cell of the same code has the same ground."""
    same: NDArray[np.bool_] = np.zeros(len(before.codes), dtype=bool)
    rows = np.flatnonzero(position >= 0)
    same[rows] = rounding.equal(before.shapes[rows], after.shapes[position[rows]])
    return same


@dataclass(frozen=True, eq=False)
class _Flows:
    """Pieces of ground by old and new owner (rows, -1 for none), without rounding."""

    old: Integers
    new: Integers
    shapes: Objects
    area: Floats


def _flows(before: _Plan, after: _Plan, old_rows: Integers, new_rows: Integers, rounding: Rounding) -> _Flows:
    """Overlay the changed cells of each plan with all cells of the other."""
    a, b = shapely.STRtree(after.shapes).query(before.shapes[old_rows], predicate="intersects")
    d, c = shapely.STRtree(before.shapes).query(after.shapes[new_rows], predicate="intersects")
    pairs = np.unique(np.c_[np.r_[old_rows[a], c], np.r_[b, new_rows[d]]], axis=0)
    left, right = pairs[:, 0], pairs[:, 1]
    # Two cells that did not change have nothing to tell; neither has a cell that only touches.
    shared = [
        polygonal(
            shapely.intersection(
                before.shapes[left[at : at + _CHUNK]],
                after.shapes[right[at : at + _CHUNK]],
            )
        )
        for at in range(0, len(left), _CHUNK)
    ]
    shapes = np.concatenate(shared) if shared else np.empty(0, dtype=object)
    lost = _rest(before.shapes, old_rows, left, after.shapes[right])
    gained = _rest(after.shapes, new_rows, right, before.shapes[left])
    none_old, none_new = np.full(len(old_rows), -1), np.full(len(new_rows), -1)
    shapes = rounding.strip(np.concatenate([shapes, lost, gained]))
    real = ~shapely.is_empty(shapes)
    return _Flows(
        np.concatenate([left, old_rows, none_new])[real],
        np.concatenate([right, none_old, new_rows])[real],
        shapes[real],
        np.asarray(shapely.area(shapes[real])),
    )


def _rest(shapes: Objects, rows: Integers, owner: Integers, others: Objects) -> Objects:
    """Ground of the given rows that none of the cells of the other plan covers."""
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], rows)
    ends = np.searchsorted(owner[order], rows, side="right")
    rest = shapes[rows].copy()
    active: Integers = np.flatnonzero(ends > starts)
    at = starts.copy()
    while len(active):
        rest[active] = polygonal(shapely.difference(rest[active], others[order[at[active]]]))
        at[active] += 1
        active = active[(at[active] < ends[active]) & ~shapely.is_empty(rest[active])]
    return rest


def _renamed(
    before: _Plan, after: _Plan, flows: _Flows, rounding: Rounding
) -> tuple[_Flows, NDArray[np.bool_]]:
    """Tell which flows are a whole cell under another code, and drop what such cells overlap besides."""
    whole: NDArray[np.bool_] = np.zeros(len(flows.old), dtype=bool)
    pair = np.flatnonzero((flows.old >= 0) & (flows.new >= 0))
    # Only cells of nearly one size can have the same ground.
    near = np.maximum(before.area[flows.old[pair]], after.area[flows.new[pair]]) <= flows.area[pair] * 1.05
    pair = pair[near & (before.codes[flows.old[pair]] != after.codes[flows.new[pair]])]
    whole[pair] = rounding.equal(before.shapes[flows.old[pair]], after.shapes[flows.new[pair]])
    done_old = np.isin(flows.old, flows.old[whole])
    done_new = np.isin(flows.new, flows.new[whole])
    kept = whole | ~(done_old & done_new)
    return _Flows(flows.old[kept], flows.new[kept], flows.shapes[kept], flows.area[kept]), whole[kept]


class _Kinds:
    """What happened to each old and each new cell, and to each flow of ground between them."""

    def __init__(
        self,
        before: _Plan,
        after: _Plan,
        flows: _Flows,
        renamed: NDArray[np.bool_],
        position: Integers,
        same: NDArray[np.bool_],
    ) -> None:
        both = (flows.old >= 0) & (flows.new >= 0)
        old, new = flows.old[both], flows.new[both]
        area = flows.area[both]
        in_old = area >= _PART * after.area[new]
        in_new = area >= _PART * before.area[old]
        split = in_old & _filled(old, area, in_old, before.area)
        merged = in_new & _filled(new, area, in_new, after.area)

        self.old: Objects = np.where(position >= 0, "moved_border", "removed").astype(object)
        known = np.zeros(len(after.codes), dtype=bool)
        known[position[position >= 0]] = True
        self.new: Objects = np.where(known, "moved_border", "added").astype(object)
        self.flows: Objects = np.where(flows.old < 0, "added", "moved_border").astype(object)
        self.flows[flows.new < 0] = "removed"
        pair = np.flatnonzero(both)
        for kind, chosen in (("merged", merged), ("split", split), ("renamed", renamed[both])):
            self.old[old[chosen]] = kind
            self.new[new[chosen]] = kind
            self.flows[pair[chosen]] = kind
        self.old[same] = "unchanged"
        self.new[position[same]] = "unchanged"


def _filled(whole: Integers, area: Floats, part: NDArray[np.bool_], size: Floats) -> NDArray[np.bool_]:
    """Tell for each flow whether its whole has several parts that together fill it."""
    count = np.bincount(whole[part], minlength=len(size))
    total = np.bincount(whole[part], weights=area[part], minlength=len(size))
    return np.asarray(((count >= 2) & (total >= _PART * size))[whole])


def _pieces(before: _Plan, after: _Plan, flows: _Flows, kinds: _Kinds, crs: CRS) -> gpd.GeoDataFrame:
    old, new = _owners(before.codes, flows.old), _owners(after.codes, flows.new)
    moved = np.flatnonzero(old != new)
    order = moved[np.lexsort((new[moved].astype(str), old[moved].astype(str)))]
    frame = gpd.GeoDataFrame(
        {
            "old_code": pd.Series(old[order], dtype=object),
            "new_code": pd.Series(new[order], dtype=object),
            "kind": pd.Series(kinds.flows[order], dtype=object),
            "area_m2": flows.area[order],
        },
        geometry=gpd.GeoSeries(flows.shapes[order], crs=crs),
    )
    return frame.to_crs(LONLAT)


def _owners(codes: Objects, rows: Integers) -> Objects:
    result: Objects = np.full(len(rows), None, dtype=object)
    result[rows >= 0] = codes[rows[rows >= 0]]
    return result


def _table(before: _Plan, after: _Plan, flows: _Flows, kinds: _Kinds) -> pd.DataFrame:
    old, new = _owners(before.codes, flows.old), _owners(after.codes, flows.new)
    ground = pd.DataFrame({"old": old, "new": new, "area": flows.area}).sort_values(
        ["area", "old", "new"], ascending=[False, True, True]
    )
    moved = ground[ground["old"].ne(ground["new"])]
    codes = pd.Index(np.unique(np.concatenate([before.codes, after.codes]).astype(str)).astype(object))
    was, now = pd.Series(kinds.old, index=before.codes), pd.Series(kinds.new, index=after.codes)
    rank = {kind: place for place, kind in enumerate(("unchanged", "renamed", "split", "merged"))}
    table = pd.DataFrame({"was": was.reindex(codes), "now": now.reindex(codes)}, index=codes)
    first = table["was"].map(rank).fillna(9).le(table["now"].map(rank).fillna(9)) & table["was"].notna()
    kind = table["was"].where(first | table["now"].isna(), table["now"])
    own = pd.Series(codes, index=codes).where(kind == "unchanged")
    result = {
        "code": codes,
        "kind": kind.to_numpy(dtype=object),
        "area_before_m2": pd.Series(before.area, index=before.codes).reindex(codes).fillna(0.0).to_numpy(),
        "area_after_m2": pd.Series(after.area, index=after.codes).reindex(codes).fillna(0.0).to_numpy(),
        "gained_m2": moved.groupby("new")["area"].sum().reindex(codes).fillna(0.0).to_numpy(),
        "lost_m2": moved.groupby("old")["area"].sum().reindex(codes).fillna(0.0).to_numpy(),
    }
    for column, mine, other in (("before", "new", "old"), ("after", "old", "new")):
        known = ground[ground["old"].notna() & ground["new"].notna()]
        joined = known.groupby(mine, sort=False)[other].agg(",".join)
        result[column] = joined.reindex(codes).where(own.isna(), own).fillna("").to_numpy(dtype=object)
    return pd.DataFrame(result)
