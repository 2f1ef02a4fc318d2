"""How large blocks should be, by area and by the load inside, and where the load is."""

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.crs import LONLAT, to_lonlat
from gis.divide.division_input import DivisionInput
from gis.errors import InputError, ParameterError
from gis.progress import Note

MAX_BLOCKS = 1_000_000

_MAX_LISTED = 3


@dataclass(frozen=True, eq=False)
class BlockSize:
    """How large blocks should be.

    Attributes
    ----------
    target_area_m2
        The area to aim at, None where only the load counts.
    max_load
        The most that a block may hold, None where only the area counts.
    """

    target_area_m2: float | None
    max_load: float | None

    def require_moderate(self, areas: Geometries) -> None:
        """Refuse a target so small that blocks would be too many.

        Raises
        ------
        InputError
            If the areas have room for more than `MAX_BLOCKS`.
        """
        if self.target_area_m2 is None:
            return
        count = float(shapely.area(areas).sum()) / self.target_area_m2
        if count > MAX_BLOCKS:
            raise InputError(
                f"Blocks of {self.target_area_m2:g} m² would be about {count:,.0f}, more than "
                f"{MAX_BLOCKS:,}; choose a larger target or divide a part of the areas."
            )

    def parts(self, area_m2: FloatArray, load: FloatArray, *, from_targets: float = 1.5) -> IntArray:
        """Return into how many parts pieces should be cut; 1 where they are not too large.

        An area is too large from so many times the target on.
        """
        result = np.ones(len(area_m2), dtype=np.int64)
        if self.target_area_m2 is not None:
            ratio = np.round(area_m2 / self.target_area_m2, 6)
            result = np.where(ratio > from_targets, np.rint(ratio), 1).astype(np.int64)
        if self.max_load is not None:
            result = np.maximum(result, np.ceil(load / self.max_load - 1e-9).astype(np.int64))
        return np.maximum(result, 1)


class LoadPoints(NamedTuple):
    """Where load is: points in metres, shape (n, 2), and how much, shape (n,)."""

    xy: FloatArray
    load: FloatArray

    def sum_in(self, polygons: Geometries) -> FloatArray:
        """Return the load in each polygon of a coverage; a point on a border counts in the first."""
        owner = self.owners(polygons)
        inside = owner >= 0
        return np.bincount(owner[inside], self.load[inside], len(polygons)).astype(float)

    def owners(self, polygons: Geometries) -> IntArray:
        """Return the polygon in which each point lies, -1 for none."""
        result = np.full(len(self.xy), len(polygons))
        if len(self.xy):
            points = np.asarray(shapely.points(self.xy), dtype=object)
            polygon, point = shapely.STRtree(points).query(polygons, predicate="intersects")
            np.minimum.at(result, point, polygon)
        return np.where(result < len(polygons), result, -1)


def read_load(
    division_input: DivisionInput,
    max_load: tuple[str | None, float] | None,
    frame: gpd.GeoDataFrame | None,
    note: Note,
) -> LoadPoints:
    """Take the load of records and where they are.

    Parameters
    ----------
    division_input
        The areas.
    max_load
        The column of loads and the most that a block may hold; without a column each record counts one.
    frame
        The records, at a point inside them.
    note
        Told how many are outside the areas.

    Raises
    ------
    InputError
        If there are no records or no such column, or a value is negative or no number.
    """
    if max_load is None:
        return LoadPoints(np.empty((0, 2)), np.empty(0))
    column, _ = max_load
    if frame is None or frame.empty:
        raise ParameterError("A largest load needs the points or buildings that carry it; give them too.")
    load = np.ones(len(frame)) if column is None else _read_column(frame, column)
    geometry = np.asarray(to_lonlat(frame).geometry.array, dtype=object)
    present = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    places = gpd.GeoSeries(geometry[present], crs=LONLAT).to_crs(division_input.crs)
    xy = shapely.get_coordinates(shapely.point_on_surface(np.asarray(places.array, dtype=object)))
    found = LoadPoints(xy[np.isfinite(xy).all(axis=1)], load[present][np.isfinite(xy).all(axis=1)])
    outside = int((found.owners(division_input.geometry) < 0).sum()) + len(frame) - len(found.load)
    if outside == len(frame):
        raise InputError("None of the records that carry the load lies within the areas.")
    if outside:
        note(f"{outside:,} of {len(frame):,} records lie outside the areas, and their load counts nowhere")
    return found


def _read_column(frame: gpd.GeoDataFrame, column: str) -> FloatArray:
    if column not in frame.columns:
        known = ", ".join(str(name) for name in frame.columns if name != frame.geometry.name)
        raise InputError(f"There is no field '{column}' to take the load from; there are {known}.")
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    for k in np.flatnonzero(~(np.isfinite(values) & (values >= 0)))[:1].tolist():
        value = frame[column].iloc[k]
        if pd.isna(value):
            raise InputError(f"Record {k + 1} has no value in '{column}'; a load is a number from 0.")
        raise InputError(f"Record {k + 1} has the value '{value}' in '{column}'; a load is a number from 0.")
    return values


def tell_overloaded(
    blocks: Geometries,
    codes: list[str],
    load: LoadPoints,
    max_load: tuple[str | None, float] | None,
    note: Note,
) -> None:
    """Return which blocks hold more than the most, because it is in one place."""
    if max_load is None:
        return
    total = load.sum_in(blocks)
    above = np.flatnonzero(total > max_load[1] * (1 + 1e-9))
    if len(above):
        above = above[np.argsort(-total[above], kind="stable")]
        listed = ", ".join(f"{codes[k]} with {total[k]:,.6g}" for k in above[:_MAX_LISTED])
        listed += ", ..." if len(above) > _MAX_LISTED else ""
        note(f"these blocks hold more than {max_load[1]:,.6g} in one place: {listed}")
