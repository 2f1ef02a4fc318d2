"""Loads over a period: entities in cells from day to day, added up for whom or what they burden."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import Generic, NamedTuple, TypeVar

Owner = TypeVar("Owner", bound=Hashable)


class Days(NamedTuple):
    """The days from the first to before the last."""

    start: date
    end: date

    def overlap(self, other: "Days") -> int:
        """Return how many days both have."""
        return max((min(self.end, other.end) - max(self.start, other.start)).days, 0)


class Span(NamedTuple):
    """So many entities that count towards a load lay in a cell on some days."""

    code: str
    load: str
    days: Days
    number: int


class OwnedLoad(NamedTuple, Generic[Owner]):
    """The loads of a cell, or of an officer.

    Attributes
    ----------
    owner
        The code of the cell, or the number of the officer.
    days
        On how many days of the period it was in force, or had a cell.
    entity_days
        By load: the sum over the days.
    loads
        By load: the mean of a day.
    deviations
        By load: the difference from the mean of all owners on all their days, as a share of it; None where
        that is 0.
    """

    owner: Owner
    days: int
    entity_days: Mapping[str, int]
    loads: Mapping[str, float]
    deviations: Mapping[str, float | None]


Held = Mapping[Owner, Mapping[str, Sequence[Days]]]
"""By owner and the code of a cell: on which days the owner had it."""


def add_up(held: Held[Owner], spans: Iterable[Span], loads: Sequence[str]) -> list[OwnedLoad[Owner]]:
    """Add up what lay in the cells of each owner while it had them, in the order of the owners.

    Parameters
    ----------
    held
        Days of one cell may overlap; they count once.
    spans
        Of all cells.
    loads
        Which loads are told, also where an owner has none.
    """
    of_cell: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        of_cell[span.code].append(span)
    sums, days = {}, {}
    for owner, cells in held.items():
        total = dict.fromkeys(loads, 0)
        for code, given in cells.items():
            merged = merge_days(given)
            for span in of_cell.get(code, ()):
                total[span.load] += span.number * sum(span.days.overlap(each) for each in merged)
        sums[owner] = total
        every = merge_days([each for given in cells.values() for each in given])
        days[owner] = sum((each.end - each.start).days for each in every)
    all_days = sum(days.values())
    ideal = {
        load: sum(total[load] for total in sums.values()) / all_days if all_days else 0.0 for load in loads
    }
    found = []
    for owner, total in sums.items():
        mean = {load: total[load] / days[owner] if days[owner] else 0.0 for load in loads}
        deviations = {load: mean[load] / ideal[load] - 1 if ideal[load] else None for load in loads}
        found.append(OwnedLoad(owner, days[owner], total, mean, deviations))
    return found


def merge_days(given: Iterable[Days]) -> list[Days]:
    """Return the same days without overlaps, in their order."""
    merged: list[Days] = []
    for each in sorted(each for each in given if each.start < each.end):
        if merged and each.start <= merged[-1].end:
            merged[-1] = Days(merged[-1].start, max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return merged
