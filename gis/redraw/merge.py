"""Merging cells into one."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet, geometries_of, unite
from gis.redraw.edit import Edit, require_sound


@dataclass(frozen=True)
class Merge:
    """Unite cells of one area that hang together.

    Attributes
    ----------
    codes
        Two cells or more.
    into
        The code and attributes of the one that goes on; the first when not given.
    """

    name: ClassVar[str] = "merge"

    codes: tuple[str, ...]
    into: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return self.codes

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit: every vertex of the outer border stays where it is."""
        codes = tuple(dict.fromkeys(self.codes))
        if len(codes) < 2:
            raise RefusedError("Choose two cells or more to merge.")
        chosen = cells.select(codes)
        heir = cells.select([self.into or codes[0]])[0]
        if heir not in chosen:
            raise RefusedError(f"Cell '{heir.code}' is not among those to be merged.")
        areas = list(dict.fromkeys(cell.area_code for cell in chosen))
        if len(areas) > 1:
            raise RefusedError(
                f"The cells lie in the areas '{areas[0]}' and '{areas[1]}', and none crosses its area."
            )
        united = unite(geometries_of(chosen))
        if united.geom_type != "Polygon":
            raise RefusedError("The cells do not hang together; choose those between them too.")
        edit = Edit.of(self.name, chosen, [heir._replace(geometry=united)])
        return require_sound(edit, cells)
