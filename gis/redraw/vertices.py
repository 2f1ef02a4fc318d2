"""Moving vertices, with every cell that has them."""

from dataclasses import dataclass
from typing import Any, ClassVar

import shapely

from gis.arrays import FloatArray
from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet
from gis.redraw.edit import Edit, require_sound

Position = tuple[float, float]
"""Longitude and latitude."""


@dataclass(frozen=True)
class MoveVertices:
    """Move vertices to other places; the borders of all cells that have one follow.

    Attributes
    ----------
    moves
        Pairs of where a vertex is, exactly, and where it is to be, in EPSG:4326.
    """

    name: ClassVar[str] = "vertices"

    moves: tuple[tuple[Position, Position], ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return ()

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return shapely.MultiPoint([position for move in self.moves for position in move])

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit."""
        target = dict(self.moves)
        concerned = {
            cell.code: cell for position in target for cell in cells.touching(shapely.Point(position))
        }
        known: set[Position] = set()

        def move(xy: FloatArray) -> FloatArray:
            moved = xy.copy()
            for row, position in enumerate(map(tuple, xy.tolist())):
                if position in target:
                    known.add(position)
                    moved[row] = target[position]
            return moved

        after = [
            cell._replace(geometry=shapely.transform(cell.geometry, move)) for cell in concerned.values()
        ]
        absent = [position for position in target if position not in known]
        if absent:
            raise RefusedError(f"There is no vertex at {absent[0][0]}, {absent[0][1]}.")
        return require_sound(Edit.of(self.name, concerned.values(), after), cells)
