"""Of which kinds cells may be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from gis.cell_rules.cell_rule import BrokenRule, CellFacts
from gis.gaps.rules import read_rule
from gis.text import Text


@dataclass(frozen=True)
class Kinds:
    """The kinds that cells may have."""

    name: ClassVar[str] = "kinds"
    asks_for_posts: ClassVar[bool] = False
    loads: ClassVar[tuple[str, ...]] = ()

    allowed: tuple[str, ...] = ()

    @classmethod
    def read(cls, table: object) -> Self:
        """Return the rule that a table gives."""
        return read_rule(cls(), table, cls.name)

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        """Return the cells of other kinds; none where no kind is named."""
        if not self.allowed:
            return
        listed = ", ".join(self.allowed)
        for code, kind in zip(cells.codes, cells.kinds, strict=True):
            if kind not in self.allowed:
                zh, en = (
                    (f"的类型是“{kind}”", f"is of the kind '{kind}'")
                    if kind
                    else ("没有类型", "is of no kind")
                )
                words = Text(
                    f"网格 {code} {zh}；只允许：{'、'.join(self.allowed)}。",
                    f"Cell {code} {en}; allowed are: {listed}.",
                )
                yield BrokenRule(f"{self.name}.allowed", code, None, None, words)
