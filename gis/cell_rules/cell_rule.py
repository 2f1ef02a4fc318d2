"""A rule for cells: what it asks, what is known of the cells, and where they break it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np

from gis.arrays import FloatArray, IntArray
from gis.text import Text


@dataclass(frozen=True, eq=False)
class CellFacts:
    """What is known of the cells of a plan.

    Attributes
    ----------
    codes, kinds
        Of each cell.
    area_m2
        Shape (n,).
    loads
        By name how much each cell carries, shape (n,); NaN where that is not known.
    units
        How many units each cell is made of, shape (n,); None where cells are not made of units.
    posts
        For each cell how many officers would answer for it, by duty and rank.
    """

    codes: Sequence[str]
    kinds: Sequence[str]
    area_m2: FloatArray
    loads: Mapping[str, FloatArray] = field(default_factory=dict)
    units: IntArray | None = None
    posts: Sequence[Counter[tuple[str, str]]] = ()


class BrokenRule(NamedTuple):
    """A cell that breaks a rule.

    Attributes
    ----------
    rule
        The table and the key of the rule, for example "caps.households".
    code
        Of the cell.
    figure, limit
        What it has and what the rule sets; None where that is no number or not known.
    words
        What is wrong, a sentence.
    """

    rule: str
    code: str
    figure: float | None
    limit: float | None
    words: Text


class CellRule(Protocol):
    """A rule with its values.

    Attributes
    ----------
    name
        Of the table among the rules of a scheme.
    """

    name: ClassVar[str]

    @classmethod
    def read(cls, table: object) -> Self:
        """Return the rule that a table gives.

        Raises
        ------
        InputError
            If a key is unknown or a value does not fit.
        """
        ...

    @property
    def loads(self) -> tuple[str, ...]:
        """The loads that must be known to judge it."""
        ...

    @property
    def asks_for_posts(self) -> bool:
        """Whether it must be known who answers for the cells."""
        ...

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        """Return the cells that break it, in their order."""
        ...


def beyond(
    rule: str, cells: CellFacts, figures: FloatArray | IntArray, limit: float, what: Text, *, most: bool
) -> Iterator[BrokenRule]:
    """Return the cells whose figure is beyond a limit.

    Parameters
    ----------
    figures
        Shape (n,); NaN is beyond none.
    limit
        The most, or the least.
    what
        The figures are of, for example "households".
    most
        Whether the limit is the most.
    """
    zh, en = ("超过上限", "most") if most else ("低于下限", "least")
    for row in np.flatnonzero(figures > limit if most else figures < limit).tolist():
        figure, code = float(figures[row]), cells.codes[row]
        words = Text(
            f"网格 {code} 的{what.zh}为 {_number(figure)}，{zh} {_number(limit)}。",
            f"Cell {code} has {_number(figure)} {what.en}; the {en} allowed is {_number(limit)}.",
        )
        yield BrokenRule(rule, code, figure, limit, words)


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
