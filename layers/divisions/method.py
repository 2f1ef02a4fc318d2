"""What every method of division gives: the cells of a plan to be drafted, and the figures about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import geopandas as gpd


@dataclass(frozen=True)
class Division:
    """The cells of a plan to be drafted.

    Attributes
    ----------
    cells
        As `gis.divide` gives them.
    figures
        What the method has to say beside the figures that all divisions have, for JSON.
    lines
        What there is to say of the division, for a person.
    units, units_on
        Under a scheme over another the code of each unit's cell by the code of the unit, and the day of the
        units.
    """

    cells: gpd.GeoDataFrame
    figures: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    units: Mapping[str, str] | None = None
    units_on: date | None = None

    def summary(self) -> dict[str, Any]:
        """Return the figures of the division, for JSON."""
        cells = self.cells
        return {
            "cells": len(cells),
            "areas": int(cells["area_code"].nunique()),
            "area_m2": float(cells["area_m2"].sum()),
            "first_code": cells["code"].min(),
            "last_code": cells["code"].max(),
            **self.figures,
        }


DivisionMethod = Callable[..., Division]
"""Called with a session, a scheme, the code of an area or None, and the options of the method by keyword."""


def count_line(cells: gpd.GeoDataFrame) -> str:
    """Return how many cells there are and how much ground they cover, for a person."""
    return f"{len(cells):,} cells, {cells['area_m2'].sum() / 1e6:,.3f} km²"
