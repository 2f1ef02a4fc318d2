"""The overlay of two plans: the ground of each pair of an old and a new cell."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.codes import require_codes
from gis.crs import to_lonlat, to_working_crs
from gis.errors import InputError
from gis.faces.overlay import OverlayTolerance, extract_polygons

_CHUNK = 20_000


@dataclass(frozen=True, eq=False)
class PlanCells:
    """The cells of a plan: codes, shape (n,), geometries in the working CRS, and their m²."""

    codes: ObjectArray
    geometries: ObjectArray
    area_m2: FloatArray


def read_plans(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, working: CRS) -> tuple[PlanCells, PlanCells]:
    """Read two plans into one working CRS; invalid cells as `shapely.make_valid` reads them.

    Raises
    ------
    InputError
        If a code is missing or used twice, or a layer names no CRS.
    """
    return read_plan(old, "old", working), read_plan(new, "new", working)


def read_plan(cells: gpd.GeoDataFrame, name: str, working: CRS) -> PlanCells:
    """Read a plan into a working CRS, as `read_plans` does; messages call it by its name.

    Raises
    ------
    InputError
        If a code is missing or used twice, or the layer names no CRS.
    """
    if "code" not in cells.columns:
        raise InputError(f"The {name} plan has no column 'code'; name the field that holds it.")
    codes = require_codes(cells["code"])
    twice = pd.Series(codes).duplicated().to_numpy()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise InputError(
            f"Record {row + 1} of the {name} plan uses the code '{codes[row]}' again; codes are unique."
        )
    geometries = np.array(shapely.force_2d(to_working_crs(to_lonlat(cells), working).geometry), dtype=object)
    geometries[shapely.is_missing(geometries)] = shapely.Polygon()
    invalid = ~shapely.is_valid(geometries)
    geometries[invalid] = shapely.make_valid(geometries[invalid], method="structure", keep_collapsed=False)
    return PlanCells(codes, geometries, np.asarray(shapely.area(geometries)))


@dataclass(frozen=True, eq=False)
class Crosswalk:
    """Pieces of ground by old and new owner (rows, -1 for none), without rounding."""

    old_row: IntArray
    new_row: IntArray
    geometries: ObjectArray
    area_m2: FloatArray


def build_crosswalk(
    before: PlanCells, after: PlanCells, old_rows: IntArray, new_rows: IntArray, tolerance: OverlayTolerance
) -> Crosswalk:
    """Overlay some cells of each of two plans with all cells of the other.

    Parameters
    ----------
    old_rows, new_rows
        The cells whose ground is wanted, all others being known to be unchanged.
    tolerance
        What is rounding and no ground.
    """
    a, b = shapely.STRtree(after.geometries).query(before.geometries[old_rows], predicate="intersects")
    d, c = shapely.STRtree(before.geometries).query(after.geometries[new_rows], predicate="intersects")
    pairs = np.unique(np.c_[np.r_[old_rows[a], c], np.r_[b, new_rows[d]]], axis=0)
    left, right = pairs[:, 0], pairs[:, 1]
    # Pairs of unchanged cells and cells that only touch do not matter.
    intersections = [
        extract_polygons(
            shapely.intersection(
                before.geometries[left[at : at + _CHUNK]],
                after.geometries[right[at : at + _CHUNK]],
            )
        )
        for at in range(0, len(left), _CHUNK)
    ]
    geometries = np.concatenate(intersections) if intersections else np.empty(0, dtype=object)
    lost = _uncovered(before.geometries, old_rows, left, after.geometries[right])
    gained = _uncovered(after.geometries, new_rows, right, before.geometries[left])
    none_old, none_new = np.full(len(old_rows), -1), np.full(len(new_rows), -1)
    geometries = tolerance.drop_noise(np.concatenate([geometries, lost, gained]))
    real = ~shapely.is_empty(geometries)
    return Crosswalk(
        np.concatenate([left, old_rows, none_new])[real],
        np.concatenate([right, none_old, new_rows])[real],
        geometries[real],
        np.asarray(shapely.area(geometries[real])),
    )


def _uncovered(geometries: ObjectArray, rows: IntArray, owner: IntArray, others: ObjectArray) -> ObjectArray:
    """Return the ground of the given rows that no cell of the other plan covers."""
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], rows)
    ends = np.searchsorted(owner[order], rows, side="right")
    uncovered = geometries[rows].copy()
    active: IntArray = np.flatnonzero(ends > starts)
    at = starts.copy()
    while len(active):
        uncovered[active] = extract_polygons(shapely.difference(uncovered[active], others[order[at[active]]]))
        at[active] += 1
        active = active[(at[active] < ends[active]) & ~shapely.is_empty(uncovered[active])]
    return uncovered
