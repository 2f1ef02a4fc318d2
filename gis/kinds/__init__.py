"""Kinds of cells by rules over what lies inside them: the first rule that holds decides.

Rules are data, read from TOML; reading files of cells and of what lies inside is left to the commands.
"""

from gis.kinds.classify import KindsOfCells, classify_cells
from gis.kinds.contents import CellContents
from gis.kinds.rules import (
    BASE_LAYERS,
    CELL_KINDS,
    DIVIDED_KINDS,
    KindRule,
    KindRules,
    default_rules,
    parse_rules,
)

__all__ = [
    "BASE_LAYERS",
    "CELL_KINDS",
    "DIVIDED_KINDS",
    "CellContents",
    "KindRule",
    "KindRules",
    "KindsOfCells",
    "classify_cells",
    "default_rules",
    "parse_rules",
]
