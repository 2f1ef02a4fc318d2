"""The polygon records of a layer, made ready: codes as text, geometry made valid and in the working CRS."""

import re
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.antimeridian import project_joined
from gis.arrays import BoolArray, FloatArray, Geometries, ObjectArray
from gis.codes import normalize_codes
from gis.errors import InputError
from gis.faces.arrangement import PRECISION_M
from gis.faces.noding import insert_touching_vertices
from gis.faces.overlay import extract_polygons

NOISE_WIDTH_M = 1e-5
"""Ground narrower than this (twice the area over the perimeter) is rounding noise, not ground."""

NOISE_AREA_M2 = 1e-6
"""Shared ground up to this size is rounding noise of a border."""

AREA_TOLERANCE_M2 = 0.01
"""How far the union of an area's cells may differ from the area, up to 100 km of border."""

_DEGREES_PER_M = 1e-5

_LOCATION = re.compile(r"\[([^\]\s]+) ([^\]\s]+)\]$")


@dataclass(frozen=True, eq=False)
class PolygonLayer:
    """Polygon records in the working CRS.

    Attributes
    ----------
    codes
        Text per record, "" where missing.
    labels
        The code, or "record 12" where it is missing.
    polygons
        Valid Polygon or MultiPolygon (possibly empty) per record, two-dimensional, metres.
    faults
        Why the record's own geometry is not a valid polygon, "" where it is.
    fault_points
        Where that is: a Point, or None.
    crs
        The working CRS.
    """

    codes: ObjectArray
    labels: ObjectArray
    polygons: Geometries
    faults: ObjectArray
    fault_points: Geometries
    crs: CRS

    def __len__(self) -> int:
        """Count the records."""
        return len(self.codes)

    def describe(self, row: int | np.integer[Any]) -> str:
        """Describe a record: "record 12 (code '559')"."""
        return f"record {row + 1} (code '{self.codes[row]}')" if self.codes[row] else f"record {row + 1}"

    def has_duplicate_code(self) -> BoolArray:
        """Return which records have a code that another record has too."""
        codes = pd.Series(self.codes, dtype=object)
        return np.asarray(codes.duplicated(keep=False) & (codes != ""), dtype=bool)


def read_polygon_layer(frame: gpd.GeoDataFrame, crs: CRS) -> PolygonLayer:
    """Prepare the records of a layer.

    Parameters
    ----------
    frame
        With a column `code`; in EPSG:4326 or any other CRS, projected straight into the working CRS.
    crs
        The working CRS.

    Raises
    ------
    InputError
        If the frame has no `code` column or names no CRS.
    """
    if "code" not in frame.columns:
        raise InputError("The layer has no field 'code'; say which field holds the codes.")
    if frame.crs is None:
        raise InputError("The layer names no coordinate reference system; give it, for example EPSG:4326.")
    geometries = shapely.force_2d(project_joined(np.asarray(frame.geometry), CRS(frame.crs), crs))
    codes = normalize_codes(frame["code"].to_numpy(dtype=object))
    labels = np.array([code or f"record {row + 1}" for row, code in enumerate(codes)], dtype=object)
    polygons, faults, fault_points = _make_valid(geometries)
    return PolygonLayer(
        codes=codes, labels=labels, polygons=polygons, faults=faults, fault_points=fault_points, crs=crs
    )


def with_touching_vertices(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer with a vertex wherever one of another polygon lies on an edge in its own coordinates."""
    geometries = np.array(frame.geometry, dtype=object)
    is_polygon = np.isin(shapely.get_type_id(geometries), (3, 6)) & shapely.is_valid(geometries)
    tolerance = NOISE_WIDTH_M * (_DEGREES_PER_M if CRS(frame.crs).is_geographic else 1)
    geometries[is_polygon] = insert_touching_vertices(geometries[is_polygon], tolerance)
    return frame.set_geometry(gpd.GeoSeries(geometries, index=frame.index, crs=frame.crs))


def _make_valid(geometries: Geometries) -> tuple[Geometries, ObjectArray, Geometries]:
    """Return valid polygons, the fault of each record and where it is."""
    polygons = geometries.copy()
    faults = np.full(len(geometries), "", dtype=object)
    fault_points = np.full(len(geometries), None, dtype=object)
    types = shapely.get_type_id(geometries)
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    faults[empty] = "it has no geometry"
    wrong = ~empty & ~np.isin(types, (3, 6))
    faults[wrong] = [f"it is a {geometry.geom_type}, not a polygon" for geometry in geometries[wrong]]
    fault_points[wrong] = shapely.point_on_surface(geometries[wrong])
    polygons[empty | wrong] = shapely.Polygon()

    bounds = shapely.bounds(polygons)
    infinite = ~empty & ~wrong & ~np.isfinite(bounds).all(axis=1)
    # Bounds ignore a single NaN.
    broken = np.flatnonzero(~shapely.is_valid(polygons))
    vertices, row = shapely.get_coordinates(polygons[broken], return_index=True)
    infinite[broken[row[~np.isfinite(vertices).all(axis=1)]]] = True
    faults[infinite] = "it has coordinates that are not finite or cannot be projected"
    polygons[infinite] = shapely.Polygon()
    broken = broken[~infinite[broken]]
    fault_points[broken], faults[broken] = explain_invalid(polygons[broken])
    if len(broken):
        mended = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
        polygons[broken] = extract_polygons(mended)
    return polygons, faults, fault_points


def explain_invalid(polygons: Geometries) -> tuple[Geometries, ObjectArray]:
    """Return where each polygon is invalid, a Point or None, and the reason."""
    fault_points = np.full(len(polygons), None, dtype=object)
    reasons = np.full(len(polygons), "", dtype=object)
    for row, reason in enumerate(shapely.is_valid_reason(polygons).tolist()):
        reasons[row] = _LOCATION.sub("", reason).strip().lower()
        if found := _LOCATION.search(reason):
            fault_points[row] = shapely.Point(float(found[1]), float(found[2]))
    return fault_points, reasons


def area_tolerance(polygons: Geometries) -> FloatArray:
    """Return by how many m² the size of each polygon may differ by rounding: by the grid along its border."""
    return np.maximum(AREA_TOLERANCE_M2, PRECISION_M * shapely.length(polygons))


def mean_width(polygons: Geometries) -> FloatArray:
    """Return twice the area over the perimeter in metres: the width of a long strip; 0 for an empty one."""
    length = shapely.length(polygons)
    return np.divide(2 * shapely.area(polygons), length, out=np.zeros(len(length)), where=length > 0)
