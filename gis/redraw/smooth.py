"""Smoothing or straightening the border between two cells."""

from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import LONLAT
from gis.errors import ParameterError, RefusedError
from gis.redraw.border import MoveBorder, neighbouring_pair
from gis.redraw.cell_set import CellSet
from gis.redraw.edit import Edit
from gis.redraw.recut import project


@dataclass(frozen=True)
class SmoothBorder:
    """Simplify the border between two cells; its ends, where others meet it, stay.

    Attributes
    ----------
    first, second
        Codes of two cells of one area that share a border.
    tolerance_m
        How far the border may move, metres; infinite makes it straight.
    """

    name: ClassVar[str] = "smooth"

    first: str
    second: str
    tolerance_m: float

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.first, self.second)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit."""
        if not self.tolerance_m > 0:
            raise ParameterError(f"The border may move by {self.tolerance_m:g} m; give more than 0.")
        one, other = neighbouring_pair(cells, self.first, self.second)
        shared = shapely.intersection(shapely.boundary(one.geometry), shapely.boundary(other.geometry))
        lines = shapely.get_parts(shapely.line_merge(shared))
        lines = lines[shapely.get_dimensions(lines) == 1]
        if len(lines) != 1 or shapely.is_closed(lines[0]):
            raise RefusedError(
                f"The border between '{self.first}' and '{self.second}' is no single line with two ends; "
                "move it by hand."
            )
        metres = project(lines[0], cells)
        straight = shapely.LineString([metres.coords[0], metres.coords[-1]])
        simple = straight if np.isinf(self.tolerance_m) else shapely.simplify(metres, self.tolerance_m)
        lonlat = gpd.GeoSeries([simple], crs=cells.crs).to_crs(LONLAT).iloc[0]
        edit = MoveBorder(self.first, self.second, lonlat).edit(cells)
        return Edit(self.name, edit.before, edit.after)
