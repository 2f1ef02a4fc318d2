"""The mosaic of a repair: the faces into which all borders cut the ground, their claimants and neighbours.

It is fixed once made.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.faces.arrangement import faces
from gis.graph import adjacency
from gis.topology.polygon_layer import Geometries, Records

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lists:
    """One list of numbers per row, stored end to end: row k is values[starts[k]:starts[k + 1]]."""

    starts: Index
    values: Index

    @classmethod
    def group(cls, rows: Index, values: Index, count: int) -> "Lists":
        """Gather values by row; each list is in ascending order."""
        order = np.lexsort((values, rows))
        return cls(np.searchsorted(rows[order], np.arange(count + 1)).astype(np.int64), values[order])

    def of(self, row: int) -> Index:
        """Return the list of one row."""
        return self.values[self.starts[row] : self.starts[row + 1]]

    def sizes(self) -> Index:
        """Return the length of each list."""
        return np.diff(self.starts)


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Faces, claims and neighbours.

    Attributes
    ----------
    faces
        A valid coverage of Polygons in the working CRS; with areas only those inside an area.
    size
        Area of each face in m².
    claims
        Per face the rows of the cells that cover it and may have it.
    claimed
        Per cell the faces it covers and may have.
    home
        Per cell the row of its area; 0 for all where there are no areas.
    inside
        Per face the rows of the areas it lies in; the single 0 where there are no areas.
    beside
        Per face its neighbours across an edge ...
    border
        ... and the metres of each of these borders, aligned with `beside.values`.
    """

    faces: Geometries
    size: NDArray[np.float64]
    claims: Lists
    claimed: Lists
    home: Index
    inside: Lists
    beside: Lists
    border: NDArray[np.float64]

    def allows(self, face: int, cell: int) -> bool:
        """Tell whether the face lies in the cell's area."""
        return bool(self.home[cell] in self.inside.of(face))

    def shape(self, faces: list[int]) -> shapely.Geometry:
        """Return the union of faces."""
        return self.faces[faces[0]] if len(faces) == 1 else shapely.coverage_union_all(self.faces[faces])

    def neighbours(self, face: int) -> list[tuple[int, float]]:
        """Return the faces beside a face with the metres of the common border."""
        start, end = self.beside.starts[face], self.beside.starts[face + 1]
        return list(zip(self.beside.values[start:end].tolist(), self.border[start:end].tolist(), strict=True))

    def pairs(self) -> tuple[Index, Index]:
        """Return every two neighbouring faces once, the lower first."""
        left = np.repeat(np.arange(len(self.faces)), self.beside.sizes())
        once = left < self.beside.values
        return left[once], self.beside.values[once]


def make_mosaic(
    cells: Records, areas: Records | None, home: Index, cuts: Geometries, *, passes: int = 1
) -> Mosaic:
    """Cut the ground along every border of cells and areas.

    Parameters
    ----------
    cells, areas
        In the same working CRS.
    home
        Per cell the row of its area, -1 for none; zeros where there are no areas.
    cuts
        Further lines or polygons along which to cut.
    passes
        How often to cut: snapping an edge can bring it within the grid size of a vertex, to which only
        another pass snaps it.
    """
    lines = cells.polygons if areas is None else np.concatenate([cells.polygons, areas.polygons])
    lines = np.concatenate([lines, cuts])
    ground = faces(lines[~shapely.is_empty(lines)])
    for _ in range(1, passes):
        ground = faces(ground)
    spots = shapely.point_on_surface(ground)
    tree = shapely.STRtree(spots)
    if areas is None:
        area, face = np.zeros(len(ground), dtype=np.int64), np.arange(len(ground))
    else:
        area, face = tree.query(areas.polygons, predicate="intersects")
        keep = np.unique(face)
        ground = ground[keep]
        face = np.searchsorted(keep, face)
        tree = shapely.STRtree(spots[keep])
    inside = Lists.group(face, area, len(ground))
    cell, face = tree.query(cells.polygons, predicate="intersects")
    width = 1 if areas is None else len(areas) + 1
    at_home = np.isin(face * width + home[cell], _keys(inside, width))
    cell, face = cell[at_home].astype(np.int64), face[at_home].astype(np.int64)

    i, j, metres = adjacency(ground, tolerance=0)
    left, right, metres = np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([metres, metres])
    order = np.lexsort((right, left))
    return Mosaic(
        faces=ground,
        size=shapely.area(ground),
        claims=Lists.group(face, cell, len(ground)),
        claimed=Lists.group(cell, face, len(cells)),
        home=home,
        inside=inside,
        beside=Lists.group(left, right, len(ground)),
        border=metres[order],
    )


def _keys(lists: Lists, width: int) -> Index:
    """Return row * width + value of every entry."""
    return np.repeat(np.arange(len(lists.starts) - 1), lists.sizes()) * width + lists.values


def components(count: int, left: Index, right: Index) -> Index:
    """Label connected nodes with the lowest node of their component.

    Parameters
    ----------
    count
        Number of nodes.
    left, right
        The edges.
    """
    root = np.arange(count)
    while True:
        low = np.minimum(root[left], root[right])
        further = root.copy()
        np.minimum.at(further, root[left], low)
        np.minimum.at(further, root[right], low)
        further = further[further]
        if np.array_equal(further, root):
            return root
        root = further
