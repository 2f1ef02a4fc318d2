"""The certificate: for each clause whether cells pass, and what breaks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gis.conform.catalogue import CLAUSES
from gis.conform.clause import Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.profiles import Profile, Source
from gis.progress import Progress, no_progress
from gis.text import Text

State = Literal["passed", "warning", "fault", "not_looked_at"]

STATE_LABELS: Mapping[State, Text] = {
    "passed": Text("通过", "passed"),
    "warning": Text("提示", "warning"),
    "fault": Text("不符合", "fault"),
    "not_looked_at": Text("未检查", "not looked at"),
}
"""How states are called."""


@dataclass(frozen=True)
class ClauseResult:
    """What was found of a clause.

    Attributes
    ----------
    state
        A clause that was not looked at is neither passed nor broken.
    source
        What it rests on in the profile; None if the profile says nothing of it.
    offences
        What breaks it.
    note
        Why it was not looked at, or what of it was not.
    """

    clause: Clause
    state: State
    source: Source | None
    offences: Sequence[Offence] = ()
    note: Text | None = None


@dataclass(frozen=True, eq=False)
class Certificate:
    """Whether cells conform to a profile, clause by clause."""

    profile: Profile
    cells: int
    results: Sequence[ClauseResult]

    @property
    def conforms(self) -> bool:
        """No clause is broken; warnings do not count."""
        return all(result.state != "fault" for result in self.results)

    def to_json(self, language: str) -> dict[str, Any]:
        """Return the certificate for programs, with sentences in "zh" or "en"."""
        return {
            "profile": self.profile.name,
            "title": getattr(self.profile.title, language),
            "standards": [
                {
                    "subject": each.subject,
                    "number": each.number,
                    "state": each.state,
                    "in_force_since": each.in_force_since.isoformat() if each.in_force_since else None,
                    "replaces": list(each.replaces),
                }
                for each in self.profile.standards
            ],
            "conforms": self.conforms,
            "cells": self.cells,
            "clauses": [
                {
                    "clause": result.clause.key,
                    "title": getattr(result.clause.title, language),
                    "severity": result.clause.severity,
                    "state": result.state,
                    "source": None if result.source is None else getattr(result.source.words, language),
                    "note": None if result.note is None else getattr(result.note, language),
                    "offences": [
                        {
                            "codes": each.codes.split(",") if each.codes else [],
                            "detail": getattr(each.detail, language),
                        }
                        for each in result.offences
                    ],
                }
                for result in self.results
            ],
        }


def certify(given: ConformInput, *, progress: Progress | None = None) -> Certificate:
    """Judge cells by every clause of a profile.

    Parameters
    ----------
    given
        The cells, the profile, and what is known around them; what is not given is not looked at.
    progress
        Called with (clauses done, clauses).

    Raises
    ------
    InputError
        If the geometry of a layer cannot be read.
    """
    report_progress = progress or no_progress
    results = []
    for number, clause in enumerate(CLAUSES, start=1):
        results.append(_judge(clause, given))
        report_progress(number, len(CLAUSES))
    return Certificate(given.profile, len(given.cells), results)


def _judge(clause: Clause, given: ConformInput) -> ClauseResult:
    source = clause.source(given.profile)
    found = clause.look(given)
    if isinstance(found, NotLookedAt):
        return ClauseResult(clause, "not_looked_at", source, note=found.reason)
    assert isinstance(found, Looked)
    return ClauseResult(
        clause, clause.severity if found.offences else "passed", source, found.offences, found.note
    )
