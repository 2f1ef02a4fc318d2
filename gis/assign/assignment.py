"""Assign entities to cells: which step answers for which record, and the frame and report that come out.

It orders the steps (locate, share, nearest, reasons) and leaves each to its module.
"""

from collections.abc import Callable
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.assign.geometries import Shapes, read_shapes
from gis.assign.projected_cells import BATCH, Ground
from gis.assign.reasons import give_reasons
from gis.assign.report import AssignReport
from gis.assign.results import Answers, Booleans, Integers, Method, Objects, Reason, Shares
from gis.assign.shares import measure_shares
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError
from gis.locate import PointLocator

MEASURED_OUTSIDE = 100_000
"""Records outside whose distance is measured unless asked otherwise; in larger files it is left out."""

_METHODS = np.array([method.name.lower() for method in Method], dtype=object)
_REASONS = np.array(
    [None if reason is Reason.NO_REASON else reason.name.lower() for reason in Reason], dtype=object
)


class Assignment(NamedTuple):
    """The entities with their cells, and the account of every record."""

    frame: gpd.GeoDataFrame
    report: AssignReport


def assign(
    entities: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame | PointLocator,
    *,
    max_distance_m: float | None = None,
    crs: CRS | None = None,
    id_column: str = "id",
    measured_outside: int = MEASURED_OUTSIDE,
    progress: Callable[[int, int], None] | None = None,
) -> Assignment:
    """Assign each entity to the cell that owns it.

    A point belongs to the cell that `PointLocator` names. A multipoint, line or polygon belongs to the cell
    with the largest share of its points, length or area, ties to the lowest code; ground that several cells
    hold counts for the lowest code, ground outside all cells for none. An entity that shares nothing with any
    cell goes to the nearest cell within `max_distance_m`, else to none, with a reason.

    Parameters
    ----------
    entities
        Any geometries, None and empty ones too, in any CRS (the datum already WGS 84).
    cells
        Frame with `code` and polygons, or the locator made of one.
    max_distance_m
        How far, in metres, the nearest cell may be; nothing is assigned to a nearest cell when not given.
    crs
        Metric working CRS for shares and distances; chosen from the extent of the cells when not given.
    id_column
        Column of identifiers, if there is one: later records with the id of an earlier one are not assigned.
        A missing or empty id is no duplicate.
    measured_outside
        Of how many records outside all cells, at most, the distance is measured; of none where there are
        more.
    progress
        Called with the number of entities done and in all.

    Returns
    -------
    Assignment
        `frame` has the rows, order, index and columns of `entities`, and (replaced where present):
        cell_code (str or None); cell_share, the share of the entity that lies in its cell, 0 for nearest and
        none; assign_method: inside, border (a point or line with no part in the interior of its cell), share
        (in part only), nearest or none; distance_m to the cell, for none to the nearest cell if measured and
        within about 1,000 km, else NaN; reason, a word of `gis.assign.REASONS` or None. `report` is the
        account.

    Raises
    ------
    InputError
        If a frame has no CRS, a cell has no code or is not polygonal, or the distance is negative.
    """
    if max_distance_m is not None and not max_distance_m >= 0:
        raise InputError(f"The largest distance must not be negative; {max_distance_m:g} m is.")
    locator = cells if isinstance(cells, PointLocator) else PointLocator(cells)
    lonlat = entities.geometry if entities.crs == LONLAT else to_lonlat(entities).geometry
    geometries: Objects = np.asarray(lonlat.to_numpy(), dtype=object)
    answers = Answers.blank(len(entities))
    shapes = read_shapes(geometries)
    repeated = _repeated(entities, id_column)
    answers.reason[repeated] = Reason.DUPLICATE_ID
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, len(entities))

    ground = Ground(locator, crs)
    _locate_points(answers, _without(shapes.points, repeated), shapes, locator, step)
    divided = [
        _count_points(answers, _without(shapes.many, repeated), shapes, locator),
        _divide(answers, _without(shapes.extended, repeated), shapes, ground, step),
    ]
    near: Integers = np.flatnonzero((answers.owner < 0) & ~shapes.empty & ~shapes.impossible & ~repeated)
    if max_distance_m is not None:
        number, distance_m = _distances(near, geometries, ground, max_distance_m)
        found = number >= 0
        answers.owner[near[found]] = number[found]
        answers.method[near[found]] = Method.NEAREST
        answers.distance_m[near[found]] = distance_m[found]
    hints = give_reasons(answers, shapes, locator)
    beyond = np.flatnonzero(
        (answers.owner < 0) & np.isin(answers.reason, (Reason.OUTSIDE, Reason.WRONG_DATUM))
    )
    if len(beyond) <= measured_outside:
        answers.distance_m[beyond] = _distances(beyond, geometries, ground, None)[1]
    step(len(entities) - done)
    frame = _frame(entities, answers, locator)
    return Assignment(frame, _report(frame, answers, divided, locator, id_column, hints))


def _repeated(entities: gpd.GeoDataFrame, id_column: str) -> Booleans:
    if id_column not in entities.columns:
        return np.zeros(len(entities), dtype=bool)
    ids = entities[id_column]
    named = ids.notna() & (ids.astype(object) != "")
    return np.asarray(named & ids.duplicated(), dtype=bool)


def _without(rows: Integers, repeated: Booleans) -> Integers:
    return rows[~repeated[rows]]


def _locate_points(
    answers: Answers, rows: Integers, shapes: Shapes, locator: PointLocator, step: Callable[[int], None]
) -> None:
    last = 0

    def progress(done: int, _total: int) -> None:
        nonlocal last
        step(done - last)
        last = done

    owner, border = locator.owners_and_borders(shapes.lon[rows], shapes.lat[rows], progress=progress)
    held = owner >= 0
    method = np.where(border[held], Method.BORDER, Method.INSIDE).astype(np.int8)
    answers.settle(rows[held], owner[held], np.ones(int(held.sum())), method)


def _count_points(answers: Answers, rows: Integers, shapes: Shapes, locator: PointLocator) -> Shares:
    """Settle multipoints by the number of their points."""
    xy, member = shapely.get_coordinates(shapes.measurable[rows], return_index=True)
    owner, border = locator.owners_and_borders(xy[:, 0], xy[:, 1])
    whole = np.bincount(member, minlength=len(rows)).astype(float)
    held = owner >= 0
    shares = Shares.total(rows[member[held]], owner[held], np.ones(int(held.sum())), whole[member[held]])
    _settle_shares(answers, shares, rows[member[border]])
    return shares


def _divide(
    answers: Answers, rows: Integers, shapes: Shapes, ground: Ground, step: Callable[[int], None]
) -> Shares:
    """Settle lines and polygons by length and area."""
    projected, finite = _on_ground(shapes.measurable[rows], ground)
    shares, along = measure_shares(projected, ground, step)
    shares = shares._replace(row=rows[finite][shares.row])
    _settle_shares(answers, shares, rows[finite][along])
    return shares


def _settle_shares(answers: Answers, shares: Shares, on_border: Integers) -> None:
    row, number, share = shares.winners()
    method = np.where(np.isin(row, on_border), Method.BORDER, Method.INSIDE)
    answers.settle(row, number, share, np.where(share < 1, Method.SHARE, method).astype(np.int8))


def _on_ground(geometries: Objects, ground: Ground) -> tuple[Objects, Integers]:
    """Project geometries and return those that the working CRS can show, with their positions."""
    if ground.bare or not len(geometries):
        return geometries[:0], np.zeros(0, dtype=np.int64)
    projected = ground.project(geometries)
    finite = np.flatnonzero(np.isfinite(shapely.bounds(projected)).all(axis=1))
    return projected[finite], finite


def _distances(
    rows: Integers, geometries: Objects, ground: Ground, limit_m: float | None
) -> tuple[Integers, NDArray[np.float64]]:
    """Return the nearest code's position (-1: none) and its distance (NaN: not known) for some entities."""
    number: Integers = np.full(len(rows), -1, dtype=np.int64)
    distance_m = np.full(len(rows), np.nan)
    if ground.bare or not len(rows):
        return number, distance_m
    within = np.flatnonzero(ground.within_reach(geometries[rows]))
    for start in range(0, len(within), BATCH):
        part = within[start : start + BATCH]
        projected, finite = _on_ground(geometries[rows[part]], ground)
        if len(finite):
            number[part[finite]], distance_m[part[finite]] = ground.nearest(projected, limit_m)
    return number, distance_m


def _frame(entities: gpd.GeoDataFrame, answers: Answers, locator: PointLocator) -> gpd.GeoDataFrame:
    codes = np.concatenate([locator.codes, np.array([None], dtype=object)])
    columns = {
        "cell_code": codes[answers.owner],
        "cell_share": answers.share,
        "assign_method": _METHODS[answers.method],
        "distance_m": answers.distance_m,
        "reason": _REASONS[answers.reason],
    }
    kept = entities.drop(columns=[name for name in columns if name in entities.columns])
    # Object columns, so that pandas neither copies a million words nor turns None into NaN.
    return kept.assign(
        **{name: pd.Series(values, index=kept.index, dtype=values.dtype) for name, values in columns.items()}
    )


def _report(
    frame: gpd.GeoDataFrame,
    answers: Answers,
    divided: list[Shares],
    locator: PointLocator,
    id_column: str,
    hints: list[str],
) -> AssignReport:
    ids = (
        frame[id_column].to_numpy(dtype=object)
        if id_column in frame.columns
        else np.full(len(frame), None, dtype=object)
    )
    several = Shares.join(divided).of_several_cells()
    order = np.argsort(several.row, kind="stable")
    none = np.flatnonzero(answers.owner < 0)
    return AssignReport(
        total=len(frame),
        methods=_counts(answers.method, _METHODS),
        reasons={word: count for word, count in _counts(answers.reason, _REASONS).items() if word and count},
        kinds=_kinds(frame, answers),
        unassigned=pd.DataFrame(
            {
                "row": none,
                "id": ids[none],
                "reason": _REASONS[answers.reason[none]],
                "distance_m": answers.distance_m[none],
            }
        ),
        shares=pd.DataFrame(
            {
                "row": several.row[order],
                "id": ids[several.row[order]],
                "cell_code": locator.codes[several.number[order]],
                "share": several.share[order],
                "measure": several.measure[order],
            }
        ),
        hints=tuple(hints),
    )


def _counts(numbers: NDArray[np.int8], words: Objects) -> dict[str, int]:
    return dict(zip(words, np.bincount(numbers, minlength=len(words)).tolist(), strict=True))


def _kinds(frame: gpd.GeoDataFrame, answers: Answers) -> dict[str, dict[str, int]]:
    if "kind" not in frame.columns:
        return {}
    number, kinds = pd.factorize(frame["kind"], use_na_sentinel=False)
    return {
        "" if pd.isna(kind) else str(kind): _counts(answers.method[number == position], _METHODS)
        for position, kind in enumerate(kinds)
    }
