"""Rules for the kinds of cells, read from TOML, and those that come with the program."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gis.errors import ParameterError
from gis.kinds.conditions import Condition, read_condition
from gis.measures import counted_kinds
from gis.near_matches import near_matches
from gis.profiles.toml_table import TomlTable
from gis.text import Text

CELL_KINDS: Mapping[str, Text] = {
    "school": Text("学校网格", "School"),
    "exclusive": Text("专属网格", "Exclusive"),
    "commercial": Text("商业网格", "Commercial"),
    "residential": Text("居住网格", "Residential"),
    "urban_rural_fringe": Text("城乡结合部网格", "Urban-rural fringe"),
    "rural": Text("农村网格", "Rural"),
}
"""The kinds of cells that rules may give without saying what they are called."""

DIVIDED_KINDS: Mapping[str, Text] = {
    "square": Text("方格", "Square"),
    "block": Text("街区", "Street block"),
    "balanced": Text("均衡网格", "Balanced"),
}
"""The kinds of cells as division makes them, before rules look at what lies inside."""

BASE_LAYERS = ("roads", "railway", "water", "green", "buildings")
"""The kinds of features of a base map."""


@dataclass(frozen=True)
class KindRule:
    """A rule: it holds where all of `all`, at least one of `any` and none of `none` do.

    Attributes
    ----------
    name
        By which it is told apart.
    kind
        What it makes of a cell.
    all, any, none
        Conditions; a list that is empty asks for nothing.
    """

    name: str
    kind: str
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    @property
    def is_unconditional(self) -> bool:
        """Whether it holds everywhere."""
        return not (self.all or self.any or self.none)

    def missing(self, given: Collection[str]) -> tuple[str, ...]:
        """Return the layers without which the rule cannot be decided."""
        needed = [each.missing(given) for each in (*self.all, *self.none)]
        choices = [each.missing(given) for each in self.any]
        if choices and all(choices):
            needed += choices
        return tuple(dict.fromkeys(kind for kinds in needed for kind in kinds))


@dataclass(frozen=True)
class KindRules:
    """Rules in the order in which they are tried, and what the kinds are called."""

    rules: tuple[KindRule, ...]
    labels: Mapping[str, Text]


@cache
def default_rules() -> KindRules:
    """Return the rules that come with the program."""
    file = files("gis.kinds") / "default.toml"
    return parse_rules(file.read_text(encoding="utf-8"), file.name)


def parse_rules(text: str, file: str, layers: Collection[str] = ()) -> KindRules:
    """Read rules.

    Parameters
    ----------
    text
        A TOML document: tables `[[rule]]` with `name`, `kind` and lists of conditions `all`, `any`, `none`;
        a table `[kinds]` gives the labels of kinds that are not among `CELL_KINDS`.
    file
        Its name, for messages.
    layers
        Kinds of entities that are known beside those that measures count and the base map's.

    Raises
    ------
    ParameterError
        If it is not TOML, or a key, kind, layer or operator is unknown or has a wrong value.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{file} is not TOML: {error}") from error
    root = TomlTable(document, file)
    labels = dict(CELL_KINDS)
    own = root.table("kinds")
    for name in document["kinds"] if "kinds" in root else ():
        labels[name] = own.words(name)
    tables = list(root.tables("rule"))
    root.close()
    if not tables:
        raise ParameterError(f"{file} has no rules; write each as a table [[rule]].")
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)
    ]
    known = tuple(dict.fromkeys((*counted_kinds(), *BASE_LAYERS, *layers)))
    rules: list[KindRule] = []
    for place, values in enumerate(document["rule"]):
        # A rule may also be written in line; then it has no line of its own.
        where = f"{file}, line {lines[place]}" if len(lines) == len(tables) else file
        rule = _read_rule(TomlTable(values, where, f"rule[{place + 1}]"), labels, known)
        if rule.name in {each.name for each in rules}:
            raise ParameterError(f"{where}: there are two rules '{rule.name}'; give each its own name.")
        rules.append(rule)
    return KindRules(tuple(rules), labels)


def _read_rule(table: TomlTable, labels: Collection[str], layers: Collection[str]) -> KindRule:
    name, kind = table.text("name"), table.text("kind")
    if kind not in labels:
        table.fail(
            "kind", f"is '{kind}', which is unknown ({near_matches(kind, labels)}); [kinds] names others"
        )
    conditions = {
        part: tuple(read_condition(each, layers) for each in table.tables(part))
        for part in ("all", "any", "none")
    }
    table.close()
    return KindRule(name, kind, **conditions)
