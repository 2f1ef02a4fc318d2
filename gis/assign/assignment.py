"""Assignment of entities to cells: its steps (locate, share, nearest, reasons) and its result."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.assign.geometries import EntityGeometries, classify_geometries
from gis.assign.projected_cells import BATCH, ProjectedCells
from gis.assign.reasons import explain_unassigned
from gis.assign.report import AssignmentReport
from gis.assign.results import AssignMethod, CellShares, ResultArrays, UnassignedReason
from gis.assign.shares import measure_shares
from gis.crs import LONLAT, to_lonlat
from gis.errors import ParameterError
from gis.locate import PointLocator

MAX_MEASURED_OUTSIDE = 100_000
"""The default for `max_measured_outside`."""

_METHOD_WORDS = np.array([method.name.lower() for method in AssignMethod], dtype=object)
_REASON_WORDS = np.array(
    [None if reason is UnassignedReason.NO_REASON else reason.name.lower() for reason in UnassignedReason],
    dtype=object,
)


class Assignment(NamedTuple):
    """The entities with their cells, and the report on every record."""

    frame: gpd.GeoDataFrame
    report: AssignmentReport


def assign_to_cells(
    entities: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame | PointLocator,
    *,
    max_distance_m: float | None = None,
    crs: CRS | None = None,
    id_column: str = "id",
    max_measured_outside: int = MAX_MEASURED_OUTSIDE,
    progress: Callable[[int, int], None] | None = None,
) -> Assignment:
    """Assign each entity to the cell that owns it.

    A point belongs to the cell that `PointLocator` names. A multipoint, line or polygon belongs to the cell
    with the largest share of its points, length or area, ties to the lowest code; ground in several cells
    counts for the lowest code, ground outside all cells for none. An entity that shares nothing with any cell
    goes to the nearest cell within `max_distance_m`, else to none, with a reason.

    Parameters
    ----------
    entities
        Geometries of any type, None and empty ones included, in any CRS (the datum already WGS 84).
    cells
        Frame with `code` and polygons, or the locator made of one.
    max_distance_m
        The largest distance to the nearest cell in metres; when not given, nothing is assigned to a nearest
        cell.
    crs
        Metric working CRS for shares and distances; chosen from the extent of the cells when not given.
    id_column
        Column of identifiers, if there is one: later records with the id of an earlier one are not assigned.
        A missing or empty id is no duplicate.
    max_measured_outside
        Distances are measured only if at most this many records lie outside all cells.
    progress
        Called with the number of entities done and in all.

    Returns
    -------
    Assignment
        `frame` has the rows, order, index and columns of `entities`, and (replaced where present):
        cell_code (str or None); cell_share, the share of the entity that lies in its cell, 0 for nearest and
        none; assign_method: inside, border (a point or line with no part in the interior of its cell), share
        (in part only), nearest or none; distance_m to the cell, for none to the nearest cell if measured and
        within about 1,000 km, else NaN; reason, a word of `gis.assign.report.UNASSIGNED_REASONS` or None.

    Raises
    ------
    InputError
        If a frame has no CRS, a cell has no code or is not polygonal, or the distance is negative.
    """
    if max_distance_m is not None and not max_distance_m >= 0:
        raise ParameterError(f"The largest distance must not be negative; {max_distance_m:g} m is.")
    locator = cells if isinstance(cells, PointLocator) else PointLocator(cells)
    lonlat = entities.geometry if entities.crs == LONLAT else to_lonlat(entities).geometry
    geometries: ObjectArray = np.asarray(lonlat.to_numpy(), dtype=object)
    results = ResultArrays.unassigned(len(entities))
    entity_geometries = classify_geometries(geometries)
    is_duplicate = _is_duplicate_id(entities, id_column)
    results.reason[is_duplicate] = UnassignedReason.DUPLICATE_ID
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, len(entities))

    projected_cells = ProjectedCells(locator, crs)
    _assign_points(
        results, _exclude(entity_geometries.points, is_duplicate), entity_geometries, locator, step
    )
    shares = [
        _assign_multipoints(
            results, _exclude(entity_geometries.multipoints, is_duplicate), entity_geometries, locator
        ),
        _assign_by_share(
            results,
            _exclude(entity_geometries.lines_and_polygons, is_duplicate),
            entity_geometries,
            projected_cells,
            step,
        ),
    ]
    near: IntArray = np.flatnonzero(
        (results.owner < 0)
        & ~entity_geometries.empty
        & ~entity_geometries.invalid_coordinates
        & ~is_duplicate
    )
    if max_distance_m is not None:
        number, distance_m = _find_nearest(near, geometries, projected_cells, max_distance_m)
        found = number >= 0
        results.owner[near[found]] = number[found]
        results.method[near[found]] = AssignMethod.NEAREST
        results.distance_m[near[found]] = distance_m[found]
    hints = explain_unassigned(results, entity_geometries, locator)
    beyond = np.flatnonzero(
        (results.owner < 0)
        & np.isin(results.reason, (UnassignedReason.OUTSIDE, UnassignedReason.WRONG_DATUM))
    )
    if len(beyond) <= max_measured_outside:
        results.distance_m[beyond] = _measure_distances(beyond, geometries, projected_cells)
    step(len(entities) - done)
    frame = _result_frame(entities, results, locator)
    return Assignment(frame, _build_report(frame, results, shares, locator, id_column, hints))


def _is_duplicate_id(entities: gpd.GeoDataFrame, id_column: str) -> BoolArray:
    if id_column not in entities.columns:
        return np.zeros(len(entities), dtype=bool)
    ids = entities[id_column]
    named = ids.notna() & (ids.astype(object) != "")
    return np.asarray(named & ids.duplicated(), dtype=bool)


def _exclude(rows: IntArray, is_duplicate: BoolArray) -> IntArray:
    return rows[~is_duplicate[rows]]


def _assign_points(
    results: ResultArrays,
    rows: IntArray,
    entity_geometries: EntityGeometries,
    locator: PointLocator,
    step: Callable[[int], None],
) -> None:
    last = 0

    def progress(done: int, _total: int) -> None:
        nonlocal last
        step(done - last)
        last = done

    owner, border = locator.find_owners_and_borders(
        entity_geometries.lon[rows], entity_geometries.lat[rows], progress=progress
    )
    held = owner >= 0
    method = np.where(border[held], AssignMethod.BORDER, AssignMethod.INSIDE).astype(np.int8)
    results.set_owners(rows[held], owner[held], np.ones(int(held.sum())), method)


def _assign_multipoints(
    results: ResultArrays, rows: IntArray, entity_geometries: EntityGeometries, locator: PointLocator
) -> CellShares:
    """Assign multipoints by the number of their points."""
    xy, member = shapely.get_coordinates(entity_geometries.measurable[rows], return_index=True)
    owner, border = locator.find_owners_and_borders(xy[:, 0], xy[:, 1])
    whole = np.bincount(member, minlength=len(rows)).astype(float)
    held = owner >= 0
    shares = CellShares.aggregate(
        rows[member[held]], owner[held], np.ones(int(held.sum())), whole[member[held]]
    )
    _set_owners_by_share(results, shares, rows[member[border]])
    return shares


def _assign_by_share(
    results: ResultArrays,
    rows: IntArray,
    entity_geometries: EntityGeometries,
    projected_cells: ProjectedCells,
    step: Callable[[int], None],
) -> CellShares:
    """Assign lines and polygons by length and area."""
    projected, finite = _project_finite(entity_geometries.measurable[rows], projected_cells)
    shares, along_border = measure_shares(projected, projected_cells, step)
    shares = shares._replace(row=rows[finite][shares.row])
    _set_owners_by_share(results, shares, rows[finite][along_border])
    return shares


def _set_owners_by_share(results: ResultArrays, shares: CellShares, on_border: IntArray) -> None:
    row, number, share = shares.largest()
    method = np.where(np.isin(row, on_border), AssignMethod.BORDER, AssignMethod.INSIDE)
    results.set_owners(row, number, share, np.where(share < 1, AssignMethod.SHARE, method).astype(np.int8))


def _project_finite(geometries: ObjectArray, projected_cells: ProjectedCells) -> tuple[ObjectArray, IntArray]:
    """Project geometries; return those with finite coordinates in the working CRS, and their positions."""
    if projected_cells.is_empty or not len(geometries):
        return geometries[:0], np.zeros(0, dtype=np.int64)
    projected = projected_cells.project(geometries)
    finite = np.flatnonzero(np.isfinite(shapely.bounds(projected)).all(axis=1))
    return projected[finite], finite


def _find_nearest(
    rows: IntArray, geometries: ObjectArray, projected_cells: ProjectedCells, max_distance_m: float
) -> tuple[IntArray, FloatArray]:
    """Return the position of the nearest code (-1: none) and its distance (NaN: unknown)."""
    number: IntArray = np.full(len(rows), -1, dtype=np.int64)
    distance_m = np.full(len(rows), np.nan)
    for part, projected in _projected_batches(rows, geometries, projected_cells):
        number[part], distance_m[part] = projected_cells.find_nearest(projected, max_distance_m)
    return number, distance_m


def _measure_distances(
    rows: IntArray, geometries: ObjectArray, projected_cells: ProjectedCells
) -> FloatArray:
    """Return the distance to the nearest cell, NaN where it is unknown."""
    distance_m = np.full(len(rows), np.nan)
    for part, projected in _projected_batches(rows, geometries, projected_cells):
        distance_m[part] = projected_cells.distances(projected)
    return distance_m


def _projected_batches(
    rows: IntArray, geometries: ObjectArray, projected_cells: ProjectedCells
) -> Iterator[tuple[IntArray, ObjectArray]]:
    """Yield the geometries that are near enough for a distance in metres, with their positions in `rows`."""
    if projected_cells.is_empty or not len(rows):
        return
    within = np.flatnonzero(projected_cells.is_near_extent(geometries[rows]))
    for start in range(0, len(within), BATCH):
        part = within[start : start + BATCH]
        projected, finite = _project_finite(geometries[rows[part]], projected_cells)
        if len(finite):
            yield part[finite], projected


def _result_frame(
    entities: gpd.GeoDataFrame, results: ResultArrays, locator: PointLocator
) -> gpd.GeoDataFrame:
    codes = np.concatenate([locator.codes, np.array([None], dtype=object)])
    columns = {
        "cell_code": codes[results.owner],
        "cell_share": results.share,
        "assign_method": _METHOD_WORDS[results.method],
        "distance_m": results.distance_m,
        "reason": _REASON_WORDS[results.reason],
    }
    kept = entities.drop(columns=[name for name in columns if name in entities.columns])
    # Object columns, so that pandas neither copies a million words nor turns None into NaN.
    return kept.assign(
        **{name: pd.Series(values, index=kept.index, dtype=values.dtype) for name, values in columns.items()}
    )


def _build_report(
    frame: gpd.GeoDataFrame,
    results: ResultArrays,
    shares: list[CellShares],
    locator: PointLocator,
    id_column: str,
    hints: list[str],
) -> AssignmentReport:
    ids = (
        frame[id_column].to_numpy(dtype=object)
        if id_column in frame.columns
        else np.full(len(frame), None, dtype=object)
    )
    several = CellShares.concatenate(shares).in_several_cells()
    order = np.argsort(several.row, kind="stable")
    none = np.flatnonzero(results.owner < 0)
    return AssignmentReport(
        total=len(frame),
        method_counts=_count_words(results.method, _METHOD_WORDS),
        reason_counts={
            word: count
            for word, count in _count_words(results.reason, _REASON_WORDS).items()
            if word and count
        },
        method_counts_by_kind=_count_methods_by_kind(frame, results),
        unassigned=pd.DataFrame(
            {
                "row": none,
                "id": ids[none],
                "reason": _REASON_WORDS[results.reason[none]],
                "distance_m": results.distance_m[none],
            }
        ),
        shares=pd.DataFrame(
            {
                "row": several.row[order],
                "id": ids[several.row[order]],
                "cell_code": locator.codes[several.code_index[order]],
                "share": several.share[order],
                "measure": several.measure[order],
            }
        ),
        hints=tuple(hints),
    )


def _count_words(numbers: NDArray[np.int8], words: ObjectArray) -> dict[str, int]:
    return dict(zip(words, np.bincount(numbers, minlength=len(words)).tolist(), strict=True))


def _count_methods_by_kind(frame: gpd.GeoDataFrame, results: ResultArrays) -> dict[str, dict[str, int]]:
    if "kind" not in frame.columns:
        return {}
    number, kinds = pd.factorize(frame["kind"], use_na_sentinel=False)
    return {
        "" if pd.isna(kind) else str(kind): _count_words(results.method[number == position], _METHOD_WORDS)
        for position, kind in enumerate(kinds)
    }
