"""A profile: what a standard asks of cells, their codes, records and levels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from gis.text import Text

SourceKind = Literal["e", "l", "s", "own"]

SOURCE_KINDS: Mapping[SourceKind, Text] = {
    "e": Text("标准摘录", "extract"),
    "l": Text("地方规定", "local rule"),
    "s": Text("据实施标准的软件", "as implemented in software"),
    "own": Text("自定", "own rule"),
}
"""What a statement of a profile rests on."""


@dataclass(frozen=True)
class Source:
    """Where a statement of a profile comes from: the kind of source, and which one where that is known."""

    kind: SourceKind = "own"
    reference: str | None = None

    @property
    def words(self) -> Text:
        """Name the source for people."""
        kind = SOURCE_KINDS[self.kind]
        if self.reference is None:
            return kind
        return Text(f"{self.reference}（{kind.zh}）", f"{self.reference} ({kind.en})")


@dataclass(frozen=True)
class Standard:
    """A standard that a profile follows.

    Attributes
    ----------
    subject
        What it is about.
    number
        As published, e.g. "GB/T 47678.5-2026".
    state
        Whether it is the older or newer of two for the subject, or stands beside them.
    in_force_since
        Its first day in force, where a source names it.
    replaces
        Numbers of the standards it replaces.
    """

    subject: Literal["unit_grid", "classes"]
    number: str
    state: Literal["older", "newer", "separate"]
    source: Source
    in_force_since: date | None = None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Segment:
    """One part of a code, from left to right.

    Attributes
    ----------
    name
        What it names: county, street, community, sequence, or another word.
    origin
        "area": a part of the area's code; "class": the same in all cells; "sequence": the cell's number
        within its area.
    length
        Characters; None: an area's code as it is, a sequence as wide as the plan needs.
    min_length
        The least width of a sequence without a length.
    alphabet
        A class of characters as in a regular expression.
    register
        The code table that its values come from.
    value
        Of a class, where the profile names it.
    """

    name: str
    origin: Literal["area", "class", "sequence"]
    length: int | None
    alphabet: str
    min_length: int = 1
    register: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class CodeRule:
    """How codes of cells are made.

    Attributes
    ----------
    segments
        Classes, then the parts of the area's code, then the sequence.
    separator
        Between the area's code and the sequence.
    higher_areas
        "refuse": areas must have all their segments; "sequence": an area of a higher level leaves the digits
        it lacks to the sequence.
    order
        Rows follow one another from north to south, and a row is numbered from west to east.
    reuse
        Whether a code of an ended cell is given again.
    first, last
        Limits of the sequence; no last: as many as its digits hold.
    undivided
        The sequence of the only cell of an area; None: the first number, as elsewhere.
    merged_from
        From which number on the last part of the area's code stands for merged communities.
    source, numbering_source
        Of the segments, and of order and limits.
    """

    segments: tuple[Segment, ...]
    separator: str
    higher_areas: Literal["refuse", "sequence"]
    order: Literal["west-east, north-south"]
    reuse: Literal["never"]
    first: int
    last: int | None
    undivided: str | None
    merged_from: int | None
    source: Source
    numbering_source: Source

    @cached_property
    def area_segments(self) -> tuple[Segment, ...]:
        """The segments of the area's code."""
        return tuple(each for each in self.segments if each.origin == "area")

    @cached_property
    def sequence(self) -> Segment:
        """The segment of the cell's number, which is the last one."""
        return self.segments[-1]

    @cached_property
    def class_length(self) -> int:
        """Characters before the area's code."""
        return sum(each.length or 0 for each in self.segments if each.origin == "class")

    @cached_property
    def class_code(self) -> str | None:
        """What stands before the area's code; None if the profile leaves it open."""
        values = [each.value for each in self.segments if each.origin == "class"]
        return None if None in values else "".join(value or "" for value in values)

    @cached_property
    def area_lengths(self) -> tuple[int, ...]:
        """The lengths that the code of an area may have, longest first; none: any length."""
        lengths: list[int] = []
        for each in self.area_segments:
            if each.length is None:
                return ()
            lengths.append((lengths[-1] if lengths else 0) + each.length)
        return tuple(reversed(lengths)) if self.higher_areas == "sequence" else (lengths[-1],)

    @cached_property
    def length(self) -> int | None:
        """Characters of a whole code; None if it varies."""
        if not self.area_lengths or self.sequence.length is None:
            return None
        return self.class_length + self.area_lengths[0] + len(self.separator) + self.sequence.length

    @cached_property
    def area_pattern(self) -> re.Pattern[str]:
        """What the code of an area matches."""
        parts = [
            f"{each.alphabet}{{{each.length}}}" if each.length is not None else f"{each.alphabet}*"
            for each in self.area_segments
        ]
        if self.higher_areas == "refuse":
            return re.compile("".join(parts), re.ASCII | re.DOTALL)
        pattern = ""
        for part in reversed(parts[1:]):
            pattern = f"(?:{part}{pattern})?"
        return re.compile(parts[0] + pattern, re.ASCII | re.DOTALL)

    def stem_length(self, code: str) -> int | None:
        """Return how many characters of a cell's code stand before its sequence; None if it is too short."""
        if self.length is not None and self.sequence.length is not None:
            return len(code) - self.sequence.length if len(code) == self.length else None
        if self.sequence.length is not None and not self.separator:
            return len(code) - self.sequence.length if len(code) > self.sequence.length else None
        before, separator, _ = code.rpartition(self.separator)
        return len(before) + len(separator) if before else None


@dataclass(frozen=True)
class Attribute:
    """A field of the record of a cell.

    Attributes
    ----------
    key
        Its name in reports.
    label
        Its name for people.
    columns
        Columns of a file that may hold it; the first that is there does.
    type
        What its values are; an area is a number of m² that agrees with the polygon.
    obligation
        "must": each cell has a value; "may": a value that is there must fit.
    length
        The most characters of a text.
    default
        What stands where nothing is known.
    """

    key: str
    label: Text
    columns: tuple[str, ...]
    type: Literal["text", "area", "date"]
    obligation: Literal["must", "may"]
    source: Source
    length: int | None = None
    default: str | None = None


@dataclass(frozen=True)
class SizeRule:
    """The nominal area of a cell in m², and from which areas on a report warns."""

    nominal_m2: int
    warn_below_m2: int | None
    warn_above_m2: int | None
    source: Source


@dataclass(frozen=True)
class LevelRule:
    """What a cell of a level is made of: how many whole cells of another level, and which."""

    of: str
    least: int
    most: int | None
    adjacent: bool
    one_community: bool
    source: Source


@dataclass(frozen=True)
class Border:
    """The colour of cells' borders on official maps."""

    colour: str
    label: Text
    source: Source


@dataclass(frozen=True)
class ClassRule:
    """Classes of components and matters: their catalogue, and the lengths of a component's code.

    Attributes
    ----------
    catalogue
        One of `gis.profiles.catalogues.CATALOGUE_NAMES`; None if there is none at hand.
    component_segments
        Name → length, from left to right; empty if no source states it.
    """

    catalogue: str | None
    component_segments: Mapping[str, int]
    source: Source


PlanRule = Literal["coverage", "one_community", "whole_buildings"]
"""What a profile may ask of a plan: no blank and no overlap; cells of one community; no building cut."""


@dataclass(frozen=True, eq=False)
class Profile:
    """A standard as data.

    Attributes
    ----------
    name
        By which it is chosen.
    title
        For people.
    standards
        What it follows; none for profiles that are the product's own.
    code
        Codes of cells.
    plan
        What it asks of a plan, with the source.
    record
        The fields of a cell's record.
    size
        None if it says nothing of size.
    levels
        Level → what it is made of.
    labels
        Group ("levels", "kinds", "zones") → key → name for people.
    border
        None if it says nothing of it.
    classes
        None if it says nothing of them.
    """

    name: str
    title: Text
    standards: tuple[Standard, ...]
    code: CodeRule
    plan: Mapping[PlanRule, Source] = field(default_factory=dict)
    record: tuple[Attribute, ...] = ()
    size: SizeRule | None = None
    levels: Mapping[str, LevelRule] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    border: Border | None = None
    classes: ClassRule | None = None
