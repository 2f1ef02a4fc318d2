"""Which units lie in which cells, found by their ground."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.faces.overlay import OverlayTolerance, extract_polygons

GROUND_TOLERANCE = OverlayTolerance(0.01, 0.02)
"""Shared ground up to 0.01 m², or 2 cm wide, comes from coordinates that a file has rounded."""

NO_CELL = -1
"""The position of a cell for ground that lies in none."""


@dataclass(frozen=True, eq=False)
class GroundShares:
    """How the ground of units is shared by cells: one entry for each unit and cell that have some in common.

    Attributes
    ----------
    unit, cell
        Positions; `NO_CELL` for ground in no cell. Sorted by unit.
    area_m2
        How much it is.
    """

    unit: IntArray
    cell: IntArray
    area_m2: FloatArray


@dataclass(frozen=True, eq=False)
class UnitsInCells:
    """Where units lie.

    Attributes
    ----------
    cell
        Shape (n,), the position of the cell that holds each unit; `NO_CELL` for one in no cell, or cut.
    cut
        The shares of units that do not lie in one cell as a whole, or in none as a whole.
    """

    cell: IntArray
    cut: GroundShares


def measure_shares(units: Geometries, cells: Geometries) -> GroundShares:
    """Measure how much of the ground of each unit lies in each cell, and in none, without rounding noise.

    Parameters
    ----------
    units, cells
        Valid polygons in one metric CRS.
    """
    # Most units lie in one cell, vertex by vertex; this is found without an overlay.
    holder, held = shapely.STRtree(units).query(cells, predicate="covers")
    single = np.bincount(held, minlength=len(units)) == 1
    kept = single[held]
    whole, home = held[kept], holder[kept]
    rest = np.flatnonzero(~single)
    hits, others = shapely.STRtree(cells).query(units[rest], predicate="intersects")
    shared = extract_polygons(shapely.intersection(units[rest][hits], cells[others]))
    beyond = units[rest].copy()
    bounds = np.searchsorted(hits, np.arange(len(rest) + 1))
    for position, (start, end) in enumerate(pairwise(bounds.tolist())):
        if end > start:
            around = shapely.union_all(cells[others[start:end]])
            beyond[position] = shapely.difference(beyond[position], around)
    beyond = extract_polygons(beyond)
    unit = np.concatenate([whole, rest[hits], rest])
    cell = np.concatenate([home, others, np.full(len(rest), NO_CELL)])
    area = np.concatenate([shapely.area(units[whole]), _real_area(shared), _real_area(beyond)])
    order = np.lexsort((cell, unit))
    order = order[area[order] > 0]
    return GroundShares(unit[order], cell[order], area[order])


def find_units_in_cells(units: Geometries, cells: Geometries) -> UnitsInCells:
    """Find the cell in which each unit lies whole.

    Parameters
    ----------
    units, cells
        Valid polygons in one metric CRS.
    """
    shares = measure_shares(units, cells)
    count = np.bincount(shares.unit, minlength=len(units))
    cell = np.full(len(units), NO_CELL)
    alone = count[shares.unit] == 1
    cell[shares.unit[alone]] = shares.cell[alone]
    return UnitsInCells(cell, GroundShares(shares.unit[~alone], shares.cell[~alone], shares.area_m2[~alone]))


def is_same_ground(one: Geometries, other: Geometries) -> BoolArray:
    """Return which pairs of polygons, in metres, cover the same ground but for rounding noise."""
    return GROUND_TOLERANCE.are_equal(one, other)


def _real_area(polygons: Geometries) -> FloatArray:
    """Return the area of each geometry without the pieces that are noise."""
    pieces, owner = shapely.get_parts(polygons, return_index=True)
    area = np.where(GROUND_TOLERANCE.is_noise(pieces), 0.0, shapely.area(pieces))
    return np.bincount(owner, weights=area, minlength=len(polygons)).astype(np.float64)
