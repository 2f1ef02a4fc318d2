"""The cells of one scheme that are in force together, and which of them owns a location."""

from collections.abc import Callable
from copy import copy
from typing import NamedTuple

import geopandas as gpd
import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.crs import LONLAT
from gis.locate import PointLocator


class CellVersions(NamedTuple):
    """Versions of cells as arrays of shape (n,).

    `ids` are ascending and identify the set; an area code may be None; areas are in m², perimeters in m,
    geometries are polygons in EPSG:4326.
    """

    ids: IntArray
    codes: ObjectArray
    names: ObjectArray
    area_codes: ObjectArray
    areas_m2: FloatArray
    perimeters_m: FloatArray
    geometries: ObjectArray

    def subset(self, rows: IntArray | BoolArray) -> "CellVersions":
        """Return a subset by ascending positions or a mask."""
        return CellVersions._make(column[rows] for column in self)

    def merge(self, others: "CellVersions") -> "CellVersions":
        """Return the union with versions that are not included yet."""
        both = CellVersions._make(np.concatenate(pair) for pair in zip(self, others, strict=True))
        return both.subset(np.argsort(both.ids))


class CellsInForce:
    """An immutable set of cell versions of one scheme; safe in many threads at once.

    Parameters
    ----------
    versions
        The versions, of distinct codes.

    Attributes
    ----------
    versions
        As given, codes and geometries shared with `locator`; read-only.
    locator
        The `PointLocator` of the cells; positions in its `codes` number the cells here.
    names, area_codes, areas_m2
        Arrays in the order of `locator.codes`; read-only.

    Raises
    ------
    InputError
        If a code is missing or a geometry is no polygon.
    """

    def __init__(self, versions: CellVersions) -> None:
        frame = gpd.GeoDataFrame({"code": versions.codes}, geometry=versions.geometries, crs=LONLAT)
        self.locator = PointLocator(frame)
        _, first = np.unique(versions.codes.astype(str), return_index=True)
        self.names = versions.names[first]
        self.area_codes = versions.area_codes[first]
        self.areas_m2 = versions.areas_m2[first]
        if len(first) == len(versions.ids):
            # The locator holds copies; one of each is enough.
            codes, geometries = np.empty_like(versions.codes), np.empty_like(versions.geometries)
            codes[first], geometries[first] = self.locator.codes, self.locator.geometries
            versions = versions._replace(codes=codes, geometries=geometries)
        self.versions = versions
        for array in (*self.versions, self.names, self.area_codes, self.areas_m2):
            array.setflags(write=False)
        self._number_areas()

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.locator)

    def with_area_codes(self, area_codes: ObjectArray) -> "CellsInForce":
        """Return the same cells in other areas, in the order of `locator.codes`."""
        placed = copy(self)
        placed.area_codes = area_codes
        placed.area_codes.setflags(write=False)
        placed._number_areas()
        return placed

    def _number_areas(self) -> None:
        known = sorted({code for code in self.area_codes if code is not None})
        self._distinct_areas: list[str | None] = [None, *known]
        numbers = {code: number for number, code in enumerate(self._distinct_areas)}
        self._area_numbers = np.array([numbers[code] for code in self.area_codes], dtype=np.int64)

    def position(self, lon: float, lat: float) -> int:
        """Return the position of the cell that owns a location in EPSG:4326, or -1."""
        return self.locator.find_owner(lon, lat)

    def area_mask(self, accepts: Callable[[str | None], bool]) -> BoolArray:
        """Return which cells lie in areas that `accepts` accepts, shape (cells,); each area is asked once."""
        allowed = np.array([accepts(code) for code in self._distinct_areas], dtype=bool)
        return allowed[self._area_numbers]
