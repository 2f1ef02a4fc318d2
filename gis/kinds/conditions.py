"""One condition of a rule: a figure of what lies inside a cell, between bounds."""

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.arrays import BoolArray, FloatArray
from gis.kinds.contents import FIGURES, CellContents
from gis.near_matches import near_matches
from gis.profiles.toml_table import TomlTable

OPERATORS: Mapping[str, Callable[[FloatArray, float], Any]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "above": operator.gt,
    "below": operator.lt,
}
"""How a figure is compared."""

_PER_M2 = {"ha": 1e-4, "km2": 1e-6}
_NEED_FIELD = ("sum", "cell")


@dataclass(frozen=True)
class Condition:
    """A condition of a rule.

    Attributes
    ----------
    figure
        Which of `FIGURES`.
    of
        The layers whose figures are added up; those that are not given count for nothing. Empty for a figure
        of the cell itself.
    classes
        The classes of records that count; None for all.
    field
        What is summed.
    per
        The unit of ground to which the figure is related, None for none.
    bounds
        By operator.
    """

    figure: str
    of: tuple[str, ...]
    classes: tuple[str, ...] | None
    field: str
    per: str | None
    bounds: Mapping[str, float]

    def missing(self, given: Collection[str]) -> tuple[str, ...]:
        """Return the layers without which the condition cannot be decided."""
        return () if not self.of or set(self.of) & set(given) else self.of

    def values(self, contents: CellContents) -> FloatArray:
        """Return the figure of each cell, shape (n,)."""
        kinds = [kind for kind in self.of if kind in contents.layers] if self.of else [""]
        compute = FIGURES[self.figure]
        total = sum((compute(contents, kind, self.classes, self.field) for kind in kinds), np.zeros(1))
        values: FloatArray = np.broadcast_to(total, len(contents)).astype(np.float64)
        if self.per is None:
            return values
        ground = contents.figures.areas_m2 * _PER_M2[self.per]
        related: FloatArray = np.divide(values, ground, out=np.full(len(values), np.nan), where=ground > 0)
        return related

    def holds(self, contents: CellContents) -> BoolArray:
        """Return in which cells it holds, shape (n,); nowhere that the figure is not known."""
        values = self.values(contents)
        held: BoolArray = np.isfinite(values)
        for name, bound in self.bounds.items():
            held &= OPERATORS[name](values, bound)
        return held


def read_condition(table: TomlTable, known_layers: Collection[str]) -> Condition:
    """Read a condition.

    Raises
    ------
    ParameterError
        If a key, figure or layer is unknown, a value of the wrong type, or there is nothing to compare with.
    """
    figure = _choice(table, "figure", table.optional("figure", str, "count"), FIGURES)
    classes = table.texts("class")
    field = table.optional("field", str, "")
    per = table.optional("per", str)
    of = _layers(table)
    bounds = {name: _number(table, name) for name in OPERATORS if table.value(name) is not None}
    table.close()
    for kind in of:
        _choice(table, "of", kind, known_layers)
    if per is not None:
        _choice(table, "per", per, _PER_M2)
    if figure == "cell" and (of or classes):
        table.fail("of" if of else "class", "has no meaning for a figure of the cell itself")
    if figure != "cell" and not of:
        table.fail("of", "is missing; name the layer whose records are looked at")
    if (figure in _NEED_FIELD) != bool(field):
        problem = "is missing; name the field" if not field else f"has no meaning for the figure {figure}"
        table.fail("field", problem)
    if not bounds:
        table.fail("at_least", f"is missing; give one of {', '.join(OPERATORS)}")
    return Condition(figure, of, classes or None, field, per, bounds)


def _layers(table: TomlTable) -> tuple[str, ...]:
    """Return the layers of the key `of`: one name, or a list whose figures add up."""
    value = table.value("of")
    return (value,) if isinstance(value, str) else table.texts("of")


def _choice(table: TomlTable, key: str, value: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        table.fail(key, f"is '{value}', which is unknown ({near_matches(value, allowed)})")
    return value


def _number(table: TomlTable, key: str) -> float:
    value = table.value(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        table.fail(key, f"must be a number, not {value!r}")
    return float(value)
