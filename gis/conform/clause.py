"""A clause: what a profile asks of cells, and what was found of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gis.conform.conform_input import ConformInput
from gis.profiles import Profile, Source
from gis.text import Text

Severity = Literal["fault", "warning"]


class Offence(NamedTuple):
    """Something that breaks a clause.

    Attributes
    ----------
    codes
        The cells that do, joined by commas; empty where it is the file as a whole.
    detail
        What is wrong, in a sentence.
    """

    codes: str
    detail: Text


class Looked(NamedTuple):
    """What was found.

    Attributes
    ----------
    offences
        None if the clause holds.
    note
        What of the clause could not be looked at.
    """

    offences: Sequence[Offence]
    note: Text | None = None


class NotLookedAt(NamedTuple):
    """Why a clause was not looked at."""

    reason: Text


NO_CODES = NotLookedAt(Text("没有符合标准形式的编码", "no code has the profile's form"))
NOT_ASKED = NotLookedAt(Text("该标准未作规定", "the profile says nothing of it"))


@dataclass(frozen=True)
class Clause:
    """One clause; all that differs between clauses is said here.

    Attributes
    ----------
    key
        Its name in reports that programs read.
    title
        Its name for people.
    severity
        Whether cells that break it conform nevertheless.
    source
        Returns what it rests on in a profile; None if the profile says nothing of it.
    look
        Looks for what breaks it.
    """

    key: str
    title: Text
    severity: Severity
    source: Callable[[Profile], Source | None]
    look: Callable[[ConformInput], Looked | NotLookedAt]
