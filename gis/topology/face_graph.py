"""The face graph of a repair: the faces that all borders make, their candidate cells and their neighbours."""

from dataclasses import dataclass

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.faces.arrangement import build_faces
from gis.graph import NeighbourGraph
from gis.topology.polygon_layer import PolygonLayer


@dataclass(frozen=True, eq=False)
class RaggedArray:
    """One list of numbers per row, stored end to end: row k is values[starts[k]:starts[k + 1]]."""

    offsets: IntArray
    values: IntArray

    @classmethod
    def from_pairs(cls, rows: IntArray, values: IntArray, count: int) -> "RaggedArray":
        """Gather values by row; each list is in ascending order."""
        order = np.lexsort((values, rows))
        return cls(np.searchsorted(rows[order], np.arange(count + 1)).astype(np.int64), values[order])

    def values_of(self, row: int) -> IntArray:
        """Return the list of one row."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def lengths(self) -> IntArray:
        """Return the length of each list."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False)
class FaceGraph:
    """Faces, their candidate cells and their neighbours.

    Attributes
    ----------
    faces
        A valid coverage of Polygons in the working CRS; with areas only those inside an area.
    area_m2
        Area of each face in m².
    candidate_cells
        Per face the rows of the cells that cover it and may have it.
    candidate_faces
        Per cell the faces it covers and may have.
    area_of_cell
        Per cell the row of its area; 0 for all where there are no areas.
    areas_of_face
        Per face the rows of the areas it lies in; the single 0 where there are no areas.
    borders
        The neighbours of each face across an edge, with the metres of the borders.
    """

    faces: Geometries
    area_m2: FloatArray
    candidate_cells: RaggedArray
    candidate_faces: RaggedArray
    area_of_cell: IntArray
    areas_of_face: RaggedArray
    borders: NeighbourGraph

    def is_allowed(self, face: int, cell: int) -> bool:
        """Return whether the face lies in the cell's area."""
        return bool(self.area_of_cell[cell] in self.areas_of_face.values_of(face))

    def union_faces(self, faces: list[int]) -> shapely.Geometry:
        """Return the union of faces."""
        return self.faces[faces[0]] if len(faces) == 1 else shapely.coverage_union_all(self.faces[faces])

    def neighbours(self, face: int) -> list[tuple[int, float]]:
        """Return the faces beside a face with the metres of the common border."""
        return list(
            zip(
                self.borders.neighbours_of(face).tolist(), self.borders.lengths_of(face).tolist(), strict=True
            )
        )


def build_face_graph(
    cells: PolygonLayer,
    areas: PolygonLayer | None,
    area_of_cell: IntArray,
    cuts: Geometries,
    *,
    passes: int = 1,
) -> FaceGraph:
    """Build the faces between all borders of cells and areas.

    Parameters
    ----------
    cells, areas
        In the same working CRS.
    area_of_cell
        Per cell the row of its area, -1 for none; zeros where there are no areas.
    cuts
        Further lines or polygons along which to cut.
    passes
        How often to cut: snapping an edge can bring it within the grid size of a vertex, to which only
        another pass snaps it.
    """
    lines = cells.polygons if areas is None else np.concatenate([cells.polygons, areas.polygons])
    lines = np.concatenate([lines, cuts])
    faces = build_faces(lines[~shapely.is_empty(lines)])
    for _ in range(1, passes):
        faces = build_faces(faces)
    points = shapely.point_on_surface(faces)
    tree = shapely.STRtree(points)
    if areas is None:
        area, face = np.zeros(len(faces), dtype=np.int64), np.arange(len(faces))
    else:
        area, face = tree.query(areas.polygons, predicate="intersects")
        keep = np.unique(face)
        faces = faces[keep]
        face = np.searchsorted(keep, face)
        tree = shapely.STRtree(points[keep])
    inside = RaggedArray.from_pairs(face, area, len(faces))
    cell, face = tree.query(cells.polygons, predicate="intersects")
    width = 1 if areas is None else len(areas) + 1
    in_own_area = np.isin(face * width + area_of_cell[cell], _pair_keys(inside, width))
    cell, face = cell[in_own_area].astype(np.int64), face[in_own_area].astype(np.int64)
    return FaceGraph(
        faces=faces,
        area_m2=shapely.area(faces),
        candidate_cells=RaggedArray.from_pairs(face, cell, len(faces)),
        candidate_faces=RaggedArray.from_pairs(cell, face, len(cells)),
        area_of_cell=area_of_cell,
        areas_of_face=inside,
        borders=NeighbourGraph.from_polygons(faces, tolerance=0),
    )


def _pair_keys(lists: RaggedArray, width: int) -> IntArray:
    """Return row * width + value of every entry."""
    return np.repeat(np.arange(len(lists.offsets) - 1), lists.lengths()) * width + lists.values
