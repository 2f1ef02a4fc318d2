"""Intermediate results: owner, share, method, distance and reason of each entity as arrays of numbers."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gis.arrays import FloatArray, IntArray


class AssignMethod(IntEnum):
    """How an entity found its cell; the lower-case name is the word in `assign_method`."""

    NONE = 0
    INSIDE = 1
    BORDER = 2
    SHARE = 3
    NEAREST = 4


class UnassignedReason(IntEnum):
    """Why an entity has no cell; the lower-case name is the word in `reason`."""

    NO_REASON = 0
    OUTSIDE = 1
    EMPTY_GEOMETRY = 2
    INVALID_COORDINATES = 3
    SWAPPED_AXES = 4
    WRONG_DATUM = 5
    DUPLICATE_ID = 6


class ResultArrays(NamedTuple):
    """Arrays of one length, filled in place.

    `owner` is a position in the locator's codes or -1, `distance_m` NaN where it is not known.
    """

    owner: IntArray
    share: FloatArray
    method: NDArray[np.int8]
    distance_m: FloatArray
    reason: NDArray[np.int8]

    @classmethod
    def unassigned(cls, count: int) -> "ResultArrays":
        """Return results that assign nothing."""
        return cls(
            np.full(count, -1, dtype=np.int64),
            np.zeros(count),
            np.zeros(count, dtype=np.int8),
            np.full(count, np.nan),
            np.zeros(count, dtype=np.int8),
        )

    def set_owners(
        self, rows: IntArray, owner: IntArray, share: FloatArray, method: NDArray[np.int8]
    ) -> None:
        """Record the cells that entities lie in."""
        self.owner[rows] = owner
        self.share[rows] = share
        self.method[rows] = method
        self.distance_m[rows] = 0.0


class CellShares(NamedTuple):
    """The shares of entities in cells: one row for each entity and cell, sorted by entity, then code."""

    row: IntArray
    code_index: IntArray
    measure: FloatArray
    share: FloatArray

    @classmethod
    def aggregate(
        cls, row: IntArray, code_index: IntArray, measure: FloatArray, entity_measure: FloatArray
    ) -> "CellShares":
        """Add up measures of the same entity and cell.

        Parameters
        ----------
        row, code_index, measure
            Entity, position of the cell's code, and the measure (points, m or m²) of one piece; shape (k,).
        entity_measure
            The measure of the whole entity, shape (k,).
        """
        order = np.lexsort((code_index, row))
        row, code_index, measure, entity_measure = (
            row[order],
            code_index[order],
            measure[order],
            entity_measure[order],
        )
        if not len(row):
            return cls(row, code_index, measure, measure)
        start = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(code_index) != 0)])
        measure = np.add.reduceat(measure, start)
        share = np.minimum(measure / entity_measure[start], 1.0)
        share[share > 1 - TIE_TOLERANCE] = 1.0
        return cls(row[start], code_index[start], measure, share)

    @classmethod
    def concatenate(cls, tables: Sequence["CellShares"]) -> "CellShares":
        """Return the rows of several tables as one, in their order."""
        return cls(
            np.concatenate([table.row for table in tables]),
            np.concatenate([table.code_index for table in tables]),
            np.concatenate([table.measure for table in tables]),
            np.concatenate([table.share for table in tables]),
        )

    def largest(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return each entity once with the cell of its largest share, the lowest code among ties."""
        if not len(self.row):
            return self.row, self.code_index, self.share
        start = np.flatnonzero(np.r_[True, np.diff(self.row) != 0])
        largest = np.maximum.reduceat(self.share, start)
        group = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(self.row)]))
        best = np.flatnonzero(self.share >= largest[group] * (1 - TIE_TOLERANCE))
        first = best[np.unique(group[best], return_index=True)[1]]
        return self.row[first], self.code_index[first], self.share[first]

    def in_several_cells(self) -> "CellShares":
        """Return the rows of the entities that lie in more than one cell."""
        _, group, count = np.unique(self.row, return_inverse=True, return_counts=True)
        several = count[group] > 1
        return CellShares(
            self.row[several], self.code_index[several], self.measure[several], self.share[several]
        )


TIE_TOLERANCE = 1e-9
"""Shares that differ by less, relatively, are equal: shared borders are known to about 1e-9 m."""
