"""How many officers must answer for a cell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from gis.cell_rules.cell_rule import BrokenRule, CellFacts, beyond
from gis.gaps.rules import read_rule
from gis.text import Text

_CALLED = {
    "leaders": Text("网格长人数", "leaders"),
    "officers": Text("网格员人数", "officers"),
    "backups": Text("B岗人数", "backups of rank B"),
}


@dataclass(frozen=True)
class Staffing:
    """The least number of leaders, of officers, and of backups of either."""

    name: ClassVar[str] = "staffing"
    loads: ClassVar[tuple[str, ...]] = ()

    leaders: int = 0
    officers: int = 0
    backups: int = 0

    @classmethod
    def read(cls, table: object) -> Self:
        """Return the rule that a table gives."""
        return read_rule(cls(), table, cls.name)

    @property
    def asks_for_posts(self) -> bool:
        """Whether it must be known who answers for the cells."""
        return any(getattr(self, key) for key in _CALLED)

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        """Return the cells that lack somebody."""
        if not self.asks_for_posts:
            return
        for key, what in _CALLED.items():
            figures = np.array([_count(posts, key) for posts in cells.posts], dtype=np.int64)
            yield from beyond(f"{self.name}.{key}", cells, figures, getattr(self, key), what, most=False)


def _count(posts: dict[tuple[str, str], int], key: str) -> int:
    if key == "backups":
        return sum(number for (_, rank), number in posts.items() if rank == "B")
    return sum(number for (duty, rank), number in posts.items() if f"{duty}s" == key and rank == "A")
