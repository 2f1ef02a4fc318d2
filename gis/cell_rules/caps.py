"""How much of a load a cell may carry at most."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from gis.cell_rules.cell_rule import BrokenRule, CellFacts, beyond
from gis.errors import InputError
from gis.gaps.rules import read_number
from gis.measures import MEASURES
from gis.text import Text


@dataclass(frozen=True)
class Caps:
    """The most that a cell may have of each load: a count of entities, or a number that cells bring along."""

    name: ClassVar[str] = "caps"
    asks_for_posts: ClassVar[bool] = False

    at_most: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, table: object) -> Self:
        """Return the rule that a table gives: the most by the name of the load."""
        if not isinstance(table, Mapping):
            raise InputError(f"The rules' '{cls.name}' must be a table like [{cls.name}], not {table!r}.")
        return cls(
            {str(load): read_number(0.0, value, f"{cls.name}.{load}") for load, value in table.items()}
        )

    @property
    def loads(self) -> tuple[str, ...]:
        """The loads that have a limit."""
        return tuple(self.at_most)

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        """Return the cells that carry more, and those of which it is not known what they carry."""
        for load, limit in self.at_most.items():
            rule, figures = f"{self.name}.{load}", cells.loads[load]
            for row in np.flatnonzero(np.isnan(figures)).tolist():
                code = cells.codes[row]
                words = Text(f"网格 {code} 没有“{load}”的数值。", f"Cell {code} has no number '{load}'.")
                yield BrokenRule(rule, code, None, limit, words)
            yield from beyond(rule, cells, figures, limit, _called(load), most=True)


def _called(load: str) -> Text:
    measure = MEASURES.get(load)
    return Text(load, load) if measure is None else Text(measure.labels["zh"], load)
