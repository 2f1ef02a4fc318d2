"""What bounds a cell, and how a boundary is put into words in both languages."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from gis.text import Text

SIDES: Mapping[str, Text] = {
    "north": Text("北", "north"),
    "east": Text("东", "east"),
    "south": Text("南", "south"),
    "west": Text("西", "west"),
}
"""The four sides; a Chinese description begins in the east, see `boundary_sentence`."""

_ORDER = {"zh": ("east", "south", "west", "north"), "en": tuple(SIDES)}


class BoundKind(StrEnum):
    """What a stretch of a border runs along."""

    road = "roads"
    railway = "railway"
    water = "water"
    area = "area"
    cell = "cell"
    outer = "outer"


_UNNAMED: Mapping[BoundKind, Text] = {
    BoundKind.road: Text("道路", "a street"),
    BoundKind.railway: Text("铁路", "the railway"),
    BoundKind.water: Text("水系", "the water"),
    BoundKind.outer: Text("外边界", "outer border"),
}


class Bound(NamedTuple):
    """What bounds a cell on a side: a street, a river, a neighbour.

    The name of a cell is its code where it has no other; what lies at the outer border has none.
    """

    kind: BoundKind
    name: str
    is_code: bool = False

    def phrase(self) -> Text:
        """Return what it is called."""
        if not self.name:
            return _UNNAMED[self.kind]
        if self.is_code:
            return Text(f"网格 {self.name}", f"cell {self.name}")
        return Text(self.name, self.name)


def side_phrase(bounds: Sequence[Bound]) -> Text:
    """Return what a side is bounded by."""
    phrases = [each.phrase() for each in bounds]
    english = [each.en for each in phrases]
    joined = f"{', '.join(english[:-1])} and {english[-1]}" if len(english) > 1 else "".join(english)
    return Text("、".join(each.zh for each in phrases), joined)


def boundary_sentence(sides: Mapping[str, Sequence[Bound]]) -> Text:
    """Return the boundary of a cell in one sentence, e.g. 东至人民路，南至…."""
    chinese = "，".join(f"{SIDES[side].zh}至{side_phrase(sides[side]).zh}" for side in _ORDER["zh"])
    english = "; ".join(f"{SIDES[side].en}: {side_phrase(sides[side]).en}" for side in _ORDER["en"])
    return Text(f"{chinese}。", f"{english}.")
