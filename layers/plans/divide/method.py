"""What every method of division gives: the cells of a plan to be drafted, and the figures about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd


@dataclass(frozen=True)
class Division:
    """The cells of a plan to be drafted.

    Attributes
    ----------
    cells
        As `gis.divide` gives them.
    figures
        What the method has to say beside the figures that all divisions have, for JSON.
    tables
        Longer lists by name, such as the buildings that were cut; a summary counts their rows and shows the
        first.
    """

    cells: gpd.GeoDataFrame
    figures: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

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
