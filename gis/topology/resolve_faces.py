"""The resolution of all faces: overlaps, fragments, blanks and shares in this order, on one face graph."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.topology.face_graph import FaceGraph, build_face_graph
from gis.topology.fill_blanks import Blank, fill_blanks
from gis.topology.overlap_resolution import OverlapResolver, Reassignment
from gis.topology.polygon_layer import PolygonLayer
from gis.topology.split_blanks import NO_SPLIT, BlankSplit, preferred_cells, split_blanks


@dataclass(frozen=True, eq=False)
class RepairConstraints:
    """The constraints of a repair: per cell the row of its area, m², pieces, rank of the code; and limits."""

    area_of_cell: IntArray
    size_m2: FloatArray
    part_count: IntArray
    rank: IntArray
    max_width_m: float
    max_area_change: float

    @classmethod
    def from_layer(
        cls, cell_layer: PolygonLayer, area_of_cell: IntArray, max_width_m: float, max_area_change: float
    ) -> "RepairConstraints":
        """Return the constraints of the input records."""
        rank = np.empty(len(cell_layer), dtype=np.int64)
        rank[np.argsort(cell_layer.codes.astype(str), kind="stable")] = np.arange(len(cell_layer))
        part_count = shapely.get_num_geometries(cell_layer.polygons).astype(np.int64)
        return cls(
            area_of_cell, shapely.area(cell_layer.polygons), part_count, rank, max_width_m, max_area_change
        )


@dataclass(frozen=True, eq=False)
class ResolvedFaces:
    """The final owner of each face, and the changes that led to it."""

    face_graph: FaceGraph
    cell_of_face: IntArray
    reassignments: list[Reassignment]
    reassigned_fragments: list[Reassignment]
    blanks: list[Blank]


def resolve_faces(
    cell_layer: PolygonLayer,
    areas: PolygonLayer | None,
    constraints: RepairConstraints,
    cuts: Geometries,
    *,
    open_blanks: BlankSplit = NO_SPLIT,
    passes: int = 1,
) -> ResolvedFaces:
    """Assign all faces to cells.

    Narrow blanks that are too large for any one neighbour are shared by all, which takes a second face graph.

    Parameters
    ----------
    cell_layer, areas
        The cells and maybe areas, in the same working CRS.
    constraints
        The constraints.
    cuts, passes
        See `build_face_graph`.
    open_blanks
        Blanks that no border encloses, with the cell that each should go to.
    """
    outcome = _resolve_once(cell_layer, areas, constraints, open_blanks, cuts, passes)
    too_large = [one for one in outcome.blanks if one.assigned_cell < 0 and one.is_narrow]
    split = split_blanks(outcome.face_graph, outcome.cell_of_face, too_large)
    if not len(split.cells):
        return outcome
    return _resolve_once(cell_layer, areas, constraints, open_blanks.joined_with(split), cuts, passes)


def _resolve_once(
    cell_layer: PolygonLayer,
    areas: PolygonLayer | None,
    constraints: RepairConstraints,
    split: BlankSplit,
    cuts: Geometries,
    passes: int,
) -> ResolvedFaces:
    """Build the faces and assign each to a cell."""
    face_graph = build_face_graph(
        cell_layer, areas, constraints.area_of_cell, np.concatenate([split.cut_lines, cuts]), passes=passes
    )
    resolver = OverlapResolver(face_graph, constraints.size_m2, constraints.rank, constraints.max_area_change)
    reassignments = resolver.resolve()
    fragments = resolver.reassign_fragments(constraints.part_count, constraints.max_area_change)
    cell_of_face, blanks = fill_blanks(
        face_graph,
        resolver.cell_of_face,
        size_m2=constraints.size_m2,
        rank=constraints.rank,
        max_width_m=constraints.max_width_m,
        max_growth=constraints.max_area_change,
        preferred_cell=preferred_cells(face_graph, resolver.cell_of_face, split),
    )
    return ResolvedFaces(face_graph, cell_of_face, reassignments, fragments, blanks)
