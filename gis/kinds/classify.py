"""The kinds of cells: each cell gets that of the first rule that holds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gis.arrays import BoolArray, ObjectArray
from gis.errors import InputError
from gis.kinds.contents import CellContents
from gis.kinds.rules import KindRule, KindRules


@dataclass(frozen=True, eq=False)
class KindsOfCells:
    """Which kind each cell has.

    Attributes
    ----------
    kinds, rules
        The kind and the name of the rule that decided, None where none holds; shape (n,).
    skipped
        The layers without which a rule could not be tried, by its name.
    """

    kinds: ObjectArray
    rules: ObjectArray
    skipped: Mapping[str, tuple[str, ...]]


def classify_cells(contents: CellContents, rules: KindRules) -> KindsOfCells:
    """Give each cell the kind of the first rule that holds.

    A rule that asks about layers of which none is given is skipped.

    Raises
    ------
    InputError
        If every rule with conditions is skipped, so that what lies inside decides nothing.
    """
    missing = {rule.name: rule.missing(contents.layers) for rule in rules.rules}
    skipped = {name: kinds for name, kinds in missing.items() if kinds}
    conditional = [rule.name for rule in rules.rules if not rule.is_unconditional]
    if conditional and all(name in skipped for name in conditional):
        needed = dict.fromkeys(kind for kinds in skipped.values() for kind in kinds)
        raise InputError(
            f"No rule can be tried; they ask about {', '.join(needed)}, of which nothing is given "
            "(--entities, --base)."
        )
    kinds: ObjectArray = np.full(len(contents), None, dtype=object)
    names: ObjectArray = np.full(len(contents), None, dtype=object)
    open_cells = np.ones(len(contents), dtype=bool)
    for rule in rules.rules:
        if rule.name in skipped or not open_cells.any():
            continue
        found = open_cells & _holds(rule, contents)
        kinds[found], names[found] = rule.kind, rule.name
        open_cells &= ~found
    return KindsOfCells(kinds, names, skipped)


def _holds(rule: KindRule, contents: CellContents) -> BoolArray:
    held = np.ones(len(contents), dtype=bool)
    for condition in rule.all:
        held &= condition.holds(contents)
    # Of a choice, what cannot be decided counts for nothing.
    choice = [each for each in rule.any if not each.missing(contents.layers)]
    if choice:
        held &= np.any([each.holds(contents) for each in choice], axis=0)
    for condition in rule.none:
        held &= ~condition.holds(contents)
    return held
