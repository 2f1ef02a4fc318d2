"""Random streets and buildings on the random ground of the divisions."""

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import working_crs_for_bounds

CLASSES = ("motorway", "primary", "residential", "service", None)


def random_lines(seed, areas, count, *, grid):
    """Streets that cross anywhere, end anywhere, run along borders, lie twice or in a ring; in EPSG:4326."""
    rng = np.random.default_rng(seed)
    plane = areas.to_crs(working_crs_for_bounds(areas.total_bounds))
    west, south, east, north = plane.total_bounds
    low, reach = np.array([west, south]), np.array([east - west, north - south])
    lines = [
        shapely.LineString(low + reach * rng.uniform(-0.1, 1.1, (rng.integers(2, 6), 2)))
        for _ in range(count)
    ]
    if grid:
        for share in rng.uniform(0, 1, 4):
            lines.append(shapely.LineString(low + reach * np.array([[share, -0.1], [share, 1.1]])))
            lines.append(shapely.LineString(low + reach * np.array([[-0.1, share], [1.1, share]])))
    lines.append(shapely.Point(low + reach * rng.uniform(0.2, 0.8, 2)).buffer(reach.min() / 9).exterior)
    border = shapely.get_parts(shapely.boundary(np.asarray(plane.geometry.array)))[0]
    along = shapely.get_coordinates(border)
    lines.append(shapely.LineString(along[: max(2, len(along) // 2)]))
    lines.append(shapely.reverse(lines[0]))
    # A line that begins on the middle of another, as near as numbers allow.
    lines.append(
        shapely.LineString([lines[0].interpolate(0.5, normalized=True), low + reach * rng.uniform(0, 1, 2)])
    )
    kinds = rng.choice(np.array(CLASSES, dtype=object), len(lines))
    return gpd.GeoDataFrame({"highway": kinds}, geometry=lines, crs=plane.crs).to_crs(4326)


def random_buildings(seed, areas, count, width):
    """Footprints turned in any direction, some overlapping, some with courtyards; in EPSG:4326."""
    rng = np.random.default_rng(seed)
    plane = areas.to_crs(working_crs_for_bounds(areas.total_bounds))
    west, south, east, north = plane.total_bounds
    found = []
    for x, y in rng.uniform((west, south), (east, north), (count, 2)):
        wide, high = width * rng.uniform(0.3, 1, 2)
        shape = shapely.box(x, y, x + wide, y + high)
        if rng.random() < 0.2:
            shape -= shapely.box(x + wide / 4, y + high / 4, x + wide / 2, y + high / 2)
        found.append(shapely.affinity.rotate(shape, rng.uniform(0, 90)))
    return gpd.GeoDataFrame(geometry=found, crs=plane.crs).to_crs(4326)
