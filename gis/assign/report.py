"""The report of an assignment: counts of all records, with a sentence for each reason."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

RESULT_COLUMNS = ("cell_code", "cell_share", "assign_method", "distance_m", "reason")
"""The columns that an assignment adds or replaces."""

UNASSIGNED_REASONS = {
    "outside": "The location lies in no cell.",
    "empty_geometry": "The record has no geometry, or an empty one.",
    "invalid_coordinates": (
        "A coordinate is not a finite number or lies outside -180..180 longitude, -90..90 latitude."
    ),
    "swapped_axes": "The location lies in a cell when latitude and longitude change places.",
    "wrong_datum": "The location lies in a cell when the file is read in another datum.",
    "duplicate_id": "An earlier record has the same id; that one was assigned.",
}
"""The words of `reason` and what they mean."""


@dataclass(frozen=True)
class AssignmentReport:
    """The report of an assignment.

    Attributes
    ----------
    total
        Records in, and records out.
    method_counts
        Records by `assign_method`, all five words.
    reason_counts
        Unassigned records by `reason`, words that occur only.
    method_counts_by_kind
        For each value of the `kind` column, if there is one, the records by `assign_method`.
    unassigned
        row (position from 0), id, reason, distance_m (to the nearest cell, NaN where not measured).
    shares
        row, id, cell_code, share, measure (points, m or m²) of every entity that lies in several cells.
    hints
        Sentences on the file as a whole.
    """

    total: int
    method_counts: dict[str, int]
    reason_counts: dict[str, int]
    method_counts_by_kind: dict[str, dict[str, int]]
    unassigned: pd.DataFrame
    shares: pd.DataFrame
    hints: tuple[str, ...] = ()

    @property
    def assigned(self) -> int:
        """Records that have a cell."""
        return self.total - self.method_counts["none"]

    def summary_lines(self) -> list[str]:
        """Return the report as sentences: one on the whole, one for each reason, then the hints."""
        lines = [f"{self.assigned:,} of {self.total:,} records are assigned."]
        lines += [
            f"{word}: {count:,}. {UNASSIGNED_REASONS[word]}" for word, count in self.reason_counts.items()
        ]
        return [*lines, *self.hints]

    def summary(self) -> dict[str, Any]:
        """Return the counts in plain types that JSON can carry."""
        return {
            "total": self.total,
            "assigned": self.assigned,
            "unassigned": self.method_counts["none"],
            "methods": dict(self.method_counts),
            "reasons": {
                word: {"count": count, "meaning": UNASSIGNED_REASONS[word]}
                for word, count in self.reason_counts.items()
            },
            "kinds": {kind: dict(counts) for kind, counts in self.method_counts_by_kind.items()},
            "in_several_cells": int(self.shares["row"].nunique()),
            "hints": list(self.hints),
        }
