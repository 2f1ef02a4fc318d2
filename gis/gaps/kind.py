"""A kind of gap: its rule, search, figures, words and symbol, and what makes two of its gaps the same."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import pandas as pd
import shapely

from gis.arrays import IntArray
from gis.gaps.findings import entities_on_ground
from gis.gaps.gap_input import GapInput
from gis.progress import Progress
from gis.text import Text

Hatch = Sequence[Literal[0, 45, 90, 135]]
FigureType = Literal["number", "integer", "string", "boolean", "array"]

_SCALAR_TYPES: Mapping[str, type | tuple[type, ...]] = {"number": (int, float), "integer": int, "string": str}


ENTITY_FIGURES = ("entity_kind", "entity_id")
"""The figures that name the entity that a gap is about, in kinds whose gaps are of one entity."""


class GapFacts(NamedTuple):
    """What a gap says in no language: its figures and sizes."""

    figures: Mapping[str, Any]
    area_m2: float = 0.0
    households: int = 0
    enterprises: int = 0
    cell_code: str | None = None
    area_code: str | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of the gaps of a kind: a number, or a key that belongs to no language.

    Attributes
    ----------
    name
        Its key in the figures of a gap.
    type
        As JSON Schema names it; an array holds strings.
    description
        What it means.
    unit
        Of a number that has one.
    optional
        A gap may lack it; those of older runs do where a figure was added later.
    nullable
        It may be null.
    names_cells
        It holds the code of a cell or, in an array, codes. Null stands for a code that a reader may not
        know, so the sentences of the kind must be true of it.
    """

    name: str
    type: FigureType
    description: str
    unit: str | None = None
    optional: bool = False
    nullable: bool = False
    names_cells: bool = False

    def accepts(self, value: object) -> bool:
        """Return whether a value is of the figure's type."""
        if value is None:
            return self.nullable or self.names_cells
        if self.type == "boolean" or isinstance(value, bool):
            return self.type == "boolean" and isinstance(value, bool)
        if self.type == "array":
            return isinstance(value, (list, tuple)) and all(
                isinstance(item, str) or (item is None and self.names_cells) for item in value
            )
        return isinstance(value, _SCALAR_TYPES[self.type])

    def json_schema(self) -> dict[str, Any]:
        """Return the figure as a JSON Schema."""
        unit = "" if self.unit is None else f", {self.unit}"
        withheld = "; null for a cell outside the caller's area" if self.names_cells else ""
        is_array = self.type == "array"
        schema: dict[str, Any] = {
            "type": [self.type, "null"] if self.nullable or (withheld and not is_array) else self.type,
            "description": f"{self.description}{unit}{withheld}.",
        }
        return (
            {**schema, "items": {"type": ["string", "null"] if withheld else "string"}}
            if is_array
            else schema
        )


@dataclass(frozen=True)
class GapSymbol:
    """How the ground of a gap is drawn in the colour of its severity.

    Attributes
    ----------
    hatch
        Directions of the lines in degrees, counter-clockwise from east.
    """

    hatch: Hatch = (45,)


Identity = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame], list[tuple[int, int]]]
"""Receives an older and a newer frame of gaps of one kind, returns pairs of (newer row, older row).

Each row is in at most one pair. The strategies are in `gis.gaps.identity`.
"""


Affected = Callable[[GapInput, GapFacts, shapely.Geometry | None], IntArray]


def on_its_ground(gap_input: GapInput, _facts: GapFacts, ground: shapely.Geometry | None) -> IntArray:
    """Return the rows of the entities whose location lies on the ground of a gap."""
    return entities_on_ground(gap_input, ground)


@dataclass(frozen=True)
class GapKind:
    """One kind of gap; all that differs between kinds is said here.

    Attributes
    ----------
    name
        The word in the gap frame and the name of its table in the rules.
    label
        The name for people.
    symbol
        How its gaps are drawn.
    default_rule
        The default rule, a frozen dataclass.
    figures
        The figures of its gaps.
    identity
        Which gaps of two searches are the same.
    rule, detail
        Say which rule a gap breaks, and what is so there.
    missing_input
        Returns in words why this kind cannot be looked for in an input, None when it can.
    find
        Finds the gaps; receives the input, the rule and a progress callback; returns a
        `gis.gaps.frame.build_gap_frame`.
    concerns_cells
        Whether a cell can have gaps of this kind; those of others are in no cell.
    lies_in_named_cells
        Whether its gaps are ground of all the cells that their figures name, so that each may call it theirs.
    affected
        Returns the rows of the entities that a gap affects, which its numbers of households and enterprises
        count; receives an input that has them, the facts of the gap and its ground.
    """

    name: str
    label: Text
    symbol: GapSymbol
    default_rule: Any
    figures: tuple[Figure, ...]
    identity: Identity
    rule: Callable[[GapFacts], Text]
    detail: Callable[[GapFacts], Text]
    missing_input: Callable[[GapInput], Text | None]
    find: Callable[[GapInput, Any, Progress], gpd.GeoDataFrame]
    concerns_cells: bool = True
    lies_in_named_cells: bool = False
    affected: Affected = on_its_ground

    @property
    def cell_figures(self) -> tuple[str, ...]:
        """The names of the figures that name cells."""
        return tuple(figure.name for figure in self.figures if figure.names_cells)

    def named_cells(self, figures: Mapping[str, Any]) -> set[str]:
        """Return the codes of the cells that the figures of a gap name, beside the cell it is in."""
        values = [figures.get(name) for name in self.cell_figures]
        listed = [value if isinstance(value, (list, tuple)) else [value] for value in values]
        return {code for codes in listed for code in codes if code is not None}

    def withhold_cells(self, figures: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
        """Return the figures of a gap with null in place of each code of a cell that is not known."""
        shown = dict(figures)
        for name in self.cell_figures:
            value = shown.get(name)
            if isinstance(value, (list, tuple)):
                shown[name] = [code if code in known else None for code in value]
            elif value is not None and value not in known:
                shown[name] = None
        return shown

    def has_figures(self, figures: Mapping[str, Any]) -> bool:
        """Return whether figures are complete and of their types, so that the kind can say what they mean."""
        known = {figure.name: figure for figure in self.figures}
        return all(figure.optional or figure.name in figures for figure in self.figures) and all(
            name in known and known[name].accepts(value) for name, value in figures.items()
        )

    def figures_schema(self) -> dict[str, Any]:
        """Return the figures of a gap of this kind as a JSON Schema."""
        return {
            "title": self.name,
            "type": "object",
            "properties": {figure.name: figure.json_schema() for figure in self.figures},
            "required": [figure.name for figure in self.figures if not figure.optional],
        }


def gap_facts(gaps: pd.DataFrame) -> list[GapFacts]:
    """Return what each gap of a frame says; sizes that the frame lacks are none."""
    defaults = GapFacts({})._asdict()
    columns = [
        gaps[name].tolist() if name in gaps else [default] * len(gaps) for name, default in defaults.items()
    ]
    return [GapFacts(*row) for row in zip(*columns, strict=True)]
