"""Splitting a cell along a line."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely

from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet
from gis.redraw.codes import next_codes
from gis.redraw.edit import Edit
from gis.redraw.recut import cut_cells, join_pieces, project_drawn, require_drawn


@dataclass(frozen=True)
class Split:
    """Split a cell along a line; the largest part keeps the code.

    Attributes
    ----------
    code
        The cell.
    line
        LineString or MultiLineString in EPSG:4326 from border to border; what lies outside does not count.
    """

    name: ClassVar[str] = "split"

    code: str
    line: Any

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.code,)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return self.line

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit: new cells get the next free codes, the larger ones first."""
        cell = cells.select([self.code])[0]
        line = require_drawn(self.line, 1, "Draw a line across the cell to split it.")
        pieces = cut_cells(cells, [cell], np.array([project_drawn(line, [cell], cells)], dtype=object))
        if len(pieces.polygons) < 1 + shapely.get_num_geometries(cell.geometry):
            raise RefusedError(
                f"The line does not cross cell '{cell.code}' from border to border; draw it longer."
            )
        order = np.argsort(-shapely.area(pieces.polygons), kind="stable")
        group = np.empty(len(order), dtype=np.int64)
        group[order] = np.arange(len(order))
        codes = [cell.code, *next_codes(cells, cell.code, len(order) - 1)]
        made = [cell._replace(code=code, name=cell.name if k == 0 else code) for k, code in enumerate(codes)]
        return join_pieces(pieces, group, made, cells, self.name)
