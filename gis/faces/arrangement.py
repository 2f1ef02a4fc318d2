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
    """Cut the plane along lines and return the bounded faces.

    Parameters
    ----------
    lines
        Line or polygon geometries in metres, any length; polygons stand for their boundaries.

    Returns
    -------
    ndarray of Polygon
        A valid coverage: faces do not overlap and neighbours share identical vertices. Vertices lie on a
        grid of `PRECISION_M`, and a line that passes a vertex nearer than the grid tells apart meets it.
        Dangling ends bound nothing and vanish.
    """
    # Compiled code takes a while to load, and most commands cut nothing.
    from gis.faces.face_walk import walk_faces
    from gis.faces.segments import node_segments

    is_polygonal = shapely.get_dimensions(lines) == 2
    linework = shapely.get_parts(np.where(is_polygonal, shapely.boundary(lines), lines))
    xy, line = shapely.get_coordinates(linework, return_index=True)
    start = np.flatnonzero(line[1:] == line[:-1])
    return walk_faces(node_segments(xy[start], xy[start + 1], PRECISION_M))
