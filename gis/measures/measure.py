"""A measure of cells: what it is computed from, how values are written, what stands for a group of cells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from gis.arrays import FloatArray, IntArray
from gis.crs import to_lonlat
from gis.measures.shapes import CellShapes
from gis.measures.sizes import measure_cells

Numbers = NDArray[Any]
"""Numbers of any type: counts stay whole."""

_KM2_FROM_M2 = 1e5


class Quantity(StrEnum):
    """What the values of a measure are, which decides how they are written."""

    area = "area"
    """m², written in km² from a tenth of one."""
    length = "length"
    """Metres."""
    counted = "count"
    """How many."""
    share = "share"
    """Of one, written in percent."""
    number = "number"
    """Anything else, in the unit of the measure."""


class Aggregation(StrEnum):
    """What stands for the values of a group of cells."""

    total = "sum"
    """Their sum: the area of the group, how many there are in it. By class, the group is a mean cell."""
    mean = "mean"
    """Their mean: for densities, shares, and whatever else does not add up."""


class Prominence(StrEnum):
    """How much room a measure is given where not all can be shown."""

    headline = "headline"
    """Among the few figures shown without being asked for."""
    normal = "normal"
    """Wherever measures are listed."""
    detail = "detail"
    """Only where everything about a cell is shown."""


@dataclass(frozen=True, eq=False)
class CellFigures:
    """What measures of n cells are computed from.

    Attributes
    ----------
    areas_m2, perimeters_m
        Shape (n,).
    counts
        For each kind of entity that a measure declares, how many belong to each cell, shape (n,).
    shapes
        What depends on the geometries alone; a figure that no measure asks for is not computed.
    """

    areas_m2: FloatArray
    perimeters_m: FloatArray
    counts: Mapping[str, IntArray]
    shapes: CellShapes

    @classmethod
    def of(cls, cells: gpd.GeoDataFrame, crs: CRS | None = None) -> Self:
        """Return the figures of polygons of any CRS, without entities, measured in the working CRS."""
        measured = measure_cells(cells, crs)
        return cls(
            measured["area_m2"].to_numpy(dtype=float),
            measured["perimeter_m"].to_numpy(dtype=float),
            {},
            CellShapes(np.asarray(to_lonlat(cells[["geometry"]]).geometry, dtype=object)),
        )


@dataclass(frozen=True, eq=False)
class Measure:
    """What cells can be coloured, classed and compared by.

    A value that is NaN is not known: it belongs to no class, is left out of a tile, and counts for nothing in
    a group.

    Attributes
    ----------
    key
        The name in files, tiles and addresses; the column of the cells that holds it.
    labels
        The name for people by language: zh and en.
    quantity
        What the values are.
    unit
        The sign of their unit, None where they have none.
    compute
        Values of cells, shape (n,), from their figures. None: only files bring the measure, as a column.
    entity_kinds
        The kinds of entities whose counts `compute` reads.
    decimals
        To how many decimals values are rounded. None: five digits of the greatest, and always a tenth.
    whole
        Whether classes end at whole numbers where all values are whole.
    aggregation
        What stands for a group of cells.
    prominence
        Where it is shown.
    """

    key: str
    labels: Mapping[str, str]
    quantity: Quantity = Quantity.number
    unit: str | None = None
    compute: Callable[[CellFigures], Numbers] | None = None
    entity_kinds: tuple[str, ...] = ()
    decimals: int | None = None
    whole: bool = False
    aggregation: Aggregation = Aggregation.total
    prominence: Prominence = Prominence.normal

    @property
    def is_additive(self) -> bool:
        """Whether values of several cells have a sum that means something."""
        return self.aggregation is Aggregation.total

    @property
    def is_headline_total(self) -> bool:
        """Whether its sum over all cells is shown without being asked for."""
        return self.is_additive and self.prominence is Prominence.headline

    def label(self, language: str) -> str:
        """Return the name for people in a language; the key where it has none."""
        return self.labels.get(language, self.key)

    def values(self, cells: CellFigures) -> Numbers:
        """Return the rounded values of cells, shape (n,)."""
        return self.round(self._computed(cells))

    def group_values(self, cells: CellFigures, groups: IntArray, count: int) -> Numbers:
        """Return the rounded values that stand for groups of cells, shape (count,).

        Parameters
        ----------
        groups
            The number of the group of each cell, from 0, shape (n,).
        count
            How many groups there are.
        """
        values = self._computed(cells)
        known = np.isfinite(values)
        sizes = np.bincount(groups[known], minlength=count)
        found = np.bincount(groups[known], weights=values[known], minlength=count)
        if self.aggregation is Aggregation.mean:
            found = np.divide(found, sizes, out=np.zeros(count), where=sizes > 0)
        if not np.issubdtype(values.dtype, np.integer) or self.aggregation is Aggregation.mean:
            return self.round(np.where(sizes > 0, found, np.nan))
        return found.astype(values.dtype)

    def round(self, values: Numbers) -> Numbers:
        """Return values rounded for display, of the same shape."""
        return round_for_display(values) if self.decimals is None else np.round(values, self.decimals)

    def format(self, value: float) -> str:
        """Return a value for people, with its unit."""
        return format_quantity(value, self.quantity, self.unit)

    def _computed(self, cells: CellFigures) -> Numbers:
        assert self.compute is not None, f"only files bring '{self.key}'"
        return self.compute(cells)


def format_quantity(value: float, quantity: Quantity, unit: str | None = None) -> str:
    """Return a value for people: areas, lengths and shares in units of their own, others in the given one."""
    if quantity is Quantity.area:
        return f"{value / 1e6:,.2f} km²" if value >= _KM2_FROM_M2 else f"{value:,.0f} m²"
    if quantity is Quantity.length:
        return f"{value:,.0f} m"
    if quantity is Quantity.share:
        return f"{value:.0%}"
    return f"{value:,.6g}" if unit is None else f"{value:,.6g} {unit}"


def round_for_display(values: Numbers) -> Numbers:
    """Return values as far as a reader can use them: five digits of the greatest, and always a tenth."""
    greatest = np.abs(values[np.isfinite(values)]).max(initial=0)
    digits = 4 - int(np.floor(np.log10(greatest))) if greatest else 0
    result: Numbers = np.round(values, max(digits, 1))
    return result
