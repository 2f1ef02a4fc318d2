"""Buildings of the sample district: footprints in rows along the streets of their block."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray, ObjectArray
from gis.crs import LONLAT
from layers.sample.blocks import Blocks
from layers.sample.city_plane import CityPlane, metres_to_lonlat, to_metres
from layers.sample.linework import CLASSES, Linework
from layers.sample.names import numbered_ids

BUILDINGS = 8000
"""Buildings at scale 1."""

USES = ("residential", "village", "commercial", "office", "industrial", "public")

_PATTERNS = np.array(
    # use, width, depth, pitch across, pitch along, least and most floors, weight in the centre and outside
    [
        (0, 24.0, 20.0, 43.0, 40.0, 16, 33, 0.22, 0.08),
        (0, 46.0, 13.0, 56.0, 29.0, 6, 11, 0.30, 0.28),
        (0, 34.0, 12.0, 42.0, 24.0, 5, 7, 0.14, 0.18),
        (1, 11.5, 10.5, 14.5, 14.5, 3, 7, 0.06, 0.16),
        (2, 46.0, 38.0, 62.0, 54.0, 3, 7, 0.12, 0.04),
        (3, 36.0, 32.0, 54.0, 50.0, 12, 34, 0.09, 0.02),
        (4, 62.0, 28.0, 76.0, 44.0, 1, 5, 0.01, 0.18),
        (5, 52.0, 17.0, 68.0, 42.0, 3, 6, 0.06, 0.06),
    ]
)

_CLEARANCE = {"lake": 18.0, "river": 48.0, "railway": 16.0, "main": 19.0, "secondary": 12.0, "lane": 6.0}


@dataclass(frozen=True)
class Buildings:
    """Buildings with the geometry needed to place things inside them.

    Attributes
    ----------
    frame
        building_id, address, use, floors, area_code, synthetic, geometry in EPSG:4326.
    corner, across, along
        Shape (n, 2), metres about the middle: a corner of the part of the footprint that is a rectangle,
        and its sides from there.
    floor_area
        Square metres of all floors.
    """

    frame: gpd.GeoDataFrame
    corner: FloatArray
    across: FloatArray
    along: FloatArray
    floor_area: FloatArray

    def points_inside(self, building: IntArray, rng: np.random.Generator) -> Geometries:
        """Return a random point in longitude, latitude inside each of the given buildings (row numbers)."""
        share = rng.uniform(0.06, 0.94, (len(building), 2))
        xy = (
            self.corner[building] + self.across[building] * share[:, :1] + self.along[building] * share[:, 1:]
        )
        return np.asarray(shapely.points(metres_to_lonlat(xy)), dtype=object)


def make_buildings(
    blocks: Blocks,
    linework: Linework,
    plane: CityPlane,
    roads: gpd.GeoDataFrame,
    area_codes: ObjectArray,
    scale: float,
    rng: np.random.Generator,
) -> tuple[Buildings, BoolArray]:
    """Fill blocks with buildings, the densest first, until the district has enough.

    Parameters
    ----------
    blocks, linework, plane
        The plane.
    roads
        With name and class, for the addresses.
    area_codes
        Code of the community of each block.
    scale
        Of the district.
    rng
        Source of randomness.

    Returns
    -------
    buildings : Buildings
    empty : ndarray of bool
        Which blocks have no building.
    """
    middle = shapely.get_coordinates(shapely.centroid(blocks.metres))
    dense = plane.density(middle)
    weights = dense[:, None] * _PATTERNS[:, 7] + (1 - dense)[:, None] * _PATTERNS[:, 8]
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    pattern = (rng.uniform(0, 1, (len(dense), 1)) > cumulative).sum(axis=1).clip(max=len(_PATTERNS) - 1)
    block, corner, across, along = _slots(blocks.metres, pattern)
    footprint, part = _footprints(pattern[block], corner, across, along, rng)
    fits = _footprint_fits(footprint, block, blocks, linework) & (rng.uniform(0, 1, len(block)) > 0.04)
    block, corner, across, along = block[fits], corner[fits], across[fits], along[fits]
    footprint, along = footprint[fits], along * part[fits, None]

    # A block is filled completely or stays green: gaps in every row would not look like a city.
    wish = dense + rng.normal(0, 0.22, len(dense))
    order = np.argsort(-wish[block], kind="stable")[: max(1, round(BUILDINGS * scale))]
    order = np.sort(order)
    block, footprint = block[order], footprint[order]
    corner, across, along = corner[order], across[order], along[order]
    kind = _PATTERNS[pattern[block]]
    floors = rng.integers(kind[:, 5].astype(int), kind[:, 6].astype(int) + 1)
    lonlat = shapely.transform(footprint, metres_to_lonlat)
    frame = gpd.GeoDataFrame(
        {
            "building_id": numbered_ids("B", len(block)),
            "address": _addresses(shapely.centroid(footprint), roads),
            "use": np.array(USES, dtype=object)[kind[:, 0].astype(int)],
            "floors": floors,
            "area_code": area_codes[block],
            "synthetic": True,
        },
        geometry=lonlat,
        crs=LONLAT,
    )
    empty = np.ones(len(blocks.faces), dtype=bool)
    empty[block] = False
    return Buildings(frame, corner, across, along, shapely.area(footprint) * floors), empty


def _slots(faces: Geometries, pattern: IntArray) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Lay out slots along the longer side of each block.

    Returns block, corner, side across and side along of each slot.
    """
    envelope = shapely.get_coordinates(shapely.oriented_envelope(faces)).reshape(len(faces), 5, 2)
    first, second = envelope[:, 1] - envelope[:, 0], envelope[:, 3] - envelope[:, 0]
    sizes = np.stack([np.hypot(*first.T), np.hypot(*second.T)], axis=1)
    swap = sizes[:, 0] < sizes[:, 1]
    first[swap], second[swap] = second[swap], first[swap].copy()
    sizes[swap] = sizes[swap][:, ::-1]
    origin = envelope[:, 0]
    dimensions = _PATTERNS[pattern]
    numbers = np.maximum(1, np.floor((sizes - 6.0) / dimensions[:, 3:5])).astype(int)
    total = numbers.prod(axis=1)
    block = np.repeat(np.arange(len(faces)), total)
    index = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    column, row = index % numbers[block, 0], index // numbers[block, 0]
    unit = np.stack([first / sizes[:, :1], second / sizes[:, 1:]], axis=1)
    # What remains is spread evenly, so that rows are centred in their block.
    pitch = sizes / numbers
    start = np.stack([column, row], axis=1) * pitch[block] + (pitch - dimensions[:, 1:3])[block] / 2
    corner = origin[block] + unit[block, 0] * start[:, :1] + unit[block, 1] * start[:, 1:]
    return (
        block,
        corner,
        unit[block, 0] * dimensions[block, 1, None],
        unit[block, 1] * dimensions[block, 2, None],
    )


def _footprints(
    pattern: IntArray, corner: FloatArray, across: FloatArray, along: FloatArray, rng: np.random.Generator
) -> tuple[Geometries, FloatArray]:
    """Return polygons, a part of them L-shaped, and the share of `along` that their full-width part fills."""
    count = len(corner)
    angled = (rng.uniform(0, 1, count) < np.where(pattern >= 4, 0.35, 0.12)) & (pattern != 3)
    cut = np.where(angled, rng.uniform(0.4, 0.65, count), 1.0)
    wing = np.where(angled, rng.uniform(0.35, 0.65, count), 0.5)
    corner_levels = np.array([(0, 0), (1, 0), (1, 2), (3, 2), (3, 1), (0, 1), (0, 0)])
    levels = np.stack([np.zeros(count), np.ones(count), cut, wing], axis=1)
    x, y = levels[:, corner_levels[:, 0]], levels[:, corner_levels[:, 1]]
    ring = corner[:, None] + across[:, None] * x[..., None] + along[:, None] * y[..., None]
    polygons = np.asarray(shapely.polygons(ring), dtype=object)
    corners = np.stack([corner, corner + across, corner + across + along, corner + along, corner], axis=1)
    square = np.asarray(shapely.polygons(corners), dtype=object)
    return np.where(angled, polygons, square), cut


def _footprint_fits(footprint: Geometries, block: IntArray, blocks: Blocks, linework: Linework) -> BoolArray:
    """Return which footprints lie inside their block, clear of roads, railway and water."""
    reach = np.zeros(len(CLASSES))
    for name, metres in _CLEARANCE.items():
        reach[CLASSES.index(name)] = metres
    reach[CLASSES.index("outline")] = 8.0
    shapely.prepare(blocks.metres)
    inside = shapely.contains_properly(blocks.metres[block], footprint)
    strips = shapely.buffer(to_metres(blocks.edges), reach[blocks.edge_kinds], quad_segs=3)
    hit = shapely.STRtree(strips).query(footprint, predicate="intersects")[0]
    inside[hit] = False
    shore = linework.river.buffer(14.0)
    shapely.prepare(shore)
    return np.asarray(inside & ~shapely.intersects(shore, footprint), dtype=bool)


def _addresses(points: Geometries, roads: gpd.GeoDataFrame) -> ObjectArray:
    """Return road and number: odd on the left of the nearest road, even on its right, none twice."""
    lines = to_metres(roads.geometry.to_numpy())
    _, nearest = shapely.STRtree(lines).query_nearest(points, all_matches=False)
    line = lines[nearest]
    along = shapely.line_locate_point(line, points)
    at = shapely.get_coordinates(shapely.line_interpolate_point(line, along))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, along + 1.0))
    offset, heading = shapely.get_coordinates(points) - at, ahead - at
    left = heading[:, 0] * offset[:, 1] - heading[:, 1] * offset[:, 0] > 0
    names = roads["name"].to_numpy(dtype=object)[nearest]
    _, road = np.unique(names.astype(str), return_inverse=True)
    lane = road.reshape(-1) * 2 + left
    order = np.lexsort((along, nearest, lane))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.searchsorted(lane[order], lane[order])
    number = 2 * rank + np.where(left, 1, 2)
    return np.asarray(names + np.array([f"{n}号" for n in number], dtype=object), dtype=object)
