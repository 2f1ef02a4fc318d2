"""Faces of a division into blocks: what lines cut each area into, and how more lines cut some of them."""

from typing import NamedTuple

import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.faces.arrangement import build_faces
from gis.faces.noding import invalid_in_degrees, noding_cuts

_REACH_M = 1e-5
"""Faces so near to a line are cut again together with those that the line crosses."""

_ATTEMPTS = 5


class Faces(NamedTuple):
    """Faces that fill areas: a valid coverage.

    Attributes
    ----------
    polygon
        Shape (n,), Polygon in the working CRS.
    source
        Shape (n,), int: what each lies in, the position of its area or of a former face.
    """

    polygon: Geometries
    source: IntArray


def cut_areas(areas: Geometries, lines: Geometries) -> Faces:
    """Cut areas along lines.

    Parameters
    ----------
    areas
        A valid coverage of Polygons and MultiPolygons in metres.
    lines
        Lines of any length; they may cross anywhere, and ends that meet nothing vanish.

    Returns
    -------
    Faces
        Sources are positions in `areas`.
    """
    faces = build_faces(np.concatenate([shapely.boundary(areas), lines]))
    source = _locate(faces, areas)
    return _in_order(faces[source >= 0], source[source >= 0])


def recut(faces: Geometries, lines: Geometries) -> Faces:
    """Cut faces along more lines, each end of which may lie on their borders.

    Parameters
    ----------
    faces
        Shape (n,), a valid coverage in metres with vertices on the grid of `gis.faces.arrangement`.
    lines
        Lines or polygons, which stand for their outlines.

    Returns
    -------
    Faces
        Sources are positions in `faces`; where no line is near they are the same objects.
    """
    touched = np.zeros(len(faces), dtype=bool)
    if len(lines):
        outline = np.where(shapely.get_dimensions(lines) == 2, shapely.boundary(lines), lines)
        near = shapely.STRtree(faces).query(outline, predicate="dwithin", distance=_REACH_M)[1]
        touched[near] = True
    everything = Faces(faces, np.arange(len(faces)))
    if not touched.any():
        return everything
    polygon, source = _cut_again(everything, touched, lines)
    return _in_order(polygon, source)


def make_sound(faces: Geometries, crs: CRS) -> Faces:
    """Add the vertices without which faces would not be a valid coverage in degrees.

    Returns
    -------
    Faces
        Sources are positions in `faces`.
    """
    result = Faces(faces, np.arange(len(faces)))
    for _ in range(_ATTEMPTS):
        flagged = invalid_in_degrees(result.polygon, crs)
        if not flagged.any():
            break
        cuts = noding_cuts(result.polygon[flagged], crs)
        if cuts is None:
            cuts = np.array([], dtype=object)
        polygon, source = _cut_again(result, flagged, cuts)
        result = _in_order(polygon, source)
    return result


def _cut_again(faces: Faces, touched: BoolArray, lines: Geometries) -> Faces:
    """Build the touched faces again with more lines; sources are handed down."""
    old = faces.polygon[touched]
    pieces = build_faces(np.concatenate([old, lines]))
    within = _locate(pieces, old)
    pieces, within = pieces[within >= 0], within[within >= 0]
    return Faces(
        np.concatenate([faces.polygon[~touched], pieces]),
        np.concatenate([faces.source[~touched], faces.source[touched][within]]),
    )


def _locate(pieces: Geometries, ground: Geometries) -> IntArray:
    """Return in which of the polygons each piece lies, -1 for none."""
    points = shapely.point_on_surface(pieces)
    owner, piece = shapely.STRtree(points).query(ground, predicate="intersects")
    result = np.full(len(pieces), len(ground))
    np.minimum.at(result, piece, owner)
    return np.where(result < len(ground), result, -1)


def _in_order(polygon: Geometries, source: IntArray) -> Faces:
    """Put faces in an order, and their rings in a form, that do not depend on how they were found."""
    polygon = np.asarray(shapely.normalize(polygon), dtype=object)
    x, y = inner_points(polygon).T
    order = np.lexsort((x, -y, source))
    return Faces(polygon[order], source[order])


def inner_points(polygons: Geometries) -> FloatArray:
    """Return a point inside each polygon, shape (n, 2)."""
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(polygons)))
