"""Coverages for the tests: wiggly lattices of cells, ways to damage them, and the obvious oracles.

Damage works on the coordinates in the working CRS; the tests move the result to longitude and latitude.
"""

from itertools import combinations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import scale, translate

from gis.arrays import Geometries

PLACES = {
    "Shenzhen": (4547, 500_000.0, 2_500_000.0),
    "Sydney": (32756, 334_000.0, 6_250_000.0),
    "beside the edge of UTM zone 31": (32631, 245_000.0, 4_900_000.0),
    "Quito, across the equator": (32717, 780_000.0, 9_999_900.0),
    "Tromso": (32633, 653_000.0, 7_730_000.0),
}
"""EPSG code, easting and northing of places where cells are drawn."""


def lattice(
    columns: int,
    rows: int,
    *,
    size: float = 100.0,
    wiggle: int = 3,
    seed: int = 0,
    origin: tuple[float, float] = (0, 0),
) -> Geometries:
    """A valid coverage of columns x rows cells whose borders have `wiggle` vertices between corners."""
    random = np.random.default_rng(seed)
    along = np.arange(1, wiggle + 1)[:, None] / (wiggle + 1)
    grid = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij"), axis=-1) * size
    nodes = grid + random.uniform(-0.15, 0.15, grid.shape) * size + np.asarray(origin)
    amount = 0.04 * size

    def line(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        middle = start + along * (end - start) + random.uniform(-amount, amount, (wiggle, 2))
        return np.concatenate([[start], middle])

    east = {(i, j): line(nodes[i, j], nodes[i + 1, j]) for i in range(columns) for j in range(rows + 1)}
    north = {(i, j): line(nodes[i, j], nodes[i, j + 1]) for i in range(columns + 1) for j in range(rows)}

    def back(forth: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([forth[1:], [end]])[::-1]

    rings = [
        np.concatenate(
            [
                east[i, j],
                north[i + 1, j],
                back(east[i, j + 1], nodes[i + 1, j + 1]),
                back(north[i, j], nodes[i, j + 1]),
            ]
        )
        for i in range(columns)
        for j in range(rows)
    ]
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


def notched(origin: tuple[float, float]) -> shapely.Polygon:
    """A cell 5 km long with a notch ending 1 cm short of its northern edge, which sags by more."""
    x, y = origin
    ring = [(0, 0), (5000, 0), (5000, -1000), (2600, -1000), (2500, -0.01), (2400, -1000), (0, -1000)]
    return translate(shapely.Polygon(ring), x, y)


def crossing(origin: tuple[float, float]) -> Geometries:
    """A cell and a spike that ends 1 cm short of its edge of 5 km, but across it in degrees."""
    spike = shapely.Polygon([(2500, -0.01), (2600, -1000), (2400, -1000)])
    return np.array([translate(one, *origin) for one in (shapely.box(0, 0, 5000, 1000), spike)], dtype=object)


def frame(polygons: Geometries, epsg: int = 4547, **columns: object) -> gpd.GeoDataFrame:
    """Cells c000, c001, ... in EPSG:4326."""
    codes = [f"c{row:03d}" for row in range(len(polygons))]
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=list(polygons), crs=epsg).to_crs(4326)


def projected(cells: gpd.GeoDataFrame, epsg: int = 4547) -> Geometries:
    """The geometry in a metric CRS."""
    return np.asarray(cells.geometry.to_crs(epsg), dtype=object)


def damage(polygons: Geometries, how: str, row: int, random: np.random.Generator) -> Geometries:
    """Damage one cell."""
    result = polygons.copy()
    cell = result[row]
    size = float(np.sqrt(cell.area))
    if how == "grow":
        result[row] = scale(cell, 1.06, 1.06)
    elif how == "shrink":
        result[row] = scale(cell, 0.95, 0.95)
    elif how == "shift":
        result[row] = translate(cell, *random.uniform(-0.05 * size, 0.05 * size, 2))
    elif how == "move vertex":
        ring = shapely.get_coordinates(cell)
        k = int(random.integers(1, len(ring) - 1))
        ring[k] += random.uniform(-0.03 * size, 0.03 * size, 2)
        moved = shapely.Polygon(ring)
        result[row] = moved if moved.is_valid else cell
    elif how == "delete vertex":
        ring = shapely.get_coordinates(cell)
        fewer = shapely.Polygon(np.delete(ring, int(random.integers(1, len(ring) - 1)), axis=0))
        result[row] = fewer if fewer.is_valid else cell
    elif how == "add vertex":
        ring = shapely.get_coordinates(cell)
        k = int(random.integers(1, len(ring)))
        result[row] = shapely.Polygon(np.insert(ring, k, (ring[k - 1] + ring[k]) / 2, axis=0))
    elif how == "bowtie":
        ring = shapely.get_coordinates(cell)[:-1]
        k = int(random.integers(1, len(ring) - 2))
        ring[[k, k + 1]] = ring[[k + 1, k]]
        result[row] = shapely.Polygon(ring)
    else:
        raise AssertionError(how)
    return result


DAMAGES = ("grow", "shrink", "shift", "move vertex", "delete vertex", "add vertex", "bowtie")


def overlaps_slowly(polygons: Geometries) -> dict[tuple[int, int], float]:
    """Every pair by a loop."""
    pairs = {}
    for a, b in combinations(range(len(polygons)), 2):
        area = polygons[a].intersection(polygons[b]).area
        if area > 1e-6:
            pairs[a, b] = area
    return pairs


def blanks_slowly(polygons: Geometries) -> float:
    """The ground that cells enclose: what cannot be reached from far outside."""
    united = shapely.union_all(polygons)
    west, south, east, north = united.bounds
    margin = max(east - west, north - south)
    ground = shapely.box(west - margin, south - margin, east + margin, north + margin).difference(united)
    outside = max(shapely.get_parts(ground), key=lambda part: part.envelope.area)
    return ground.area - outside.area
