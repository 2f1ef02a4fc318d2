"""The commands that redraw cells: one interface, one module each, a catalogue made from them."""

from typing import Any, ClassVar, Protocol

from gis.errors import RefusedError, WanggeError
from gis.redraw.cell_set import CellSet
from gis.redraw.edit import Edit


class Command(Protocol):
    """What is to be done, with its parameters; it changes nothing by itself.

    Attributes
    ----------
    name
        In requests, files and histories.
    """

    name: ClassVar[str]

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names: it reaches no further than they and what is drawn."""
        ...

    @property
    def drawn(self) -> Any:
        """What is drawn, a geometry in EPSG:4326, or None."""
        ...

    def edit(self, cells: CellSet) -> Edit:
        """Return what the command would change.

        Raises
        ------
        RefusedError
            If it cannot be done, with the reason.
        """
        ...


def why_disabled(command: Command, cells: CellSet) -> str | None:
    """Return why a command cannot be done to some cells, None where it can."""
    try:
        edit = command.edit(cells)
    except WanggeError as error:
        return str(error)
    return "This changes nothing." if edit.changes_nothing else None


def require_change(edit: Edit) -> Edit:
    """Refuse an edit that changes nothing.

    Raises
    ------
    RefusedError
        If all stays as it is.
    """
    if edit.changes_nothing:
        raise RefusedError("This changes nothing.")
    return edit
