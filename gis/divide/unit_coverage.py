"""The units that cells are made of: a coverage in degrees and in metres, and its borders."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.crs import to_lonlat
from gis.divide.division_input import lies_in_china, project_polygons
from gis.errors import CoverageError, InputError
from gis.graph import NeighbourGraph
from gis.progress import Note, no_note
from gis.topology.fill_blanks import is_wider_than
from gis.topology.findings import format_area
from gis.topology.open_blanks import OPEN_BLANK_WIDTH_M, find_open_blanks
from gis.topology.overlaps_and_holes import find_holes, find_overlaps, find_touching
from gis.topology.polygon_layer import with_touching_vertices


@dataclass(frozen=True, eq=False)
class UnitCoverage:
    """Units, sorted by code.

    Attributes
    ----------
    code
        Shape (n,), text, each once.
    attributes
        The columns of the frame without geometry, aligned with `code`.
    lonlat
        Shape (n,), Polygon or MultiPolygon in EPSG:4326 with every vertex of a neighbour on its border.
    geometry
        The same in the working CRS.
    crs
        The working CRS.
    borders
        Which units share a border, and how long it is in metres.
    in_china
        Whether the middle lies in China.
    """

    code: ObjectArray
    attributes: pd.DataFrame
    lonlat: Geometries
    geometry: Geometries
    crs: CRS
    borders: NeighbourGraph
    in_china: bool

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.code)

    def area_m2(self) -> FloatArray:
        """Return the area of each unit in the working CRS."""
        return np.asarray(shapely.area(self.geometry))

    def exterior_m(self, borders: NeighbourGraph) -> FloatArray:
        """Return how much of each unit's border is shared with none of its neighbours in a graph, metres."""
        shared = np.bincount(borders.rows(), weights=borders.length, minlength=len(self))
        return np.maximum(shapely.length(self.geometry) - shared, 0.0)


def read_units(units: gpd.GeoDataFrame, crs: CRS | None = None, *, note: Note = no_note) -> UnitCoverage:
    """Read units and check that whole cells can be made of them.

    Parameters
    ----------
    units
        Polygons with `code`, in any CRS. Corners that lie on a neighbour's edge are added to it.
    crs
        The working CRS; chosen from the extent when not given.
    note
        Told about ground that units enclose without containing it.

    Raises
    ------
    InputError
        If there is no unit, or one has no code, a code used twice, or no valid polygon.
    CoverageError
        If units overlap, their borders do not match, or a gap too narrow to be meant lies between them.
    """
    frame = _sorted_by_code(units)
    frame = with_touching_vertices(frame)
    geometry, chosen = project_polygons(frame, crs, "Unit")
    code = frame["code"].to_numpy(dtype=object)
    lonlat = np.asarray(frame.geometry.array, dtype=object)
    _check_coverage(code, geometry)
    _check_coverage_in_degrees(code, lonlat)
    _check_gaps(code, geometry, note)
    return UnitCoverage(
        code,
        pd.DataFrame(frame.drop(columns=frame.geometry.name)),
        lonlat,
        geometry,
        chosen,
        NeighbourGraph.from_polygons(geometry, tolerance=0),
        lies_in_china(frame),
    )


def and_more(count: int) -> str:
    """Return a clause for a message that names the first of several: how many more there are."""
    return f"; the same holds for {count - 1:,} more" if count > 1 else ""


def _sorted_by_code(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the units in an order that does not depend on that of the rows."""
    if not len(units):
        raise InputError("There is no unit to group.")
    if "code" not in units.columns:
        raise InputError("The units have no field 'code'; say which field holds the codes.")
    code = normalize_codes(units["code"].to_numpy(dtype=object))
    for k in np.flatnonzero(code == "")[:1].tolist():
        raise InputError(f"Record {k + 1} of the units has no code; give every unit one.")
    frame = to_lonlat(units)
    flat = shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))
    frame = frame.set_geometry(gpd.GeoSeries(flat, index=frame.index, crs=frame.crs))
    return frame.assign(code=code).iloc[np.argsort(code.astype(str), kind="stable")].reset_index(drop=True)


def _check_coverage(code: ObjectArray, geometry: Geometries) -> None:
    edges = np.asarray(shapely.coverage_invalid_edges(geometry), dtype=object)
    bad = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
    if not bad.any():
        return
    overlaps = find_overlaps(geometry, bad)
    for first, second, shared in zip(overlaps.first, overlaps.second, overlaps.intersections, strict=True):
        raise CoverageError(
            f"Units '{code[first]}' and '{code[second]}' overlap by {format_area(shared.area)} of ground"
            f"{and_more(len(overlaps.first))}; run wangge repair first."
        )
    raise _unmatched(code[bad])


def _check_coverage_in_degrees(code: ObjectArray, lonlat: Geometries) -> None:
    edges = np.asarray(shapely.coverage_invalid_edges(lonlat), dtype=object)
    bad = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
    if bad.any():
        raise _unmatched(code[bad])


def _unmatched(codes: ObjectArray) -> CoverageError:
    return CoverageError(
        f"The border of unit '{codes[0]}' runs along a neighbour's without matching it"
        f"{and_more(len(codes))}; run wangge repair first."
    )


def _check_gaps(code: ObjectArray, geometry: Geometries, note: Note) -> None:
    """Refuse gaps that look like a border drawn twice, and tell of the others."""
    united = shapely.coverage_union_all(geometry)
    holes = find_holes(united)
    wide = is_wider_than(holes, OPEN_BLANK_WIDTH_M)
    open_gaps = find_open_blanks(geometry, united, OPEN_BLANK_WIDTH_M)
    beside = [rows for rows in find_touching(holes[~wide], geometry) if len(rows)] if (~wide).any() else []
    pairs: list[IntArray] = [*beside, *np.column_stack([open_gaps.first, open_gaps.second])]
    if pairs:
        raise CoverageError(
            f"Between units '{code[pairs[0][0]]}' and '{code[pairs[0][-1]]}' a gap of less than "
            f"{OPEN_BLANK_WIDTH_M:g} m is open, so that they share no border{and_more(len(pairs))}; "
            "run wangge repair first."
        )
    if wide.any():
        sizes = shapely.area(holes)
        largest = holes[int(sizes.argmax())]
        unit = code[find_touching(np.array([largest]), geometry)[0][0]]
        note(
            f"holes between the units are in no cell: {len(holes):,}, the largest of "
            f"{format_area(float(sizes.max()))} beside unit '{unit}'"
        )
