"""Changing what a cell is called."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gis.errors import RefusedError
from gis.redraw.cell_set import CellSet
from gis.redraw.edit import Edit, require_unlocked


@dataclass(frozen=True)
class Update:
    """Give a cell another name, kind or code.

    Attributes
    ----------
    code
        The cell.
    new_code, cell_name, kind
        What it is to have; None lets it stay.
    """

    name: ClassVar[str] = "update"

    code: str
    new_code: str | None = None
    cell_name: str | None = None
    kind: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.code,)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit."""
        cell = cells.select([self.code])[0]
        code = cell.code if self.new_code is None else self.new_code.strip()
        if code != cell.code and (not code or code in cells or code in cells.used_codes):
            raise RefusedError(f"The code '{code}' is empty, or another cell has it or had it.")
        name = cell.name if self.cell_name is None else self.cell_name.strip()
        if not name:
            raise RefusedError(f"Cell '{cell.code}' needs a name.")
        kind = cell.kind if self.kind is None else self.kind.strip()
        heirs = {} if code == cell.code else {code: cell.code}
        edit = Edit.of(self.name, [cell], [cell._replace(code=code, name=name, kind=kind)], heirs=heirs)
        return require_unlocked(edit, cells)
