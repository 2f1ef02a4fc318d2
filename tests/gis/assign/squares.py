"""Cells in metres near 114° E, 22.5° N, and what lies on them."""

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import strategies as st
from pyproj import CRS

ADDED = ["cell_code", "cell_share", "assign_method", "distance_m", "reason"]
METRIC = CRS.from_epsg(4547)
WEST, SOUTH = 114.0, 22.5


def frame(geometries, crs=4326, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(geometries), crs=crs)


def on_ground(geometries):
    """Metres east and north of 114° E, 22.5° N, as longitude and latitude."""
    corner = gpd.GeoSeries([shapely.Point(WEST, SOUTH)], crs=4326).to_crs(METRIC).iloc[0]
    moved = shapely.transform(
        np.array(geometries, dtype=object), lambda xy: xy + shapely.get_coordinates(corner)
    )
    return gpd.GeoSeries(moved, crs=METRIC).to_crs(4326).to_numpy()


def squares(codes, size=100.0):
    """A row of squares eastward, in metres from 114° E, 22.5° N."""
    shapes = [shapely.box(size * k, 0, size * (k + 1), size) for k in range(len(codes))]
    return frame(on_ground(shapes), code=list(codes))


@st.composite
def plans(draw, overlaps=True):
    """Cells between wiggly shared borders, in metres; sometimes one missing, one twice."""
    count = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = np.meshgrid(np.arange(count + 1.0), np.arange(count + 1.0))
    corner = 100 * np.stack([x, y], axis=-1) + random.integers(-20, 21, (count + 1, count + 1, 2))
    cells = [
        shapely.Polygon([corner[j, i], corner[j, i + 1], corner[j + 1, i + 1], corner[j + 1, i]])
        for j in range(count)
        for i in range(count)
    ]
    if draw(st.booleans()) and len(cells) > 1:
        cells.pop()
    if overlaps and draw(st.booleans()):
        cells.append(shapely.box(50, 50, 180, 130))
    return cells, [str(code) for code in random.permutation(50)[: len(cells)]], random


def naive_shares(shape, cells, codes):
    """Give each cell, lowest code first, what it holds of what is left.

    The grid is coarser than the rounding at a northing of millions of metres, which would move a line off
    the border it follows.
    """
    measure = shapely.area if shape.area else shapely.length
    shares, left = {}, shape
    for row in np.argsort(codes):
        held = measure(left.intersection(cells[row], grid_size=1e-5)) / measure(shape)
        if held > 0:
            shares[codes[row]] = held
        left = left.difference(cells[row], grid_size=1e-5)
    return shares


@st.composite
def entities_on_plans(draw):
    """Lines and polygons anywhere, and lines along the borders of a plan without overlaps."""
    kind = draw(st.sampled_from(["line", "polygon", "border"]))
    cells, codes, random = draw(plans(overlaps=False) if kind == "border" else plans())
    if kind == "border":
        return cells, codes, [shapely.LineString(cell.exterior.coords[:3]) for cell in cells]
    points = random.uniform(-50, 450, (30, 4, 2))
    shape = shapely.LineString if kind == "line" else lambda four: shapely.MultiPoint(four).convex_hull
    return cells, codes, [shape(four) for four in points]
