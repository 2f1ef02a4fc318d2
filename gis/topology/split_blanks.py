"""Sharing of a long blank among its neighbours: each gets the ground that is nearest to it.

A blank that runs along many cells, as streets between blocks do, is too much for any one of them.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.topology.face_graph import Index, Mosaic
from gis.topology.fill_blanks import Blank
from gis.topology.polygon_layer import Geometries, mean_width

_MOST_POINTS = 200_000
_HAIR_M = 1e-4


@dataclass(frozen=True, eq=False)
class Shares:
    """Blanks being shared.

    Attributes
    ----------
    blanks
        Their shapes.
    lines
        Where to cut them.
    regions, cells, blank
        The ground that is nearest to each cell, the row of that cell, and the position of the blank in which
        it counts.
    """

    blanks: Geometries
    lines: Geometries
    regions: Geometries
    cells: Index
    blank: Index


_NONE = np.empty(0, dtype=object)
_NO_ROWS = np.empty(0, dtype=np.int64)

NO_SHARES = Shares(_NONE, _NONE, _NONE, _NO_ROWS, _NO_ROWS)
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
        By the Voronoi regions of the neighbours' borders. They follow the middle to about half the blank's
        mean width; a neighbour that may not have the ground gets none.
    """
    lines, regions, cells, numbers = [_NONE], [_NONE], [_NO_ROWS], [_NO_ROWS]
    shapes = np.empty(len(blanks), dtype=object)
    shapes[:] = [blank.shape for blank in blanks]
    for number, blank in enumerate(blanks):
        points, cell = _fronts(mosaic, owner, blank)
        rows = np.unique(cell)
        if len(rows) < 2:
            continue
        nearest = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), ordered=True))
        order = np.argsort(cell, kind="stable")
        groups = np.split(nearest[order], np.searchsorted(cell[order], rows[1:]))
        ground = np.array([shapely.coverage_union_all(group) for group in groups], dtype=object)
        borders = shapely.multilinestrings(shapely.get_parts(shapely.boundary(ground)))
        # Beyond the rim by a hair, so that rounding cannot end a line short of it.
        reach = shapely.buffer(blank.shape, _HAIR_M, quad_segs=1)
        lines.append(shapely.get_parts(shapely.intersection(borders, reach)))
        regions.append(ground)
        cells.append(rows)
        numbers.append(np.full(len(rows), number, dtype=np.int64))
    return Shares(
        shapes, np.concatenate(lines), np.concatenate(regions), np.concatenate(cells), np.concatenate(numbers)
    )


def shares_of(mosaic: Mosaic, owner: Index, shares: Shares) -> Index:
    """Return per face the cell whose share it lies in, -1 where it has an owner or lies in none."""
    result = np.full(len(owner), -1, dtype=np.int64)
    bare = np.flatnonzero(owner < 0)
    if len(shares.cells) and len(bare):
        tree = shapely.STRtree(shapely.point_on_surface(mosaic.faces[bare]))
        within = np.full(len(bare), -1, dtype=np.int64)
        blank, spot = tree.query(shares.blanks, predicate="intersects")
        within[spot] = blank
        region, spot = tree.query(shares.regions, predicate="intersects")
        mine = shares.blank[region] == within[spot]
        result[bare[spot[mine]]] = shares.cells[region[mine]]
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
