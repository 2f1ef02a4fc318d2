"""How large cells may be: in ground, and in units."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Self

from gis.cell_rules.cell_rule import BrokenRule, CellFacts, beyond
from gis.errors import InputError
from gis.gaps.rules import read_rule
from gis.text import Text

_AREA = Text("面积（平方米）", "m²")
_UNITS = Text("基本单元数", "units")


@dataclass(frozen=True)
class Sizes:
    """The least and the most ground and units of a cell; units count where cells are made of them."""

    name: ClassVar[str] = "sizes"
    asks_for_posts: ClassVar[bool] = False
    loads: ClassVar[tuple[str, ...]] = ()

    min_area_m2: float = 0.0
    max_area_m2: float = inf
    min_units: int = 0
    max_units: int = 2**53

    @classmethod
    def read(cls, table: object) -> Self:
        """Return the rule that a table gives."""
        rule = read_rule(cls(), table, cls.name)
        for low, high in (("min_area_m2", "max_area_m2"), ("min_units", "max_units")):
            if getattr(rule, low) > getattr(rule, high):
                raise InputError(
                    f"The rules' '{cls.name}.{high}' ({getattr(rule, high):g}) is less than "
                    f"'{cls.name}.{low}' ({getattr(rule, low):g})."
                )
        return rule

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        """Return the cells that are smaller or larger."""
        for figures, what, subject in ((cells.area_m2, _AREA, "area_m2"), (cells.units, _UNITS, "units")):
            if figures is None:
                continue
            for end, most in (("min", False), ("max", True)):
                key = f"{end}_{subject}"
                limit = getattr(self, key)
                yield from beyond(f"{self.name}.{key}", cells, figures, limit, what, most=most)
