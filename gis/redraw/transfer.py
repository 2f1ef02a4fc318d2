"""Giving ground to a cell: what lies in a drawn region, or whole pieces."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely

from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet
from gis.redraw.edit import Edit
from gis.redraw.recut import cut_cells, join_pieces, project_drawn, require_drawn


@dataclass(frozen=True)
class Transfer:
    """Give a cell the ground of its area that lies in a region.

    Attributes
    ----------
    region
        Polygon or MultiPolygon in EPSG:4326, drawn as it may be: what lies in other areas stays there.
    to
        The code of the cell that gets it.
    allow_parts
        Whether cells may fall into parts.
    """

    name: ClassVar[str] = "transfer"

    region: Any
    to: str
    allow_parts: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.to,)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return self.region

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit; a cell all of which lies in the region is refused: that is a merge."""
        drawn = require_drawn(
            self.region, 2, "The region is no polygon, or its border crosses itself; draw it again."
        )
        receiver = cells.select([self.to])[0]
        givers = [
            cell
            for cell in cells.touching(drawn)
            if cell.area_code == receiver.area_code and cell.code != receiver.code
        ]
        nothing_there = f"The region holds no ground of other cells of area '{receiver.area_code}'."
        if not givers:
            raise RefusedError(nothing_there)
        region = project_drawn(drawn, [receiver, *givers], cells)
        pieces = cut_cells(cells, [receiver, *givers], np.array([region], dtype=object))
        shapely.prepare(region)
        inside = shapely.intersects(region, shapely.point_on_surface(pieces.polygons))
        if not (inside & (pieces.owner > 0)).any():
            raise RefusedError(nothing_there)
        group = np.where(inside, 0, pieces.owner)
        emptied = sorted(set(range(1, len(givers) + 1)) - set(group.tolist()))
        if emptied:
            raise RefusedError(
                f"Nothing of cell '{givers[emptied[0] - 1].code}' would remain; merge it instead."
            )
        return join_pieces(pieces, group, pieces.cells, cells, self.name, allow_parts=self.allow_parts)
