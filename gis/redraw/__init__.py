"""Redrawing the cells of a plan: each edit is a pure function of immutable cells, with its inverse."""

from gis.redraw.assign_units import AssignUnits
from gis.redraw.border import MoveBorder
from gis.redraw.cell_set import Cell, CellSet
from gis.redraw.command import Command, why_disabled
from gis.redraw.edit import CellSize, Descent, Edit, require_unlocked
from gis.redraw.merge import Merge
from gis.redraw.renumber import Renumber
from gis.redraw.smooth import SmoothBorder
from gis.redraw.split import Split
from gis.redraw.split_evenly import SplitEvenly
from gis.redraw.transfer import Transfer
from gis.redraw.update import Update
from gis.redraw.vertices import MoveVertices

COMMANDS: dict[str, type[Command]] = {
    each.name: each
    for each in (
        Merge,
        Split,
        SplitEvenly,
        Transfer,
        AssignUnits,
        MoveBorder,
        SmoothBorder,
        MoveVertices,
        Update,
        Renumber,
    )
}
"""Every command by its name."""

__all__ = [
    "COMMANDS",
    "AssignUnits",
    "Cell",
    "CellSet",
    "CellSize",
    "Command",
    "Descent",
    "Edit",
    "Merge",
    "MoveBorder",
    "MoveVertices",
    "Renumber",
    "SmoothBorder",
    "Split",
    "SplitEvenly",
    "Transfer",
    "Update",
    "require_unlocked",
    "why_disabled",
]
