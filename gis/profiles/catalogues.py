"""Catalogues of classes: the components, matters and events of a standard by their codes."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

CATALOGUE_NAMES = ("gbt47678_5_2026", "cjt214_2007")
"""The catalogues of this package; their sources are named in classes/README.md."""


class ClassKey(NamedTuple):
    """What identifies a class: components and matters have the same codes."""

    kind: str
    code: str


class ObjectClass(NamedTuple):
    """A class (小类) and the group (大类) it belongs to."""

    name: str
    group_code: str
    group: str


@cache
def load_catalogue(name: str) -> Mapping[ClassKey, ObjectClass]:
    """Return the classes of a catalogue.

    Codes that the source lacks are absent here too.

    Parameters
    ----------
    name
        One of `CATALOGUE_NAMES`.
    """
    text = (files("gis.profiles") / "classes" / f"{name}.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            ClassKey(row["kind"], row["code"]): ObjectClass(row["name"], row["group_code"], row["group"])
            for row in csv.DictReader(text.splitlines())
        }
    )
