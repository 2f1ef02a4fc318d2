"""The catalogue of rules for cells."""

from collections.abc import Iterable, Mapping
from typing import Any

from gis.cell_rules.caps import Caps
from gis.cell_rules.cell_rule import BrokenRule, CellFacts, CellRule
from gis.cell_rules.kinds import Kinds
from gis.cell_rules.sizes import Sizes
from gis.cell_rules.staffing import Staffing

CELL_RULES: dict[str, type[CellRule]] = {each.name: each for each in (Caps, Kinds, Sizes, Staffing)}
"""Every rule by the name of its table."""


def read_cell_rules(tables: Mapping[str, Any]) -> list[CellRule]:
    """Return the rules for cells that are among the rules of a scheme.

    Raises
    ------
    InputError
        If a value does not fit.
    """
    return [rule.read(tables[name]) for name, rule in CELL_RULES.items() if name in tables]


def find_broken_rules(rules: Iterable[CellRule], cells: CellFacts) -> list[BrokenRule]:
    """Return what breaks rules, rule by rule and cell by cell."""
    return [broken for rule in rules for broken in rule.find_broken(cells)]
