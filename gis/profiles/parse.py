"""Profiles from TOML: every key is known, of its type, and fits the others."""

import re
import tomllib
from datetime import date
from typing import Any, cast, get_args

from gis.errors import ParameterError
from gis.profiles.catalogues import CATALOGUE_NAMES
from gis.profiles.profile import (
    SOURCE_KINDS,
    Attribute,
    Border,
    ClassRule,
    CodeRule,
    LevelRule,
    PlanRule,
    Profile,
    Segment,
    SizeRule,
    Source,
    Standard,
)
from gis.profiles.toml_table import TomlTable
from gis.text import Text

_ALPHABET = re.compile(r"\[(?:[0-9A-Za-z](?:-[0-9A-Za-z])?)+\]", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_LABEL_GROUPS = ("levels", "kinds", "zones")


def parse_profile(text: str, *, name: str, file: str) -> Profile:
    """Read a profile from the text of a TOML file.

    Parameters
    ----------
    text
        The file's text.
    name
        By which the profile is chosen.
    file
        How messages name the file.

    Raises
    ------
    ParameterError
        If the text is not TOML, a key is unknown, missing or of another type, or keys contradict each other.
    """
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{file} is not TOML: {error}.") from error
    table = TomlTable(values, file)
    profile = Profile(
        name=name,
        title=table.words("title"),
        standards=tuple(_standard(each) for each in table.tables("standards")),
        code=_code(table.table("code")),
        plan=_plan(table.table("plan")),
        record=tuple(_attribute(each) for each in table.tables("record")),
        size=_size(table.table("size")) if "size" in table else None,
        levels={level: _level(each) for level, each in table.named_tables("levels")},
        labels=_labels(table.table("labels")),
        border=_border(table.table("border")) if "border" in table else None,
        classes=_classes(table.table("classes")) if "classes" in table else None,
    )
    for key in ("size", "border", "classes"):
        table.optional(key, dict)
    table.close()
    return profile


def _source(table: TomlTable, prefix: str = "") -> Source:
    kind = table.choice(f"{prefix}source", tuple(SOURCE_KINDS), "own")
    return Source(cast("Any", kind), table.optional(f"{prefix}reference", str))


def _standard(table: TomlTable) -> Standard:
    standard = Standard(
        subject=cast("Any", table.choice("subject", ("unit_grid", "classes"))),
        number=table.text("number"),
        state=cast("Any", table.choice("state", ("older", "newer", "separate"))),
        source=_source(table),
        in_force_since=table.optional("in_force_since", date),
        replaces=table.texts("replaces"),
    )
    table.close()
    return standard


def _code(table: TomlTable) -> CodeRule:
    separator = table.optional("separator", str, "")
    segments = tuple(_segment(each) for each in table.tables("segments"))
    _check_segments(table, segments, separator)
    numbering = table.table("numbering")
    first = numbering.number("first", 0, 1)
    last = numbering.number("last", 1)
    undivided = numbering.optional("undivided", str)
    width = segments[-1].length
    assert first is not None
    if last is not None and (last < first or (width is not None and last >= 10**width)):
        numbering.fail("last", f"must be at least {first} and fit into the sequence's digits, not {last}")
    if undivided is not None and (
        width != len(undivided) or not undivided.isdecimal() or first <= int(undivided)
    ):
        numbering.fail("undivided", "must be digits of the sequence's length, below the first number")
    rule = CodeRule(
        segments=segments,
        separator=separator,
        higher_areas=cast("Any", table.choice("higher_areas", ("refuse", "sequence"), "refuse")),
        order=cast("Any", numbering.choice("order", ("west-east, north-south",), "west-east, north-south")),
        reuse=cast("Any", numbering.choice("reuse", ("never",), "never")),
        first=first,
        last=last,
        undivided=undivided,
        merged_from=numbering.number("merged_from", 1),
        source=_source(table),
        numbering_source=_source(numbering),
    )
    if rule.higher_areas == "sequence" and rule.length is None:
        table.fail("higher_areas", "can be 'sequence' only where every segment has a length")
    numbering.close()
    table.close()
    return rule


def _segment(table: TomlTable) -> Segment:
    origin = table.choice("from", ("area", "class", "sequence"))
    alphabet = table.optional("alphabet", str, "[0-9]" if origin == "sequence" else ".")
    if "alphabet" in table and not _ALPHABET.fullmatch(alphabet):
        table.fail("alphabet", f"must be letters and digits in brackets such as [0-9A-Z], not '{alphabet}'")
    segment = Segment(
        name=table.text("name"),
        origin=cast("Any", origin),
        length=table.number("length", 1),
        alphabet=alphabet,
        min_length=table.number("min_length", 1, 1) or 1,
        register=table.optional("register", str),
        value=table.optional("value", str),
    )
    if segment.value is not None and not (
        origin == "class" and re.fullmatch(f"{alphabet}{{{segment.length}}}", segment.value, re.ASCII)
    ):
        table.fail("value", f"must fit the length and alphabet of a class, not '{segment.value}'")
    if origin == "class" and segment.length is None:
        table.fail("length", "is missing; a class has one")
    table.close()
    return segment


def _check_segments(table: TomlTable, segments: tuple[Segment, ...], separator: str) -> None:
    """Check that segments stand in an order in which codes can be made and taken apart."""
    origins = [each.origin for each in segments]
    rank = {"class": 0, "area": 1, "sequence": 2}
    if origins.count("sequence") != 1 or "area" not in origins or origins != sorted(origins, key=rank.get):  # type: ignore[arg-type]
        table.fail("segments", "must be classes, then parts of the area's code, then one sequence")
    names = [each.name for each in segments]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        table.fail("segments", f"has '{twice}' twice")
    open_ended = [each for each in segments if each.origin == "area" and each.length is None]
    if open_ended and (origins.count("area") > 1 or not separator):
        table.fail("segments", "needs a length for each part, or one part and a separator after it")
    if segments[-1].length is None and not separator:
        table.fail("segments", "needs a length for the sequence, or a separator before it")


def _plan(table: TomlTable) -> dict[PlanRule, Source]:
    rules: dict[PlanRule, Source] = {}
    for rule in get_args(PlanRule):
        inner = table.table(rule)
        if rule in table:
            rules[rule] = _source(inner)
            inner.close()
    table.close()
    return rules


def _attribute(table: TomlTable) -> Attribute:
    attribute = Attribute(
        key=table.text("key"),
        label=table.words("label"),
        columns=table.texts("columns"),
        type=cast("Any", table.choice("type", ("text", "area", "date"))),
        obligation=cast("Any", table.choice("obligation", ("must", "may"))),
        source=_source(table),
        length=table.number("length", 1),
        default=table.optional("default", str),
    )
    if not attribute.columns:
        table.fail("columns", "is missing; name the columns that may hold it")
    if attribute.type != "text" and (attribute.length is not None or attribute.default is not None):
        table.fail("type", "must be text where there is a length or a default")
    table.close()
    return attribute


def _size(table: TomlTable) -> SizeRule:
    nominal = table.number("nominal_m2", 1)
    if nominal is None:
        table.fail("nominal_m2", "is missing; give a whole number")
    size = SizeRule(
        nominal, table.number("warn_below_m2", 0), table.number("warn_above_m2", 1), _source(table)
    )
    if (size.warn_below_m2 or 0) > nominal:
        table.fail("warn_below_m2", f"must not exceed the nominal {nominal}")
    if size.warn_above_m2 is not None and size.warn_above_m2 < nominal:
        table.fail("warn_above_m2", f"must not be below the nominal {nominal}")
    table.close()
    return size


def _level(table: TomlTable) -> LevelRule:
    least = table.number("least", 1, 1) or 1
    level = LevelRule(
        of=table.text("of"),
        least=least,
        most=table.number("most", 1),
        adjacent=table.optional("adjacent", bool, default=False),
        one_community=table.optional("one_community", bool, default=False),
        source=_source(table),
    )
    if level.most is not None and level.most < least:
        table.fail("most", f"must not be below the least, {least}")
    table.close()
    return level


def _labels(table: TomlTable) -> dict[str, dict[str, Text]]:
    groups: dict[str, dict[str, Text]] = {}
    for group in _LABEL_GROUPS:
        labels: dict[str, Text] = {}
        for key, inner in table.named_tables(group):
            labels[key] = Text(inner.text("zh"), inner.text("en"))
            _source(inner)
            inner.close()
        if labels:
            groups[group] = labels
    table.close()
    return groups


def _border(table: TomlTable) -> Border:
    colour = table.text("colour")
    if not _COLOUR.fullmatch(colour):
        table.fail("colour", f"must be a colour such as #ff00ff, not '{colour}'")
    border = Border(colour, table.words("label"), _source(table))
    table.close()
    return border


def _catalogue(table: TomlTable) -> str | None:
    return (
        table.choice("catalogue", CATALOGUE_NAMES)
        if "catalogue" in table
        else table.optional("catalogue", str)
    )


def _classes(table: TomlTable) -> ClassRule:
    segments: dict[str, int] = {}
    for inner in table.tables("component_segments"):
        length = inner.number("length", 1)
        if length is None:
            inner.fail("length", "is missing; give a whole number")
        segments[inner.text("name")] = length
        inner.close()
    classes = ClassRule(_catalogue(table), segments, _source(table))
    table.close()
    return classes
