"""The arrangement of lines: the faces into which linework cuts the plane.

Division and repair build on it, because faces of one arrangement share every vertex by construction.
"""

import numpy as np
import shapely

from gis.arrays import Geometries

PRECISION_M = 2.0**-23
"""The grid, in metres, to which vertices are rounded: about 1.2e-7.

A power of two, so that coordinates and their differences are exact. Fifty times coarser than what a round
trip to longitude and latitude moves a vertex (about 2e-9 m), so that no face turns over on the way; fine
enough that the rounding along a border of 150 km adds up to less than 0.02 m².
"""


def build_faces(lines: Geometries) -> Geometries:
    """Cut the plane along lines and return the bounded faces; what is nearer than the grid's step is joined.

    Parameters
    ----------
    lines
        Line or polygon geometries in metres, any length; polygons stand for their boundaries.

    Returns
    -------
    ndarray of Polygon
        A valid coverage: faces do not overlap and neighbours share identical vertices. Vertices lie on a
        grid of `PRECISION_M`. Dangling ends bound nothing and vanish.
    """
    is_polygonal = shapely.get_dimensions(lines) == 2
    linework = np.where(is_polygonal, shapely.boundary(lines), lines)
    noded = shapely.union_all(linework, grid_size=PRECISION_M)
    return np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)


def build_many_faces(lines: Geometries) -> Geometries:
    """Cut the plane along the lines of a city, a hundred times as fast as `build_faces`.

    Lines meet where they cross or touch once their vertices are rounded to the grid; what is only near, as an
    end that was computed to lie on another line, is not joined.

    Parameters
    ----------
    lines
        Line geometries in metres, any length.

    Returns
    -------
    ndarray of Polygon
        As `build_faces` returns them.
    """
    # Compiled code takes a while to load, and most commands cut nothing.
    from gis.faces.face_walk import walk_faces
    from gis.faces.segments import node_segments

    xy, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    xy = np.rint(xy / PRECISION_M) * PRECISION_M
    start = np.flatnonzero(line[1:] == line[:-1])
    noded = node_segments(xy[start], xy[start + 1], PRECISION_M)
    # Rounding has no end in theory; snapping has.
    return build_faces(lines) if noded is None else walk_faces(noded)
