"""Filling of blanks: an enclosed blank goes to a neighbour, if it is narrow enough to be an error."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.topology.face_graph import FaceGraph, RaggedArray
from gis.topology.overlap_resolution import cell_with_longest_border


@dataclass(frozen=True, eq=False)
class Blank:
    """A blank: its faces, shape, the cells around, and the cell that got it, or why none did."""

    faces: list[int]
    geometry: shapely.Geometry
    neighbours: list[int]
    assigned_cell: int
    reason: str
    is_narrow: bool


def fill_blanks(
    face_graph: FaceGraph,
    cell_of_face: IntArray,
    *,
    size_m2: FloatArray,
    rank: IntArray,
    max_width_m: float,
    max_growth: float,
    preferred_cell: IntArray | None = None,
) -> tuple[IntArray, list[Blank]]:
    """Assign each narrow blank to the neighbour in its own area with the longest common border.

    Parameters
    ----------
    face_graph, cell_of_face
        The faces and the row of the cell that owns each, -1 for none.
    size_m2
        The area of each cell in the input.
    rank
        The lower wins a tie.
    max_width_m
        A blank into which a wider circle fits stays.
    max_growth
        Share of its own area by which a cell may grow.
    preferred_cell
        Per face the preferred cell, -1 for none; it gets the face if it is adjacent.

    Returns
    -------
    owner : ndarray of int
        With the filled faces.
    blanks : list of Blank
        All of them, the largest first.
    """
    cell_of_face = cell_of_face.copy()
    preferred_cell = (
        np.full(len(cell_of_face), -1, dtype=np.int64) if preferred_cell is None else preferred_cell
    )
    face_groups, polygons = _find_blanks(face_graph, cell_of_face, preferred_cell)
    is_narrow = ~is_wider_than(polygons, max_width_m)
    neighbours = [
        {int(cell_of_face[n]) for face in face_group for n, _ in face_graph.neighbours(face)} - {-1}
        for face_group in face_groups
    ]
    assigned_cell = np.full(len(face_groups), -1, dtype=np.int64)
    gained = np.zeros(len(size_m2))
    waiting = np.flatnonzero(is_narrow).tolist()
    while waiting:
        later = []
        for k in waiting:
            area = float(face_graph.area_m2[face_groups[k]].sum())
            may_grow = gained + area <= max_growth * size_m2
            assigned_cell[k] = _choose_cell(
                face_graph,
                cell_of_face,
                face_groups[k],
                int(preferred_cell[face_groups[k][0]]),
                rank,
                may_grow,
            )
            if assigned_cell[k] < 0:
                later.append(k)
                continue
            cell_of_face[face_groups[k]] = assigned_cell[k]
            gained[assigned_cell[k]] += area
        # A share that touched no owned ground may touch some now.
        waiting = later if len(later) < len(waiting) else []
    blanks = []
    for k, face_group in enumerate(face_groups):
        reason = (
            f"too large: each cell that may have it would grow by more than {max_growth:.0%}"
            if is_narrow[k]
            else f"wider than {max_width_m:g} m"
        )
        blanks.append(
            Blank(
                face_group,
                polygons[k],
                sorted(neighbours[k]),
                int(assigned_cell[k]),
                reason,
                bool(is_narrow[k]),
            )
        )
    return cell_of_face, blanks


def _choose_cell(
    face_graph: FaceGraph,
    cell_of_face: IntArray,
    face_group: list[int],
    preferred_cell: int,
    rank: IntArray,
    may_grow: BoolArray,
) -> int:
    """Return the cell that takes connected faces, -1 for none."""
    if (
        preferred_cell >= 0
        and may_grow[preferred_cell]
        and any(cell_of_face[n] == preferred_cell for f in face_group for n, _ in face_graph.neighbours(f))
    ):
        return preferred_cell
    best = cell_with_longest_border(face_graph, cell_of_face, face_group, rank=rank, may_grow=may_grow)
    return -1 if best is None else best


def is_wider_than(polygons: Geometries, width_m: float) -> BoolArray:
    """Return into which polygons a circle of that diameter fits."""
    bounds = shapely.bounds(polygons)
    result = np.zeros(len(polygons), dtype=bool)
    if not len(polygons):
        return result
    room = np.flatnonzero(np.minimum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) > width_m)
    # The erosion by the radius leaves the centres of all circles that fit.
    result[room] = ~shapely.is_empty(shapely.buffer(polygons[room], -width_m / 2))
    return result


def _find_blanks(
    face_graph: FaceGraph, cell_of_face: IntArray, preferred_cell: IntArray
) -> tuple[list[list[int]], Geometries]:
    """Return connected unowned faces of one share and the same areas, the largest first, and their unions."""
    is_uncovered = cell_of_face < 0
    left, right = face_graph.borders.rows(), face_graph.borders.neighbours
    joint = is_uncovered[left] & is_uncovered[right] & (preferred_cell[left] == preferred_cell[right])
    areas_of_face = face_graph.areas_of_face
    joint[joint] = [
        np.array_equal(areas_of_face.values_of(a), areas_of_face.values_of(b))
        for a, b in zip(left[joint], right[joint], strict=True)
    ]
    label = face_graph.borders.select(joint).components()
    rows = np.flatnonzero(is_uncovered)
    roots, where = np.unique(label[rows], return_inverse=True)
    grouped = RaggedArray.from_pairs(where.astype(np.int64), rows, len(roots))
    sizes = np.bincount(where, weights=face_graph.area_m2[rows], minlength=len(roots))
    order = np.lexsort((roots, -sizes)).tolist()
    face_groups = [grouped.values_of(row).tolist() for row in order]
    polygons = np.empty(len(face_groups), dtype=object)
    polygons[:] = [face_graph.union_faces(face_group) for face_group in face_groups]
    return face_groups, polygons
