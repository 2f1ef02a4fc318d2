"""The arrangement of lines: the faces into which linework cuts the plane.

Division and repair build on it, because faces of one arrangement share every vertex by construction.
"""

import numpy as np
import shapely

from gis.arrays import Geometries

PRECISION_M = 1e-7
"""The grid, in metres, to which vertices are rounded.

Fifty times coarser than what a round trip to longitude and latitude moves a vertex (about 2e-9 m), so that
no face turns over on the way; fine enough that the rounding along a border of 150 km adds up to less than
0.01 m².
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
        grid of `PRECISION_M`. Dangling ends bound nothing and vanish.
    """
    is_polygonal = shapely.get_dimensions(lines) == 2
    linework = np.where(is_polygonal, shapely.boundary(lines), lines)
    noded = shapely.union_all(linework, grid_size=PRECISION_M)
    return np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)
