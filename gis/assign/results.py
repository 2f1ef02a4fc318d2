"""The answers under way: one row per entity with owner, share, method, distance and reason as numbers."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Objects = NDArray[np.object_]


class Method(IntEnum):
    """How an entity found its cell; the lower-case name is the word in `assign_method`."""

    NONE = 0
    INSIDE = 1
    BORDER = 2
    SHARE = 3
    NEAREST = 4


class Reason(IntEnum):
    """Why an entity has no cell; the lower-case name is the word in `reason`."""

    NO_REASON = 0
    OUTSIDE = 1
    EMPTY_GEOMETRY = 2
    INVALID_COORDINATES = 3
    SWAPPED_AXES = 4
    WRONG_DATUM = 5
    DUPLICATE_ID = 6


class Answers(NamedTuple):
    """Arrays of one length, filled in place.

    `owner` is a position in the locator's codes or -1, `distance_m` NaN where it is not known.
    """

    owner: Integers
    share: Floats
    method: NDArray[np.int8]
    distance_m: Floats
    reason: NDArray[np.int8]

    @classmethod
    def blank(cls, count: int) -> "Answers":
        """Return answers that assign nothing."""
        return cls(
            np.full(count, -1, dtype=np.int64),
            np.zeros(count),
            np.zeros(count, dtype=np.int8),
            np.full(count, np.nan),
            np.zeros(count, dtype=np.int8),
        )

    def settle(self, rows: Integers, owner: Integers, share: Floats, method: NDArray[np.int8]) -> None:
        """Record the cells that entities lie in."""
        self.owner[rows] = owner
        self.share[rows] = share
        self.method[rows] = method
        self.distance_m[rows] = 0.0


class Shares(NamedTuple):
    """How entities divide among cells: one row for each entity and cell, sorted by entity, then code."""

    row: Integers
    number: Integers
    measure: Floats
    share: Floats

    @classmethod
    def total(cls, row: Integers, number: Integers, measure: Floats, whole: Floats) -> "Shares":
        """Add up measures of the same entity and cell.

        Parameters
        ----------
        row, number, measure
            Entity, position of the cell's code, and the measure (points, m or m²) of one piece; shape (k,).
        whole
            The measure of the whole entity, shape (k,).
        """
        order = np.lexsort((number, row))
        row, number, measure, whole = row[order], number[order], measure[order], whole[order]
        if not len(row):
            return cls(row, number, measure, measure)
        start = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(number) != 0)])
        measure = np.add.reduceat(measure, start)
        share = np.minimum(measure / whole[start], 1.0)
        share[share > 1 - TIE] = 1.0
        return cls(row[start], number[start], measure, share)

    @classmethod
    def join(cls, tables: Sequence["Shares"]) -> "Shares":
        """Return the rows of several tables as one, in their order."""
        return cls(
            np.concatenate([table.row for table in tables]),
            np.concatenate([table.number for table in tables]),
            np.concatenate([table.measure for table in tables]),
            np.concatenate([table.share for table in tables]),
        )

    def winners(self) -> tuple[Integers, Integers, Floats]:
        """Return each entity once with the cell of its largest share, the lowest code among ties."""
        if not len(self.row):
            return self.row, self.number, self.share
        start = np.flatnonzero(np.r_[True, np.diff(self.row) != 0])
        largest = np.maximum.reduceat(self.share, start)
        group = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(self.row)]))
        best = np.flatnonzero(self.share >= largest[group] * (1 - TIE))
        first = best[np.unique(group[best], return_index=True)[1]]
        return self.row[first], self.number[first], self.share[first]

    def of_several_cells(self) -> "Shares":
        """Return the rows of the entities that lie in more than one cell."""
        _, group, count = np.unique(self.row, return_inverse=True, return_counts=True)
        several = count[group] > 1
        return Shares(self.row[several], self.number[several], self.measure[several], self.share[several])


TIE = 1e-9
"""Shares that differ by less, relatively, are equal: shared borders are known to about 1e-9 m."""
