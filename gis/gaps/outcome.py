"""What a search says of each kind of gap: not analysed, skipped with the reason, or how many were found."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from gis.gaps.catalogue import GAP_KINDS, gap_label
from gis.text import Text


class OutcomeState(StrEnum):
    """Whether a kind of gap was looked for."""

    not_analysed = "not_analysed"
    skipped = "skipped"
    analysed = "analysed"


class GapOutcome(NamedTuple):
    """What is known of the gaps of one kind.

    Attributes
    ----------
    kind
        Its name.
    state
        Whether it was looked for.
    gaps
        How many were found; None unless it was analysed, so that nobody takes what is not known for none.
    reason
        Why it was skipped.
    """

    kind: str
    state: OutcomeState
    gaps: int | None = None
    reason: Text | None = None

    @property
    def words(self) -> Text:
        """What a reader is told in place of a number alone."""
        if self.state is OutcomeState.skipped:
            reason = self.reason or Text("", "")
            return Text(f"未分析（{reason.zh}）", f"skipped: {reason.en}")
        if self.state is OutcomeState.not_analysed:
            return NOT_ANALYSED
        return Text(f"{self.gaps:,}", f"{self.gaps:,}") if self.gaps else Text("无", "none")

    def sentence(self, language: str) -> str:
        """Return the kind and its words on one line, in a language of `Text`."""
        label, words = (getattr(text, language) for text in (gap_label(self.kind), self.words))
        return f"{label}：{words}" if language == "zh" else f"{label}: {words}"


class GapAnalysis(NamedTuple):
    """What is known of the gaps of some ground.

    Attributes
    ----------
    outcomes
        Of each kind.
    on
        The day that was looked at; None where no search was made.
    part
        The area that was looked at where that is a part of the ground only.
    """

    outcomes: list[GapOutcome]
    on: date | None = None
    part: str | None = None


NOT_ANALYSED = Text("未分析", "not analysed")
"""What stands in place of a count where no search has looked."""


def gap_outcomes(
    summary: Mapping[str, Any] | None, counts: Mapping[str, int] | None = None
) -> list[GapOutcome]:
    """Return what is known of every kind of the catalogue, and of kinds that only the search knew.

    Parameters
    ----------
    summary
        That of `gis.gaps.GapSearchResult.summary`; None where no search was made.
    counts
        How many gaps of each kind there are of what is asked about, for instance in one cell; those of the
        whole search when not given.
    """
    if summary is None:
        return [GapOutcome(kind, OutcomeState.not_analysed) for kind in GAP_KINDS]
    searched, skipped = summary.get("kinds", {}), summary.get("skipped", {})
    reasons = summary.get("skipped_text", {})
    found = []
    for kind in dict.fromkeys([*GAP_KINDS, *searched, *skipped]):
        if kind in searched:
            count = searched[kind]["gaps"] if counts is None else counts.get(kind, 0)
            found.append(GapOutcome(kind, OutcomeState.analysed, gaps=int(count)))
        elif kind in skipped:
            reason = reasons.get(kind) or {"zh": skipped[kind], "en": skipped[kind]}
            found.append(GapOutcome(kind, OutcomeState.skipped, reason=Text(**reason)))
        else:
            found.append(GapOutcome(kind, OutcomeState.not_analysed))
    return found
