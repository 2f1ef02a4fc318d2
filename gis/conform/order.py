"""The clause on the order of codes: west to east, then north to south, within each area.

Where one row ends and the next begins is nowhere stored. So cells are in order if there are rows of some
height in which they are: each cell may stand in any row and at any place that it touches.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from gis.arrays import FloatArray, IntArray
from gis.conform.clause import NO_CODES, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput, read_day
from gis.divide.reading_order import find_square_grid, reading_rows
from gis.text import Text

_HEIGHT_FACTORS = (1.0, 2**-0.5, 2**0.5, 0.5, 2.0)
_PHASES = (0.0, 0.25, 0.5, 0.75)
_MARGIN = 0.01
_WIDEST = 20


class _Rows(NamedTuple):
    """Rows of one height, one of which begins at `south`; metres."""

    height: float
    south: float


class _Extent(NamedTuple):
    """The rows and eastings that a cell touches."""

    first: int
    last: int
    west: float
    east: float


class _Place(NamedTuple):
    """A row, ascending to the south, and an easting in it."""

    row: float
    x: float


_START = _Place(-math.inf, -math.inf)


def _look(given: ConformInput) -> Looked | NotLookedAt:
    bounds = shapely.bounds(given.layer.polygons)
    known = np.flatnonzero((given.stem != "") & np.isfinite(bounds).all(axis=1))
    if not len(known):
        return NO_CODES
    area = shapely.area(given.layer.polygons)
    candidates = _candidate_rows(bounds[known], area[known])
    points = shapely.get_coordinates(shapely.point_on_surface(given.layer.polygons[known]))
    point = np.full((len(given.layer), 2), np.nan)
    point[known] = points
    table = pd.DataFrame({"stem": given.stem, "day": _days(given)})
    # As numbers, and where they have letters too, in the order of the alphabet.
    table["sequence"] = pd.Series(given.sequence_text, dtype=object).str.zfill(_WIDEST)
    offences = []
    for _, group in table.iloc[known].groupby(["stem", "day"], sort=True):
        cells = group.sort_values("sequence", kind="stable").index.to_numpy()
        found = [_out_of_order(_extents(bounds[cells], rows)) for rows in candidates]
        found.append(_out_of_order(_places(point[cells], area[cells])))
        for place, before in min(found, key=len):
            label, other = given.layer.labels[cells[place]], given.layer.labels[cells[before]]
            offences.append(
                Offence(
                    label,
                    Text(
                        f"与 {other} 的编号不符合自西向东、自北向南的顺序",
                        f"and {other} are not numbered west to east, then north to south",
                    ),
                )
            )
    return Looked(offences)


def _days(given: ConformInput) -> np.ndarray:
    """Return the initial date of each cell as text: what was numbered on one day is in order."""
    attribute = next((each for each in given.profile.record if each.key == "initial_date"), None)
    column = given.column_of(attribute) if attribute else None
    if column is None:
        return np.full(len(given.cells), "", dtype=object)
    days = [read_day(value) for value in given.cells[column].tolist()]
    return np.array(["" if day is None else day.isoformat() for day in days], dtype=object)


def _candidate_rows(bounds: FloatArray, area: FloatArray) -> list[_Rows]:
    """Return the rows that the cells may have been numbered by.

    Cells that are squares of one size lie on a grid, whose rows are known. Others are tried with rows about
    as high as a usual cell is wide.
    """
    grid = find_square_grid(bounds, area)
    if grid is not None:
        return [_Rows(*grid)]
    usual = math.sqrt(float(np.median(area))) or 1.0
    return [_Rows(usual * factor, usual * factor * phase) for factor in _HEIGHT_FACTORS for phase in _PHASES]


def _extents(bounds: FloatArray, rows: _Rows) -> list[_Extent]:
    """Return the rows and eastings that cells of any bounds, shape (n, 4), touch."""
    margin = np.minimum(_MARGIN * rows.height, _MARGIN * (bounds[:, 2:] - bounds[:, :2]).min(axis=1))
    first: IntArray = np.floor((rows.south - (bounds[:, 3] - margin)) / rows.height).astype(np.int64)
    last: IntArray = np.floor((rows.south - (bounds[:, 1] + margin)) / rows.height).astype(np.int64)
    west, east = bounds[:, 0] + margin, bounds[:, 2] - margin
    return list(map(_Extent, first.tolist(), last.tolist(), west.tolist(), east.tolist()))


def _places(point: FloatArray, area: FloatArray) -> list[_Extent]:
    """Return where a division that groups units reads cells of any shape."""
    row = reading_rows(point, area, np.zeros(len(area), dtype=np.intp)).tolist()
    x = point[:, 0]
    return list(map(_Extent, row, row, (x - _MARGIN).tolist(), (x + _MARGIN).tolist()))


def _out_of_order(extents: Sequence[_Extent]) -> list[tuple[int, int]]:
    """Return cells that break the order, each with the cell that it does not fit to.

    Parameters
    ----------
    extents
        Of the cells by their sequence.
    """
    broken: list[tuple[int, int]] = []
    earlier, latest, previous = _START, _START, -1
    for k, extent in enumerate(extents):
        place = _place_after(latest, extent)
        if place is not None:
            earlier, latest, previous = latest, place, k
            continue
        # If this cell fits to the one before the last, the last one is at fault.
        place = _place_after(earlier, extent)
        if place is None:
            broken.append((k, previous))
        else:
            broken.append((previous, k))
            latest, previous = place, k
    return broken


def _place_after(place: _Place, extent: _Extent) -> _Place | None:
    """Return the earliest place that a cell touches and that follows another, None if there is none."""
    if extent.first <= place.row <= extent.last and extent.east > place.x:
        return _Place(place.row, max(extent.west, place.x))
    row = max(extent.first, place.row + 1)
    return _Place(row, extent.west) if row <= extent.last else None


ORDER = Clause(
    "order",
    Text("编号顺序", "Order of codes"),
    "fault",
    lambda profile: profile.code.numbering_source,
    _look,
)
