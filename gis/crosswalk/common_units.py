"""Common base units of several schemes: the pieces of ground of which all their cells can be made."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray, ObjectArray
from gis.crosswalk.overlay import PlanCells, read_plan
from gis.crs import LONLAT, choose_working_crs
from gis.divide.block_slivers import is_sliver
from gis.divide.reading_order import reading_rows
from gis.errors import CoverageError, InputError
from gis.faces.arrangement import build_faces
from gis.faces.noding import noding_cuts
from gis.graph import NeighbourGraph
from gis.levels.unions import unite_groups
from gis.measures import resolve_working_crs
from gis.progress import Progress, no_progress

RESERVED_NAMES = frozenset({"code", "kind", "unit", "area_m2", "perimeter_m", "width_m", "geometry"})
"""Columns of the units and of the report, which a scheme cannot be named after."""

_NO_CELL = -1
_ATTEMPTS = 6


class CommonUnits(NamedTuple):
    """The common base units of several schemes.

    Attributes
    ----------
    units
        EPSG:4326, a valid coverage; code, a column for each scheme with the code of its cell (None: in no
        cell), area_m2, perimeter_m.
    mismatches
        EPSG:4326; ground where the schemes do not fit: kind (*sliver*: joined to a unit beside it; *overlap*:
        in several cells of one scheme, of which the lowest code got it), the codes it had in each scheme,
        unit (the code of the unit it is in), area_m2, width_m (the mean width).
    moved_m2
        By scheme: ground that slivers took from one of its cells, or from outside, to another.
    without_unit
        By scheme: the codes of cells that got no unit, because they have no ground that is theirs alone.
    """

    units: gpd.GeoDataFrame
    mismatches: gpd.GeoDataFrame
    moved_m2: dict[str, float]
    without_unit: dict[str, list[str]]

    def summary(self) -> dict[str, Any]:
        """Return figures for JSON."""
        kinds = self.mismatches["kind"]
        area = self.units["area_m2"]
        return {
            "units": len(self.units),
            "area_m2": round(float(area.sum()), 2),
            "slivers": int((kinds == "sliver").sum()),
            "overlaps": int((kinds == "overlap").sum()),
            "schemes": {
                name: {
                    "cells": int(self.units[name].nunique()),
                    "outside_m2": round(float(area[self.units[name].isna()].sum()), 2),
                    "moved_m2": round(moved, 2),
                    "without_unit": self.without_unit[name],
                }
                for name, moved in self.moved_m2.items()
            },
        }


def unify_schemes(
    schemes: Mapping[str, gpd.GeoDataFrame],
    *,
    min_width_m: float = 1.0,
    first_number: int = 1,
    crs: CRS | None = None,
    progress: Progress | None = None,
) -> CommonUnits:
    """Cut ground into the units of which the cells of all schemes are made.

    A unit is a connected piece of ground with one cell in each scheme. What is narrower than a width is
    joined to the unit beside it with which it has most cells in common, of several to the one with the
    longest border; so the cells that units make up differ from the given ones by the reported slivers alone.

    Parameters
    ----------
    schemes
        By name, cells with unique `code` and polygons, in any CRS.
    min_width_m
        The mean width under which ground is a sliver; a cell that is nothing else stays.
    first_number
        The number of the first unit.
    crs
        Metric working CRS; chosen from the extent when not given.
    progress
        Called with (steps done, steps).

    Raises
    ------
    InputError
        If there are fewer than two schemes, one has a reserved name, a code is missing or used twice, a layer
        names no CRS, there is no ground, or areas in the working CRS differ from their true size.
    CoverageError
        If the units would not be a coverage in longitude and latitude.
    """
    report_progress = progress or no_progress
    names = list(schemes)
    if len(names) < 2:
        raise InputError("Common units need at least two schemes.")
    if reserved := sorted(RESERVED_NAMES & set(names)):
        raise InputError(f"A scheme cannot be named '{reserved[0]}' here; units have a column of that name.")
    frames = list(schemes.values())
    working = choose_working_crs(*frames) if crs is None else crs
    for frame in frames if crs is not None else ():
        resolve_working_crs(frame, crs)
    plans = [_by_code(read_plan(frame, name, working)) for name, frame in schemes.items()]
    report_progress(1, 3)
    cuts: Geometries = np.empty(0, dtype=object)
    for _ in range(_ATTEMPTS):
        cut = _cut_ground(plans, cuts, min_width_m)
        more = noding_cuts(cut.polygons, working)
        if more is None:
            break
        cuts = np.concatenate([cuts, more])
    else:
        raise CoverageError("The units are no coverage in longitude and latitude.")
    report_progress(2, 3)
    code = _number(cut.polygons, first_number)
    units = gpd.GeoDataFrame(
        {
            "code": code,
            **_scheme_columns(names, plans, cut.owners),
            "area_m2": shapely.area(cut.polygons),
            "perimeter_m": shapely.length(cut.polygons),
        },
        geometry=gpd.GeoSeries(cut.polygons, crs=working),
    )
    report_progress(3, 3)
    return CommonUnits(
        units.sort_values("code", ignore_index=True).to_crs(LONLAT),
        _report(names, plans, cut, code, working),
        {name: cut.moved_m2(k) for k, name in enumerate(names)},
        {
            name: sorted(set(plan.codes) - set(plan.codes[cut.owners[:, k]]))
            for k, (name, plan) in enumerate(zip(names, plans, strict=True))
        },
    )


class _CutGround(NamedTuple):
    """Ground cut into units, and the pieces that these are made of.

    Attributes
    ----------
    polygons, owners
        Of the units: polygons, and the row of the cell in each plan.
    pieces, had
        Connected ground with the same cells before slivers were joined, and these cells.
    unit
        The unit in which each piece is.
    is_sliver
        Which pieces were joined to what is beside them.
    overlaps, overlapping
        Ground in several cells of one plan, and the piece in which it is.
    """

    polygons: Geometries
    owners: IntArray
    pieces: Geometries
    had: IntArray
    unit: IntArray
    is_sliver: BoolArray
    overlaps: Geometries
    overlapping: IntArray

    def moved_m2(self, plan: int) -> float:
        """Return how much ground has another cell of a plan than before."""
        moved = self.had[:, plan] != self.owners[self.unit, plan]
        return float(shapely.area(self.pieces[moved]).sum())


def _cut_ground(plans: list[PlanCells], cuts: Geometries, min_width_m: float) -> _CutGround:
    """Cut the ground of plans into units; cuts are lines that are cut into it as well."""
    faces = build_faces(np.concatenate([*(plan.geometries for plan in plans), cuts]))
    if not len(faces):
        raise InputError("The schemes have no ground.")
    owners, is_shared = _face_owners(faces, plans)
    graph = NeighbourGraph.from_polygons(faces, tolerance=0)
    piece = _connected(owners, graph)
    pieces, _ = unite_groups(faces, piece)
    had = _first_of_each(owners, piece)
    sliver = is_sliver(pieces, min_width_m)
    sliver &= ~_is_of_a_narrow_cell(had, sliver)
    has = _join_slivers(had, sliver, shapely.area(pieces), graph.contract(piece, len(pieces)))
    # What is in no cell of any plan is no unit, unless it is a sliver.
    kept = (has[piece] != _NO_CELL).any(axis=1)
    group = _connected(has[piece], graph)
    polygons, groups = unite_groups(faces[kept], group[kept])
    unit = np.searchsorted(groups, group)
    own = np.flatnonzero((has != _NO_CELL).any(axis=1))
    shared = np.flatnonzero(is_shared & ~sliver[piece])
    overlaps, overlapping = unite_groups(faces[shared], piece[shared])
    return _CutGround(
        polygons,
        _first_of_each(has[piece][kept], group[kept]),
        pieces[own],
        had[own],
        _first_of_each(unit, piece)[own],
        sliver[own],
        overlaps,
        np.searchsorted(own, overlapping),
    )


def _by_code(plan: PlanCells) -> PlanCells:
    order = np.argsort(plan.codes.astype(str), kind="stable")
    return PlanCells(plan.codes[order], plan.geometries[order], plan.area_m2[order])


def _face_owners(faces: Geometries, plans: list[PlanCells]) -> tuple[IntArray, BoolArray]:
    """Return the row of each face's cell in each plan, the lowest code's, and whether it has several."""
    points = shapely.point_on_surface(faces)
    owners = np.full((len(faces), len(plans)), _NO_CELL)
    is_shared = np.zeros(len(faces), dtype=bool)
    for k, plan in enumerate(plans):
        face, cell = shapely.STRtree(plan.geometries).query(points, predicate="intersects")
        order = np.lexsort((cell, face))
        found, start, count = np.unique(face[order], return_index=True, return_counts=True)
        owners[found, k] = cell[order][start]
        is_shared[found[count > 1]] = True
    return owners, is_shared


def _connected(owners: IntArray, graph: NeighbourGraph) -> IntArray:
    """Return to which connected piece of ground with the same owners each face belongs, from 0."""
    same = (owners[graph.rows()] == owners[graph.neighbours]).all(axis=1)
    number: IntArray = np.unique(graph.select(same).components(), return_inverse=True)[1].astype(np.int64)
    return number


def _first_of_each(values: IntArray, group: IntArray) -> IntArray:
    _, first = np.unique(group, return_index=True)
    return values[first]


def _is_of_a_narrow_cell(owners: IntArray, sliver: BoolArray) -> BoolArray:
    """Return which pieces belong to a cell that has nothing but slivers."""
    result = np.zeros(len(owners), dtype=bool)
    for column in owners.T:
        owned = column != _NO_CELL
        wide = np.unique(column[owned & ~sliver])
        result |= owned & ~np.isin(column, wide)
    return result


def _join_slivers(had: IntArray, sliver: BoolArray, area_m2: FloatArray, graph: NeighbourGraph) -> IntArray:
    """Return the cells of each piece after each sliver has taken those of a piece beside it."""
    has = had.copy()
    settled = ~sliver & (had != _NO_CELL).any(axis=1)
    waiting = sliver.copy()
    start = graph.rows()
    near = waiting[start]
    start, end, length_m = start[near], graph.neighbours[near], graph.length[near]
    while waiting.any():
        ready = waiting[start] & settled[end]
        if not ready.any():
            # Slivers that touch nothing else: the largest stands for itself, and the others join it.
            owned = waiting & (had != _NO_CELL).any(axis=1)
            if not owned.any():
                break
            largest = int(np.argmax(np.where(owned, area_m2, -1.0)))
            settled[largest], waiting[largest] = True, False
            continue
        one, other, length = start[ready], end[ready], length_m[ready]
        common = ((had[one] == has[other]) & (had[one] != _NO_CELL)).sum(axis=1)
        order = np.lexsort((other, -length, -common, one))
        joining, place = np.unique(one[order], return_index=True)
        has[joining] = has[other[order][place]]
        settled[joining], waiting[joining] = True, False
    return has


def _number(polygons: Geometries, first_number: int) -> ObjectArray:
    """Return the codes of units, row by row from the northwest."""
    points = shapely.get_coordinates(shapely.point_on_surface(polygons))
    rows = reading_rows(points, shapely.area(polygons), np.zeros(len(polygons), dtype=np.intp))
    width = max(6, len(str(first_number + len(polygons))))
    codes: ObjectArray = np.empty(len(polygons), dtype=object)
    codes[np.lexsort((points[:, 0], rows))] = [
        f"U{number:0{width}d}" for number in range(first_number, first_number + len(polygons))
    ]
    return codes


def _scheme_columns(names: list[str], plans: list[PlanCells], owners: IntArray) -> dict[str, ObjectArray]:
    columns = {}
    for k, (name, plan) in enumerate(zip(names, plans, strict=True)):
        codes: ObjectArray = np.full(len(owners), None, dtype=object)
        known = owners[:, k] != _NO_CELL
        codes[known] = plan.codes[owners[known, k]]
        columns[name] = codes
    return columns


def _report(
    names: list[str], plans: list[PlanCells], cut: _CutGround, code: ObjectArray, working: CRS
) -> gpd.GeoDataFrame:
    """Return the report of mismatches: slivers, then overlaps."""
    slivers = np.flatnonzero(cut.is_sliver)
    pieces = np.concatenate([slivers, cut.overlapping])
    geometries = np.concatenate([cut.pieces[slivers], cut.overlaps])
    kinds = np.array(["sliver"] * len(slivers) + ["overlap"] * len(cut.overlaps), dtype=object)
    area_m2 = shapely.area(geometries)
    return gpd.GeoDataFrame(
        {
            "kind": kinds,
            **_scheme_columns(names, plans, cut.had[pieces]),
            "unit": code[cut.unit[pieces]],
            "area_m2": area_m2,
            "width_m": 2 * area_m2 / shapely.length(geometries),
        },
        geometry=gpd.GeoSeries(geometries, crs=working),
    ).to_crs(LONLAT)
