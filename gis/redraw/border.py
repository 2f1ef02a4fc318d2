"""Moving the border between two cells."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely

from gis.arrays import Geometries, IntArray
from gis.errors import RefusedError
from gis.graph import NeighbourGraph
from gis.redraw.cell_set import Cell, CellSet
from gis.redraw.edit import Edit
from gis.redraw.recut import cut_cells, join_pieces, project_drawn, require_drawn


@dataclass(frozen=True)
class MoveBorder:
    """Redraw the border between two cells.

    Attributes
    ----------
    first, second
        Codes of two cells of one area that share a border.
    line
        LineString in EPSG:4326, the border to be: from edge to edge of their common ground.
    """

    name: ClassVar[str] = "border"

    first: str
    second: str
    line: Any

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.first, self.second)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return self.line

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit: each side of the line goes to the cell that had more of it."""
        drawn = require_drawn(self.line, 1, "Draw a line as the new border.")
        pair = neighbouring_pair(cells, self.first, self.second)
        line = project_drawn(drawn, pair, cells)
        pieces = cut_cells(cells, pair, np.array([line], dtype=object))
        side = _sides(pieces.polygons, line)
        area = shapely.area(pieces.polygons)
        share = np.zeros((int(side.max(initial=0)) + 1, 2))
        np.add.at(share, (side, pieces.owner), area)
        if len(share) < 2:
            raise RefusedError(
                f"The line does not part the ground of '{self.first}' and '{self.second}'; "
                "draw it from edge to edge."
            )
        owner_of_side = np.argmax(share, axis=1)
        group = owner_of_side[side]
        for k, cell in enumerate(pair):
            if not (group == k).any():
                raise RefusedError(f"Nothing of cell '{cell.code}' would remain; merge it instead.")
        return join_pieces(pieces, group, pieces.cells, cells, self.name)


def neighbouring_pair(cells: CellSet, first: str, second: str) -> tuple[Cell, Cell]:
    """Return two cells of one area that share a border.

    Raises
    ------
    RefusedError
        If there are no such cells.
    """
    one, other = cells.select([first, second])
    if one.area_code != other.area_code:
        raise RefusedError(
            f"The border between '{first}' and '{second}' is that of their areas '{one.area_code}' and "
            f"'{other.area_code}', and stays."
        )
    shared = shapely.intersection(shapely.boundary(one.geometry), shapely.boundary(other.geometry))
    if first == second or not shapely.length(shared) > 0:
        raise RefusedError(f"The cells '{first}' and '{second}' have no common border.")
    return one, other


def _sides(polygons: Geometries, line: shapely.Geometry) -> IntArray:
    """Return the number of the side of the line on which each piece lies."""
    graph = NeighbourGraph.from_polygons(polygons, tolerance=0)
    rows, others = graph.rows(), graph.neighbours
    edges = shapely.intersection(shapely.boundary(polygons[rows]), shapely.boundary(polygons[others]))
    apart = shapely.length(shapely.intersection(edges, shapely.buffer(line, 1e-5))) > 0.5 * shapely.length(
        edges
    )
    return np.unique(graph.select(~apart).components(), return_inverse=True)[1]
