"""The geometries of entities by what can be measured on them: empty, invalid, points, lines or polygons."""

from typing import NamedTuple

import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray


class EntityGeometries(NamedTuple):
    """Entities sorted by what can be measured on them.

    Attributes
    ----------
    lon, lat
        A location of each entity in degrees: the point itself or the first vertex; NaN where empty.
    empty, invalid_coordinates
        Records without geometry, and with a coordinate that is not finite or out of range.
    points
        Rows whose location is all there is: points, lines without length.
    multipoints
        Rows of multipoints.
    lines_and_polygons
        Rows of lines and polygons.
    measurable
        Their geometries and those of the multipoints, two-dimensional, valid, of one dimension; None
        elsewhere.
    made_valid_count
        How many invalid polygons are measured on a mended copy.
    """

    lon: FloatArray
    lat: FloatArray
    empty: BoolArray
    invalid_coordinates: BoolArray
    points: IntArray
    multipoints: IntArray
    lines_and_polygons: IntArray
    measurable: ObjectArray
    made_valid_count: int


def classify_geometries(geometries: ObjectArray) -> EntityGeometries:
    """Sort geometries (EPSG:4326, any type, None and empty allowed) by what can be measured on them."""
    types = shapely.get_type_id(geometries)
    empty = np.asarray(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    single = (types == shapely.GeometryType.POINT) & ~empty
    lon, lat = np.full((2, len(geometries)), np.nan)
    lon[single], lat[single] = shapely.get_coordinates(geometries[single]).T
    measurable: ObjectArray = np.full(len(geometries), None, dtype=object)
    rest = np.flatnonzero(~single & ~empty)
    vertices, owner = shapely.get_coordinates(geometries[rest], return_index=True)
    filled, first = np.unique(owner, return_index=True)
    lon[rest[filled]], lat[rest[filled]] = vertices[first, 0], vertices[first, 1]
    invalid_coordinates = ~empty & ~_in_range(lon, lat)
    invalid_coordinates[rest[owner[~_in_range(vertices[:, 0], vertices[:, 1])]]] = True
    rest = rest[~invalid_coordinates[rest]]
    measurable[rest], mended = _make_measurable(shapely.force_2d(geometries[rest]))
    dimensions = shapely.get_dimensions(measurable[rest])
    without_length = (dimensions == 1) & (shapely.length(measurable[rest]) == 0)
    return EntityGeometries(
        lon,
        lat,
        empty,
        invalid_coordinates,
        np.sort(np.r_[np.flatnonzero(single & ~invalid_coordinates), rest[without_length]]),
        rest[dimensions == 0],
        rest[(dimensions > 0) & ~without_length],
        measurable,
        mended,
    )


def _in_range(lon: FloatArray, lat: FloatArray) -> BoolArray:
    # Comparisons with NaN are false.
    return np.asarray((np.abs(lon) <= 180) & (np.abs(lat) <= 90))


def _make_measurable(geometries: ObjectArray) -> tuple[ObjectArray, int]:
    geometries = keep_highest_dimension(geometries)
    invalid = np.flatnonzero((shapely.get_dimensions(geometries) == 2) & ~shapely.is_valid(geometries))
    # A polygon without area becomes a line or a point here.
    geometries[invalid] = keep_highest_dimension(shapely.make_valid(geometries[invalid], method="structure"))
    return geometries, len(invalid)


def keep_highest_dimension(geometries: ObjectArray) -> ObjectArray:
    """Return a copy in which collections are reduced to their parts of the highest dimension."""
    result = np.array(geometries, dtype=object)
    for row in np.flatnonzero(shapely.get_type_id(result) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = np.array([result[row]], dtype=object)
        while np.any(shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT):
            parts = shapely.get_parts(parts)
        parts = parts[~shapely.is_empty(parts)]
        dimension = shapely.get_dimensions(parts)
        highest = parts[dimension == dimension.max()]
        if dimension.max() == 2:
            solid = shapely.make_valid(highest, method="structure", keep_collapsed=False)
            result[row] = shapely.union_all(solid)
        else:
            result[row] = (shapely.multipoints, shapely.multilinestrings)[dimension.max()](highest)
    return result
