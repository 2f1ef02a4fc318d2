"""What gaps are looked for in, with what several kinds need (owners, working CRS, weights) prepared once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.areas import leaf_areas
from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.assign import assign_to_cells
from gis.codes import normalize_codes, require_codes
from gis.crs import to_lonlat, to_working_crs
from gis.errors import InputError
from gis.measures import resolve_working_crs
from gis.topology.check import TopologyReport, check_topology

MAX_COUNT_PER_RECORD = 1_000_000
"""The most households or enterprises that one record stands for; a greater number counts nothing real."""


@dataclass(frozen=True, eq=False)
class GapInput:
    """Everything gaps are looked for in; what is not given is None, and the kinds that need it do not run.

    Attributes
    ----------
    cells
        With `code`, maybe `area_code`.
    areas
        With `code`; the ground that should be covered.
    entities
        With `id` and `kind`; with `cell_code` (and maybe `reason`) when already assigned. A household row
        stands for `households` households and an enterprise row for `enterprises` enterprises where these
        columns hold a number from 0 to `MAX_COUNT_PER_RECORD`, else for one.
    service_points
        With `class` when rules differ by class; the entities of kind service_point when not given. Lines
        and polygons stand for a point on them.
    crs
        The working CRS; chosen from the extent of the cells when not given.
    whole
        The cells are meant to cover their areas whole; if not, ground in no cell is no gap, and neither is
        an entity there.
    """

    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame | None = None
    entities: gpd.GeoDataFrame | None = None
    service_points: gpd.GeoDataFrame | None = None
    crs: CRS | None = None
    whole: bool = True

    @cached_property
    def working_crs(self) -> CRS:
        """The working CRS of everything measured here."""
        return resolve_working_crs(self.cells, self.crs)

    @cached_property
    def cell_codes(self) -> ObjectArray:
        """Cell codes as text, shape (n,)."""
        return require_codes(self.cells["code"])

    @cached_property
    def cell_area_codes(self) -> ObjectArray:
        """The `area_code` of each cell, None where there is none, shape (n,)."""
        return optional_codes(self.cells.get("area_code"), len(self.cells))

    @cached_property
    def cell_polygons(self) -> ObjectArray:
        """Cells in the working CRS; invalid ones as `shapely.make_valid` reads them, shape (n,)."""
        return _make_valid(
            np.array(to_working_crs(to_lonlat(self.cells), self.working_crs).geometry, dtype=object)
        )

    @cached_property
    def leaf_areas(self) -> gpd.GeoDataFrame | None:
        """The areas that have no areas beneath them; None where no areas were given."""
        if self.areas is None or "parent" not in self.areas.columns:
            return self.areas
        return leaf_areas(self.areas)

    @cached_property
    def topology_report(self) -> TopologyReport:
        """What `gis.topology.check` finds in the cells, against the lowest areas where there are areas."""
        return check_topology(self.cells, self.leaf_areas, crs=self.working_crs, whole=self.whole)

    @cached_property
    def cell_rows(self) -> IntArray:
        """Row of the cell that owns each entity, -1 for none, shape (m,)."""
        codes = optional_codes(self.assigned_entities["cell_code"], len(self.assigned_entities))
        unique, first = np.unique(self.cell_codes.astype(str), return_index=True)
        position = pd.Index(unique).get_indexer(pd.Index(codes))
        rows: IntArray = np.where(position < 0, -1, first[position]).astype(np.int64)
        return rows

    @cached_property
    def households(self) -> IntArray:
        """Households each entity stands for, shape (m,)."""
        return self._weights("household", "households")

    @cached_property
    def enterprises(self) -> IntArray:
        """Enterprises each entity stands for, shape (m,)."""
        return self._weights("enterprise", "enterprises")

    @cached_property
    def effective_service_points(self) -> gpd.GeoDataFrame | None:
        """The service points, from `service_points` or else the entities; None where there are none."""
        if self.service_points is not None or self.entities is None:
            return self.service_points
        found = self.entities[self.assigned_entities["kind"] == "service_point"]
        return None if found.empty else found

    @cached_property
    def assigned_entities(self) -> gpd.GeoDataFrame:
        """The entities with `cell_code`: their own, else assigned here by `gis.assign.assign`.

        Raises
        ------
        InputError
            If there are none, or they have no ids or kinds.
        """
        if self.entities is None:
            raise InputError("There are no entities; give a file of them.")
        for column in ("id", "kind"):
            if column not in self.entities.columns:
                raise InputError(f"The entities have no column '{column}'.")
        if "cell_code" in self.entities.columns:
            return self.entities
        return assign_to_cells(self.entities, self.cells, crs=self.working_crs).frame

    def _weights(self, kind: str, column: str) -> IntArray:
        entities = self.assigned_entities
        weights: FloatArray = np.ones(len(entities))
        if column in entities.columns:
            counts = pd.to_numeric(entities[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            weights = np.where((counts >= 0) & (counts <= MAX_COUNT_PER_RECORD), counts, 1.0)
        return np.where((entities["kind"] == kind).to_numpy(), np.rint(weights), 0).astype(np.int64)


def representative_points(geometries: ObjectArray) -> ObjectArray:
    """Return points as they are, and for lines and polygons a point on them; empty points for nothing."""
    places = geometries.copy()
    places[shapely.is_missing(places) | shapely.is_empty(places)] = shapely.Point()
    not_a_point = shapely.get_type_id(places) != 0
    places[not_a_point] = shapely.point_on_surface(places[not_a_point])
    return places


def optional_codes(values: "pd.Series[Any] | None", count: int) -> ObjectArray:
    """Codes as text with None for what is missing or empty."""
    result = np.full(count, None, dtype=object)
    if values is None:
        return result
    codes = normalize_codes(values)
    result[codes != ""] = codes[codes != ""]
    return result


def _make_valid(polygons: ObjectArray) -> ObjectArray:
    polygons[shapely.is_missing(polygons)] = shapely.Polygon()
    invalid = ~shapely.is_valid(polygons)
    polygons[invalid] = shapely.make_valid(polygons[invalid], method="structure", keep_collapsed=False)
    return polygons
