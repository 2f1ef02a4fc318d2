"""Giving whole units to a cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet, unite
from gis.redraw.edit import Edit, require_sound


@dataclass(frozen=True)
class AssignUnits:
    """Give a cell some of the units of which cells are made; no border but theirs is drawn.

    Attributes
    ----------
    to
        The code of the cell that gets them.
    units
        Codes of units.
    cell_of_unit
        The code of the cell of each unit of the cells concerned, those that stay too.
    polygons
        The polygon of each of them in EPSG:4326.
    allow_parts
        Whether cells may fall into parts.
    """

    name: ClassVar[str] = "assign-units"

    to: str
    units: tuple[str, ...]
    cell_of_unit: Mapping[str, str] = field(repr=False)
    polygons: Mapping[str, Any] = field(repr=False)
    allow_parts: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (
            self.to,
            *sorted({self.cell_of_unit[each] for each in self.units if each in self.cell_of_unit}),
        )

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit."""
        receiver = cells.select([self.to])[0]
        unknown = [unit for unit in self.units if unit not in self.cell_of_unit]
        if unknown:
            raise RefusedError(f"There is no unit '{unknown[0]}' in this plan.")
        moved = {unit for unit in self.units if self.cell_of_unit[unit] != self.to}
        givers = cells.select(sorted({self.cell_of_unit[unit] for unit in moved}))
        for giver in givers:
            if giver.area_code != receiver.area_code:
                raise RefusedError(
                    f"Cell '{giver.code}' lies in area '{giver.area_code}' and '{self.to}' in "
                    f"'{receiver.area_code}', and none crosses its area."
                )
        after = []
        for cell in (receiver, *givers):
            own = [
                unit
                for unit, code in self.cell_of_unit.items()
                if (self.to if unit in moved else code) == cell.code
            ]
            if not own:
                raise RefusedError(f"Nothing of cell '{cell.code}' would remain; merge it instead.")
            ground = np.empty(len(own), dtype=object)
            ground[:] = [self.polygons[unit] for unit in own]
            after.append(cell._replace(geometry=unite(ground)))
        edit = Edit.of(self.name, [receiver, *givers], after)
        return require_sound(edit, cells, allow_parts=self.allow_parts)
