"""What gaps are found in and what a gap is: the input, the columns of the gap frame, the shape of a kind.

It prepares what several kinds need (owners, working CRS, weights) once per input.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from gis.areas import leaf_areas
from gis.assign import assign_to_cells
from gis.codes import normalize_codes, require_codes
from gis.crs import LONLAT, to_lonlat, to_working_crs
from gis.errors import InputError
from gis.measures import resolve_working_crs
from gis.topology.check import TopologyReport, check_topology

GAP_COLUMNS = (
    "kind",
    "severity",
    "cell_code",
    "area_code",
    "area_m2",
    "households",
    "enterprises",
    "rule",
    "detail",
    "geometry",
)
"""Columns of a gap frame.

kind (str), severity (high, medium, low), cell_code and area_code (str or None), area_m2 (float, ground),
households and enterprises (int), rule (the rule broken, with its figure), detail (what is so here; ids, never
names), geometry (EPSG:4326; empty where an entity has none).
"""

MAX_COUNT_PER_RECORD = 1_000_000
"""The most households or enterprises that one record stands for; a greater number counts nothing real."""

FIGURES_COLUMN = "figures"
"""Column that the kinds add: what rule and detail say, as numbers and keys that belong to no language."""

Progress = Callable[[int, int], None]
ObjectArray = NDArray[np.object_]
IntArray = NDArray[np.int64]


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
    """

    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame | None = None
    entities: gpd.GeoDataFrame | None = None
    service_points: gpd.GeoDataFrame | None = None
    crs: CRS | None = None

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
        """The areas that are nobody's parent; None where no areas were given."""
        if self.areas is None or "parent" not in self.areas.columns:
            return self.areas
        return leaf_areas(self.areas)

    @cached_property
    def topology_report(self) -> TopologyReport:
        """What `gis.topology.check` finds in the cells, against the lowest areas where there are areas."""
        return check_topology(self.cells, self.leaf_areas, crs=self.working_crs)

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
        weights: NDArray[np.float64] = np.ones(len(entities))
        if column in entities.columns:
            counts = pd.to_numeric(entities[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            weights = np.where((counts >= 0) & (counts <= MAX_COUNT_PER_RECORD), counts, 1.0)
        return np.where((entities["kind"] == kind).to_numpy(), np.rint(weights), 0).astype(np.int64)


@dataclass(frozen=True)
class GapKind:
    """One kind of gap.

    Attributes
    ----------
    name
        The word in the gap frame and the name of its table in the rules.
    rule
        The default rule, a frozen dataclass.
    missing
        Says in words what the input lacks for this kind, None when nothing.
    find
        Finds the gaps; receives the input, the rule and a progress callback; returns a `build_gap_frame`.
    """

    name: str
    default_rule: Any
    missing_input: Callable[[GapInput], str | None]
    find: Callable[[GapInput, Any, Progress], gpd.GeoDataFrame]


def build_gap_frame(
    kind: str,
    geometry: ObjectArray,
    *,
    rule: str | Sequence[str],
    detail: Sequence[str],
    figures: Sequence[Mapping[str, Any]],
    cell_code: Sequence[object] | ObjectArray | None = None,
    area_code: Sequence[object] | ObjectArray | None = None,
    area_m2: ArrayLike = 0.0,
    households: ArrayLike = 0,
    enterprises: ArrayLike = 0,
) -> gpd.GeoDataFrame:
    """Build gaps of one kind; their severity is given later, from their size.

    Parameters
    ----------
    geometry
        n geometries in EPSG:4326.
    rule, detail, cell_code, area_code, area_m2, households, enterprises
        See `COLUMNS`; one value for all, or n of them.
    figures
        See `FIGURES_COLUMN`; n of them.
    """
    geometries = geometry.copy()
    geometries[shapely.is_missing(geometries)] = shapely.Point()
    count = len(geometries)
    broken = [rule] * count if isinstance(rule, str) else list(rule)
    data: dict[str, Any] = {
        "kind": [kind] * count,
        "severity": [""] * count,
        "cell_code": pd.Series([None] * count if cell_code is None else list(cell_code), dtype=object),
        "area_code": pd.Series([None] * count if area_code is None else list(area_code), dtype=object),
        "area_m2": np.broadcast_to(np.asarray(area_m2, dtype=np.float64), count).copy(),
        "households": np.broadcast_to(np.asarray(households, dtype=np.int64), count).copy(),
        "enterprises": np.broadcast_to(np.asarray(enterprises, dtype=np.int64), count).copy(),
        "rule": broken,
        "detail": list(detail),
        FIGURES_COLUMN: pd.Series([dict(each) for each in figures], dtype=object),
    }
    return gpd.GeoDataFrame(data, geometry=geometries, crs=LONLAT)[[*GAP_COLUMNS, FIGURES_COLUMN]]


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
