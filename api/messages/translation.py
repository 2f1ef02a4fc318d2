"""The translation of sentences by a catalogue of clauses."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import NamedTuple

from api.messages.languages import LANGUAGES

_PLACE = re.compile(r"\{(\d)\}")
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True)
class _Clause:
    """A clause of the catalogue.

    Attributes
    ----------
    parts
        What stands before, between and after the places of the caller's values.
    fixed
        The longest of them.
    words
        In the other language.
    """

    parts: list[str]
    fixed: str
    words: str

    @property
    def weight(self) -> int:
        """How many characters are not the caller's."""
        return sum(map(len, self.parts))

    # Of a thousand clauses few are ever compared with a sentence, and to compile all takes half a second.
    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Of a sentence that begins with it: its values, and what follows after a semicolon."""
        return re.compile(f"{'(.*?)'.join(map(re.escape, self.parts))}(?:; (.*))?", re.DOTALL)


class _Reading(NamedTuple):
    """A sentence in another language, and how many of its characters the catalogue knows."""

    words: str
    weight: int


def translate(sentence: str, language: str) -> str:
    """Return a sentence of an error or note in a language; in English where the catalogue lacks a part.

    Parameters
    ----------
    sentence
        English clauses with semicolons between them, perhaps after the name of a file and a colon. What it
        says of the caller's data, such as a name or code, stays as it is.
    language
        One of `api.messages.LANGUAGES`.
    """
    if language == LANGUAGES[-1]:
        return sentence
    body = sentence.rstrip()
    ends = body.endswith(".") and not body.endswith("...")
    reading = _read(body[:-1] if ends else body, language)
    return sentence if reading is None else reading.words + ("。" if ends else "")


def _read(text: str, language: str) -> _Reading | None:
    """Read a sentence in the way that leaves the least of it to its places."""
    readings = []
    for clause in _catalogue(language):
        found = clause.pattern.fullmatch(text) if clause.fixed in text else None
        if found is None:
            continue
        *values, rest = found.groups()
        following = None if rest is None else _read(rest, language)
        if rest is not None and following is None:
            continue
        words = _fill(clause.words, values, language)
        if following is None:
            readings.append(_Reading(words, clause.weight))
        else:
            readings.append(_Reading(f"{words}；{following.words}", clause.weight + following.weight))
    for colon in re.finditer(r": ", text):
        following = _read(text[colon.end() :], language)
        if following is not None:
            head = text[: colon.start()]
            named = _read(head, language)
            head = head if named is None else named.words
            # More likely than a value that holds the name of a file and a colon.
            readings.append(_Reading(f"{head}：{following.words}", following.weight + 1))
    return max(readings, key=lambda each: each.weight, default=None)


def _fill(words: str, values: list[str], language: str) -> str:
    """Put the values into their places; a value may be a clause itself."""

    def value_of(place: re.Match[str]) -> str:
        value = values[int(place[1])].strip()
        # A semicolon stands in a list, which is the caller's.
        reading = None if ";" in value else _read(value, language)
        return value if reading is None else reading.words

    return _PLACE.sub(value_of, words)


@cache
def _catalogue(language: str) -> list[_Clause]:
    text = resources.files("api.messages").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return [_parse(english, words) for english, words in tomllib.loads(text).items()]


def _parse(english: str, words: str) -> _Clause:
    # An option has the name of where the sentence is read.
    for place, option in enumerate(_OPTION.findall(english), len(_PLACE.findall(english))):
        english, words = (text.replace(option, f"{{{place}}}", 1) for text in (english, words))
    parts = _PLACE.split(english)[::2]
    return _Clause(parts, max(parts, key=len), words)
