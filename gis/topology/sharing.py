"""Sharing of a long blank among its neighbours: each gets the ground that is nearest to it.

A blank that runs along many cells, as streets between blocks do, is too much for any one of them; which
blanks these are, and that they are filled, belongs to `gis.topology.fill`.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.topology.fill import Blank
from gis.topology.mosaic import Index, Mosaic
from gis.topology.records import Geometries, mean_width, polygonal

_MOST_POINTS = 200_000


@dataclass(frozen=True, eq=False)
class Shares:
    """Pieces of blanks, and the row of the cell nearest to each."""

    pieces: Geometries
    cells: Index

    def __len__(self) -> int:
        """Count the pieces."""
        return len(self.cells)


NO_SHARES = Shares(np.empty(0, dtype=object), np.empty(0, dtype=np.int64))
"""Where no blank has to be shared."""


def share_out(mosaic: Mosaic, owner: Index, blanks: list[Blank]) -> Shares:
    """Cut blanks into what is nearest to each neighbour.

    Parameters
    ----------
    mosaic, owner
        The faces and the row of the cell that has each.
    blanks
        Connected faces without an owner.

    Returns
    -------
    Shares
        The Voronoi regions of the neighbours' borders, cut to the blank. They follow the middle to about
        half the blank's mean width; a neighbour that may not have the ground gets none.
    """
    pieces, cells = [], []
    for blank in blanks:
        points, cell = _fronts(mosaic, owner, blank)
        if not len(points):
            continue
        regions = np.asarray(
            shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), ordered=True)),
            dtype=object,
        )
        for row in np.unique(cell):
            region = shapely.union_all(regions[cell == row])
            piece = polygonal(np.array([shapely.intersection(region, blank.shape)], dtype=object))[0]
            if not piece.is_empty:
                pieces.append(piece)
                cells.append(int(row))
    result = np.empty(len(pieces), dtype=object)
    result[:] = pieces
    return Shares(result, np.array(cells, dtype=np.int64))


def shares_of(mosaic: Mosaic, owner: Index, shares: Shares) -> Index:
    """Return per face the cell whose share it lies in, -1 where it has an owner or lies in none."""
    result = np.full(len(owner), -1, dtype=np.int64)
    bare = np.flatnonzero(owner < 0)
    if len(shares) and len(bare):
        piece, spot = shapely.STRtree(shapely.point_on_surface(mosaic.faces[bare])).query(
            shares.pieces, predicate="intersects"
        )
        result[bare[spot]] = shares.cells[piece]
    return result


def _fronts(mosaic: Mosaic, owner: Index, blank: Blank) -> tuple[NDArray[np.float64], Index]:
    """Return points along a blank's border, each once, and the cell to which each belongs."""
    step = max(
        float(mean_width(np.array([blank.shape], dtype=object))[0]) / 2,
        float(shapely.length(blank.shape)) / _MOST_POINTS,
    )
    rim = shapely.boundary(blank.shape)
    beside = {n for face in blank.faces for n, _ in mosaic.neighbours(face) if owner[n] >= 0}
    faces = [n for n in sorted(beside) if mosaic.allows(blank.faces[0], int(owner[n]))]
    if not faces:
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    fronts = shapely.segmentize(shapely.intersection(shapely.boundary(mosaic.faces[faces]), rim), step)
    points, front = shapely.get_coordinates(fronts, return_index=True)
    cell = owner[np.asarray(faces)[front]]
    order = np.lexsort((cell, points[:, 1], points[:, 0]))
    points, cell = points[order], cell[order]
    new = np.ones(len(points), dtype=bool)
    new[1:] = (points[1:] != points[:-1]).any(axis=1)
    return points[new], cell[new]
