"""The account of the records of a file that every import gives."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from layers.imports.rejections import RejectedRecord


@dataclass(frozen=True)
class RecordSummary:
    """What became of the records of a file.

    Attributes
    ----------
    inserted, updated, unchanged
        Records taken, by what became of them.
    rejected
        The records left out, in their order.
    """

    inserted: int
    updated: int
    unchanged: int
    rejected: list[RejectedRecord] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Number of records in the file."""
        return self.inserted + self.updated + self.unchanged + len(self.rejected)

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            "records": self.records,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": len(self.rejected),
            "reasons": dict(Counter(each.reason.value for each in self.rejected)),
        }
