"""Coverages with awkward borders, and what was decoded from their tiles, for the tests of this room."""

import mapbox_vector_tile
import numpy as np
import shapely

SHENZHEN = (114.05, 22.54)


def mosaic(seed, points, groups, side=1.0):
    """A coverage of a square: triangles between random points, united at random.

    Thin corners, parts that touch in one place, holes and islands all occur.
    """
    random = np.random.default_rng(seed)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    places = np.concatenate((corners, random.uniform(0, 1, (points, 2)))) * side
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(places)))
    labels = random.integers(0, groups, len(triangles))
    cells = [shapely.coverage_union_all(triangles[labels == label]) for label in np.unique(labels)]
    return np.array(cells, dtype=object)


def placed(cells, degrees, at=SHENZHEN):
    """Cells of a unit square laid on the ground, the square `degrees` wide."""
    return np.asarray(shapely.transform(cells, lambda xy: xy * degrees + at), dtype=object)


def features(message, name):
    """The features of a layer as an independent decoder reads them: id, shape in units, properties."""
    found = mapbox_vector_tile.decode(message, default_options={"y_coord_down": True})
    return [
        (each["id"], shapely.geometry.shape(each["geometry"]), each["properties"])
        for each in found.get(name, {"features": []})["features"]
    ]


def blank(shapes, ground):
    """How much of some ground no shape covers; crossings of overlapping ones leave nothing to count."""
    left = ground.difference(shapely.union_all(shapes))
    return sum(part.area for part in shapely.get_parts(left) if part.area > 1e-6)
