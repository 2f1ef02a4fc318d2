"""The snapshot: one immutable state of the published plans, complete for the day it was read for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from layers.snapshot.areas import AreaTimeline, AreaTree
from layers.snapshot.cells import CellsInForce


@dataclass(frozen=True)
class SchemeTimeline:
    """A scheme, and the dates on which its cells in force change.

    Attributes
    ----------
    id, code, name
        As stored.
    publications
        Equal to another's only if nothing was published in between.
    change_dates
        Dates in ascending order, shape (n,); the same cells are in force from one to the day before the next.
    """

    id: int
    code: str
    name: str
    publications: tuple[object, ...]
    change_dates: NDArray[np.datetime64]

    def period_index(self, day: date) -> int:
        """Return the number of the period a day is in: 0 before the first change."""
        return int(np.searchsorted(self.change_dates, np.datetime64(day, "D"), side="right"))


@dataclass(frozen=True)
class Snapshot:
    """The published plans as they stood at one revision.

    Attributes
    ----------
    revision
        The revision of the database.
    day
        The day for which `cells` are in force.
    read_at
        When it was read, in UTC.
    areas
        The names of the areas on `day`.
    area_timeline
        The areas of all days.
    schemes
        The schemes by code.
    cells
        The cells in force on `day` by the code of their scheme.
    """

    revision: int
    day: date
    read_at: datetime
    areas: AreaTree
    area_timeline: AreaTimeline
    schemes: Mapping[str, SchemeTimeline]
    cells: Mapping[str, CellsInForce]

    def areas_on(self, day: date | None) -> AreaTree:
        """Return the names of the areas on a day; None means the day of this snapshot."""
        return self.areas if day is None else self.area_timeline.on(day)

    def cells_on(self, scheme: str, day: date | None) -> CellsInForce | None:
        """Return the cells in force on a day, None if that is another period than that of the snapshot's day.

        Parameters
        ----------
        scheme
            Code of a scheme of this snapshot.
        day
            Any day; None means the day of this snapshot.
        """
        changes = self.schemes[scheme]
        if day is None or changes.period_index(day) == changes.period_index(self.day):
            return self.cells[scheme]
        return None
