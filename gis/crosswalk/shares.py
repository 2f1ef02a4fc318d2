"""The table of a crosswalk: how much of each cell of one plan lies in each cell of another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.crosswalk.overlay import Crosswalk, PlanCells, build_crosswalk, read_plan
from gis.crs import choose_working_crs, to_lonlat
from gis.errors import InputError
from gis.faces.overlay import OverlayTolerance
from gis.locate import PointLocator
from gis.measures import resolve_working_crs
from gis.progress import Progress, no_progress

_ROUNDING = OverlayTolerance(0.01, 0.02)
_EVERYTHING = OverlayTolerance(0.0, 0.0)

_KEYS = ["from_code", "to_code"]


class Loads(NamedTuple):
    """Entities and what each weighs.

    Attributes
    ----------
    geometries
        In EPSG:4326, shape (n,); a line or polygon counts where a point within it lies.
    weights
        By the name of a load: what each entity adds to it, at least 0, shape (n,).
    """

    geometries: ObjectArray
    weights: Mapping[str, FloatArray]


class CrosswalkTable(NamedTuple):
    """How much of each cell of one plan lies in each cell of another.

    Attributes
    ----------
    rows
        from_code, to_code (None: ground in no cell of that plan), area_m2, area_share, and of each load its
        sum and share, ordered by the codes. The shares of a from_code add up to 1. Of a cell that has nothing
        of a load, the share is that of the ground.
    located
        By the name of a load: what of it lies in a cell of either plan.
    unlocated
        By the name of a load: what of it lies in no cell of either plan.
    """

    rows: pd.DataFrame
    located: dict[str, float]
    unlocated: dict[str, float]

    def summary(self) -> dict[str, Any]:
        """Return figures for JSON: rows, cells, ground and loads in both plans and in one alone."""
        inside = self.rows["from_code"].notna() & self.rows["to_code"].notna()
        leaving, joining = self.rows["to_code"].isna(), self.rows["from_code"].isna()
        area = self.rows["area_m2"]
        return {
            "rows": len(self.rows),
            "from_cells": int(self.rows["from_code"].nunique()),
            "to_cells": int(self.rows["to_code"].nunique()),
            "shared_m2": round(float(area[inside].sum()), 2),
            "only_from_m2": round(float(area[leaving].sum()), 2),
            "only_to_m2": round(float(area[joining].sum()), 2),
            "loads": self.located,
            "outside_both": self.unlocated,
        }


def measure_crosswalk(
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    loads: Loads | None = None,
    *,
    crs: CRS | None = None,
    progress: Progress | None = None,
) -> CrosswalkTable:
    """Measure how much of each cell of a plan lies in each cell of another.

    Parameters
    ----------
    old, new
        With unique `code` and polygons, in any CRS; cells of one plan do not overlap.
    loads
        Entities whose numbers or weights are shared out beside the ground.
    crs
        Metric working CRS for both; chosen from the extent of both when not given.
    progress
        Called with (steps done, steps).

    Raises
    ------
    InputError
        If a code is missing or used twice, a layer names no CRS, the plans share no ground, cells of a plan
        overlap, a load has the name of another column, or areas in the given working CRS differ from their
        true size.
    """
    names = [] if loads is None else list(loads.weights)
    columns_of = [*_KEYS, *(column for name in ("area_m2", *names) for column in (name, _share_column(name)))]
    if len(set(columns_of)) < len(columns_of):
        raise InputError(f"Loads cannot be named {' and '.join(names)}: columns would have the same name.")
    report_progress = progress or no_progress
    working = (
        choose_working_crs(old, new)
        if crs is None
        else resolve_working_crs(new, resolve_working_crs(old, crs))
    )
    before, after = (read_plan(cells, name, working) for name, cells in (("A", old), ("B", new)))
    report_progress(1, 3)
    pieces = _overlay_all(before, after)
    if not ((pieces.old_row >= 0) & (pieces.new_row >= 0)).any():
        raise InputError("The two plans share no ground; compare plans of one place.")
    _require_no_overlap("B", before, pieces.old_row, pieces.area_m2)
    _require_no_overlap("A", after, pieces.new_row, pieces.area_m2)
    report_progress(2, 3)
    table = pd.DataFrame(
        {
            "from_code": _codes_of(before.codes, pieces.old_row),
            "to_code": _codes_of(after.codes, pieces.new_row),
            "area_m2": pieces.area_m2,
        }
    )
    missed: dict[str, float] = {}
    if loads is not None:
        counted, missed = _count_loads(old, new, loads)
        # Columns without a code are of numbers, which do not meet codes.
        texts = dict.fromkeys(_KEYS, object)
        table = table.astype(texts).merge(counted.astype(texts), on=_KEYS, how="outer")
    table[["area_m2", *names]] = table[["area_m2", *names]].fillna(0.0)
    table = table.sort_values(_KEYS, na_position="last").reset_index(drop=True)
    table = table.astype(dict.fromkeys(_KEYS, object)).where(table.notna(), None)
    columns = {key: table[key] for key in _KEYS}
    owner = table["from_code"].fillna("").to_numpy()
    _, group = np.unique(owner, return_inverse=True)
    area = table["area_m2"].to_numpy(dtype=float)
    area_share = _shares(area, group, np.ones(len(table)))
    columns |= {"area_m2": pd.Series(area), _share_column("area_m2"): pd.Series(area_share)}
    located = {}
    for name in names:
        amount = table[name].to_numpy(dtype=float)
        columns |= {
            name: pd.Series(amount),
            _share_column(name): pd.Series(_shares(amount, group, area_share)),
        }
        located[name] = float(amount.sum())
    report_progress(3, 3)
    return CrosswalkTable(pd.DataFrame(columns), located, missed)


def _share_column(name: str) -> str:
    return f"{name.removesuffix('_m2')}_share"


def _overlay_all(before: PlanCells, after: PlanCells) -> Crosswalk:
    """Overlay two plans; a cell that is no more than rounding keeps its ground too."""
    old_rows, new_rows = np.arange(len(before.codes)), np.arange(len(after.codes))
    pieces = build_crosswalk(before, after, old_rows, new_rows, _ROUNDING)
    small = np.setdiff1d(old_rows, pieces.old_row)
    if not len(small):
        return pieces
    rest = build_crosswalk(before, after, small, np.empty(0, dtype=np.int64), _EVERYTHING)
    # What has no ground at all lies nowhere.
    empty = np.setdiff1d(small, rest.old_row)
    return Crosswalk(
        np.r_[pieces.old_row, rest.old_row, empty],
        np.r_[pieces.new_row, rest.new_row, np.full(len(empty), -1)],
        np.r_[pieces.geometries, rest.geometries, np.full(len(empty), shapely.Polygon())],
        np.r_[pieces.area_m2, rest.area_m2, np.zeros(len(empty))],
    )


def _require_no_overlap(other: str, cells: PlanCells, rows: IntArray, area_m2: FloatArray) -> None:
    """Refuse pieces of a cell that are more than the cell, for then cells of the other plan overlap in it."""
    known = rows >= 0
    total = np.bincount(rows[known], area_m2[known], len(cells.codes))
    excess = total - cells.area_m2
    allowed = np.maximum(
        _ROUNDING.min_area_m2, _ROUNDING.min_width_m * np.asarray(shapely.length(cells.geometries)) / 2
    )
    if (excess > allowed).any():
        row = int(np.argmax(excess - allowed))
        raise InputError(
            f"Cells of plan {other} overlap by {excess[row]:,.2f} m² where cell '{cells.codes[row]}' of "
            "the other lies, so that shares would not add up to 1; mend it first with wangge repair."
        )


def _count_loads(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, loads: Loads
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Sum the loads by the pair of cells they lie in, and those that lie in neither plan."""
    points = shapely.point_on_surface(loads.geometries)
    points[shapely.is_empty(points)] = None
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    owners = [_owners(to_lonlat(cells), lon, lat) for cells in (old, new)]
    table = pd.DataFrame({"from_code": owners[0], "to_code": owners[1], **loads.weights})
    nowhere = table["from_code"].isna() & table["to_code"].isna()
    summed = table[~nowhere].groupby(_KEYS, dropna=False)[list(loads.weights)].sum().reset_index()
    return summed, {name: float(table.loc[nowhere, name].sum()) for name in loads.weights}


def _owners(cells: gpd.GeoDataFrame, lon: FloatArray, lat: FloatArray) -> ObjectArray:
    locator = PointLocator(cells)
    rows = locator.find_owners(lon, lat)
    return _codes_of(np.asarray(locator.codes, dtype=object), rows)


def _codes_of(codes: ObjectArray, rows: IntArray) -> ObjectArray:
    result: ObjectArray = np.full(len(rows), None, dtype=object)
    result[rows >= 0] = codes[rows[rows >= 0]]
    return result


def _shares(amount: FloatArray, group: IntArray, fallback: FloatArray) -> FloatArray:
    """Return the share of each row in the sum of its group; groups without any share out as the fallback."""
    totals = np.bincount(group, amount)[group]
    weights = np.where(totals > 0, amount, fallback)
    return np.asarray(weights / np.bincount(group, weights)[group])
