"""Filling of blanks: enclosed ground in no cell goes to a neighbour, if it is narrow enough to be an error.

Contested ground has been awarded before; what is left blank is told with the reason.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.topology.face_graph import Index, Lists, Mosaic, components
from gis.topology.overlap_resolution import longest_border
from gis.topology.polygon_layer import Geometries


@dataclass(frozen=True, eq=False)
class Blank:
    """Connected ground in no cell: its faces, shape, the cells around, and who got it or why nobody did."""

    faces: list[int]
    shape: shapely.Geometry
    around: list[int]
    winner: int
    reason: str
    narrow: bool


def fill_blanks(
    mosaic: Mosaic,
    owner: Index,
    *,
    size_m2: NDArray[np.float64],
    rank: Index,
    max_width_m: float,
    max_growth: float,
    share: Index | None = None,
) -> tuple[Index, list[Blank]]:
    """Give each narrow blank to the neighbour with the longest common border, in its own area.

    Parameters
    ----------
    mosaic, owner
        The faces and the row of the cell that has each, -1 for none.
    size_m2
        The area of each cell as it came.
    rank
        The lower wins a tie.
    max_width_m
        A blank into which a wider circle fits stays.
    max_growth
        Share of its own area by which a cell may grow.
    share
        Per face the cell that is to have it, -1 for none; it does if it lies beside it.

    Returns
    -------
    owner : ndarray of int
        With the filled faces.
    blanks : list of Blank
        All of them, the largest first.
    """
    owner = owner.copy()
    share = np.full(len(owner), -1, dtype=np.int64) if share is None else share
    lots, shapes = _blanks(mosaic, owner, share)
    narrow = ~wider_than(shapes, max_width_m)
    around = [{int(owner[n]) for face in lot for n, _ in mosaic.neighbours(face)} - {-1} for lot in lots]
    winner = np.full(len(lots), -1, dtype=np.int64)
    gained = np.zeros(len(size_m2))
    waiting = np.flatnonzero(narrow).tolist()
    while waiting:
        later = []
        for k in waiting:
            area = float(mosaic.size[lots[k]].sum())
            fits = gained + area <= max_growth * size_m2
            winner[k] = _taker(mosaic, owner, lots[k], int(share[lots[k][0]]), rank, fits)
            if winner[k] < 0:
                later.append(k)
                continue
            owner[lots[k]] = winner[k]
            gained[winner[k]] += area
        # A share that lay beside no owned ground may do so now.
        waiting = later if len(later) < len(waiting) else []
    blanks = []
    for k, lot in enumerate(lots):
        reason = (
            f"too large: each cell that may have it would grow by more than {max_growth:.0%}"
            if narrow[k]
            else f"wider than {max_width_m:g} m"
        )
        blanks.append(Blank(lot, shapes[k], sorted(around[k]), int(winner[k]), reason, bool(narrow[k])))
    return owner, blanks


def _taker(
    mosaic: Mosaic, owner: Index, lot: list[int], share: int, rank: Index, fits: NDArray[np.bool_]
) -> int:
    """Return the cell that takes connected faces, -1 for none."""
    if share >= 0 and fits[share] and any(owner[n] == share for f in lot for n, _ in mosaic.neighbours(f)):
        return share
    best = longest_border(mosaic, owner, lot, rank=rank, fits=fits)
    return -1 if best is None else best


def wider_than(shapes: Geometries, width_m: float) -> NDArray[np.bool_]:
    """Tell into which polygons a circle of that diameter fits."""
    bounds = shapely.bounds(shapes)
    result = np.zeros(len(shapes), dtype=bool)
    if not len(shapes):
        return result
    room = np.flatnonzero(np.minimum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) > width_m)
    # The erosion by the radius leaves the centres of all circles that fit.
    result[room] = ~shapely.is_empty(shapely.buffer(shapes[room], -width_m / 2))
    return result


def _blanks(mosaic: Mosaic, owner: Index, share: Index) -> tuple[list[list[int]], Geometries]:
    """Return connected unowned faces of one share and the same areas, the largest first, and their shapes."""
    bare = owner < 0
    left, right = mosaic.pairs()
    joint = bare[left] & bare[right] & (share[left] == share[right])
    left, right = left[joint], right[joint]
    alike = np.array(
        [np.array_equal(mosaic.inside.of(a), mosaic.inside.of(b)) for a, b in zip(left, right, strict=True)],
        dtype=bool,
    )
    label = components(len(owner), left[alike], right[alike])
    rows = np.flatnonzero(bare)
    roots, where = np.unique(label[rows], return_inverse=True)
    grouped = Lists.group(where.astype(np.int64), rows, len(roots))
    sizes = np.bincount(where, weights=mosaic.size[rows], minlength=len(roots))
    order = np.lexsort((roots, -sizes)).tolist()
    lots = [grouped.of(row).tolist() for row in order]
    shapes = np.empty(len(lots), dtype=object)
    shapes[:] = [mosaic.shape(lot) for lot in lots]
    return lots, shapes
