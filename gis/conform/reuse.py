"""Clauses on codes being used once: among the cells, and in the course of time."""

from collections import Counter

from gis.conform.clause import Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.text import Text


def _look_for_repeated(given: ConformInput) -> Looked:
    count = Counter(code for code in given.layer.codes if code)
    return Looked(
        [
            Offence(code, Text(f"{times} 个网格使用同一编码", f"is the code of {times} cells"))
            for code, times in count.items()
            if times > 1
        ]
    )


def _look_for_reused(given: ConformInput) -> Looked | NotLookedAt:
    if given.ended is None:
        return NotLookedAt(Text("未提供已终止的网格", "no ended cells are given"))
    ended = frozenset(given.ended)
    return Looked(
        [
            Offence(code, Text("编码曾属于已终止的网格", "was the code of a cell that has ended"))
            for code in dict.fromkeys(given.layer.codes)
            if code in ended
        ]
    )


UNIQUE = Clause(
    "unique",
    Text("编码唯一", "Codes are unique"),
    "fault",
    lambda profile: profile.code.numbering_source,
    _look_for_repeated,
)
REUSE = Clause(
    "reuse",
    Text("已终止的编码不再使用", "Codes of ended cells are not used again"),
    "fault",
    lambda profile: profile.code.numbering_source,
    _look_for_reused,
)
