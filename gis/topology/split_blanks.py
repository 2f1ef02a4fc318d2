"""Splitting a long blank among its neighbours: each gets the part that is nearest to it.

A blank that runs along many cells, as streets between blocks do, is too much for any one of them.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.topology.face_graph import FaceGraph
from gis.topology.fill_blanks import Blank
from gis.topology.open_blanks import OpenBlanks
from gis.topology.polygon_layer import mean_width

_MAX_POINTS = 200_000
_OVERSHOOT_M = 1e-4


@dataclass(frozen=True, eq=False)
class BlankSplit:
    """Blanks with the lines that split them.

    Attributes
    ----------
    blank_polygons
        Their shapes.
    cut_lines
        Lines or polygons along which to cut.
    regions, cells, blank_index
        The ground that is nearest to each cell, the row of that cell, and the position of the blank in which
        it counts.
    """

    blank_polygons: Geometries
    cut_lines: Geometries
    regions: Geometries
    cells: IntArray
    blank_index: IntArray

    def joined_with(self, other: "BlankSplit") -> "BlankSplit":
        """Return the blanks of both."""
        return BlankSplit(
            np.concatenate([self.blank_polygons, other.blank_polygons]),
            np.concatenate([self.cut_lines, other.cut_lines]),
            np.concatenate([self.regions, other.regions]),
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.blank_index, other.blank_index + len(self.blank_polygons)]),
        )


_NO_GEOMETRIES = np.empty(0, dtype=object)
_NO_ROWS = np.empty(0, dtype=np.int64)

NO_SPLIT = BlankSplit(_NO_GEOMETRIES, _NO_GEOMETRIES, _NO_GEOMETRIES, _NO_ROWS, _NO_ROWS)
"""Return a split without blanks."""


def split_open_blanks(found: OpenBlanks, rank: IntArray, known: BlankSplit = NO_SPLIT) -> BlankSplit:
    """Cut open blanks off the outside, each for the one of its two cells with the lower rank.

    What lies in a known one was cut off before and stayed, and is not cut again.
    """
    points = shapely.point_on_surface(found.polygons)
    met = shapely.STRtree(known.blank_polygons).query(points, predicate="intersects")[0]
    new = np.setdiff1d(np.arange(len(points)), met)
    first, second, shapes = found.first[new], found.second[new], found.polygons[new]
    lower = np.where(rank[first] <= rank[second], first, second)
    return BlankSplit(shapes, shapes, shapes, lower, np.arange(len(new)))


def split_blanks(face_graph: FaceGraph, cell_of_face: IntArray, blanks: list[Blank]) -> BlankSplit:
    """Split blanks into the ground nearest to each neighbour.

    Parameters
    ----------
    face_graph, cell_of_face
        The faces and the row of the cell that has each.
    blanks
        Connected faces without an owner.

    Returns
    -------
    BlankSplit
        By the Voronoi regions of the neighbours' borders. They follow the middle to about half the blank's
        mean width; a neighbour that may not have the ground gets none.
    """
    lines, regions, cells, numbers = [_NO_GEOMETRIES], [_NO_GEOMETRIES], [_NO_ROWS], [_NO_ROWS]
    blank_polygons = np.empty(len(blanks), dtype=object)
    blank_polygons[:] = [blank.geometry for blank in blanks]
    for number, blank in enumerate(blanks):
        points, cell = _boundary_points(face_graph, cell_of_face, blank)
        rows = np.unique(cell)
        if len(rows) < 2:
            continue
        nearest = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), ordered=True))
        order = np.argsort(cell, kind="stable")
        groups = np.split(nearest[order], np.searchsorted(cell[order], rows[1:]))
        cell_regions = np.array([shapely.coverage_union_all(group) for group in groups], dtype=object)
        borders = shapely.multilinestrings(shapely.get_parts(shapely.boundary(cell_regions)))
        # Beyond the rim by a hair, so that rounding cannot end a line short of it.
        reach = shapely.buffer(blank.geometry, _OVERSHOOT_M, quad_segs=1)
        lines.append(shapely.get_parts(shapely.intersection(borders, reach)))
        regions.append(cell_regions)
        cells.append(rows)
        numbers.append(np.full(len(rows), number, dtype=np.int64))
    return BlankSplit(
        blank_polygons,
        np.concatenate(lines),
        np.concatenate(regions),
        np.concatenate(cells),
        np.concatenate(numbers),
    )


def preferred_cells(face_graph: FaceGraph, cell_of_face: IntArray, split: BlankSplit) -> IntArray:
    """Return per face the cell whose share it lies in, -1 where it has an owner or lies in none."""
    result = np.full(len(cell_of_face), -1, dtype=np.int64)
    uncovered = np.flatnonzero(cell_of_face < 0)
    if len(split.cells) and len(uncovered):
        tree = shapely.STRtree(shapely.point_on_surface(face_graph.faces[uncovered]))
        within = np.full(len(uncovered), -1, dtype=np.int64)
        blank, point = tree.query(split.blank_polygons, predicate="intersects")
        within[point] = blank
        region, point = tree.query(split.regions, predicate="intersects")
        mine = split.blank_index[region] == within[point]
        result[uncovered[point[mine]]] = split.cells[region[mine]]
    return result


def _boundary_points(
    face_graph: FaceGraph, cell_of_face: IntArray, blank: Blank
) -> tuple[FloatArray, IntArray]:
    """Return points along a blank's border, each once, and the cell to which each belongs."""
    step = max(
        float(mean_width(np.array([blank.geometry], dtype=object))[0]) / 2,
        float(shapely.length(blank.geometry)) / _MAX_POINTS,
    )
    boundary = shapely.boundary(blank.geometry)
    beside = {n for face in blank.faces for n, _ in face_graph.neighbours(face) if cell_of_face[n] >= 0}
    faces = [n for n in sorted(beside) if face_graph.is_allowed(blank.faces[0], int(cell_of_face[n]))]
    if not faces:
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    shared_boundaries = shapely.segmentize(
        shapely.intersection(shapely.boundary(face_graph.faces[faces]), boundary), step
    )
    points, front = shapely.get_coordinates(shared_boundaries, return_index=True)
    cell = cell_of_face[np.asarray(faces)[front]]
    order = np.lexsort((cell, points[:, 1], points[:, 0]))
    points, cell = points[order], cell[order]
    new = np.ones(len(points), dtype=bool)
    new[1:] = (points[1:] != points[:-1]).any(axis=1)
    return points[new], cell[new]
