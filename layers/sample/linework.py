"""The lines from which the sample district is cut: outline, lake, river, railway and roads, in metres.

Every line is drawn once and freely crosses the others; `layers.sample.blocks` nodes them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries
from layers.sample.city_plane import CityPlane

STEP_M = 22.0
"""Distance between the vertices of a line: a border of 300 m keeps some 15 of them."""

CLASSES = ("outline", "lake", "river", "railway", "main", "secondary", "lane")
"""Classes of lines; where two coincide the first one counts."""


@dataclass(frozen=True)
class Linework:
    """The lines of a district and its water, in metres about its centre.

    Attributes
    ----------
    lines
        LineStrings; closed for the outline and the lake.
    kinds
        Index into `CLASSES` of each line.
    roads
        Number of the road a line is a piece of, -1 where it is none.
    outline, lake, river
        Polygons.
    """

    lines: Geometries
    kinds: np.ndarray[tuple[int], np.dtype[np.int64]]
    roads: np.ndarray[tuple[int], np.dtype[np.int64]]
    outline: shapely.Polygon
    lake: shapely.Polygon
    river: shapely.Polygon


def _add_noise(
    points: FloatArray, amplitude: FloatArray | float, rng: np.random.Generator, *, closed: bool = False
) -> FloatArray:
    """Displace points (n, 2) sideways by fractal noise of about `amplitude` metres."""
    n = len(points)
    noise = np.zeros(n)
    position = np.arange(n, dtype=float)
    for octave, spacing in enumerate((16.0, 8.0, 4.0, 2.0)):
        knots = int(np.ceil(n / spacing)) + 2
        values = rng.normal(0, 0.55**octave, knots)
        if closed:
            values[-2:] = values[:2]
            at = position * (knots - 2) / n
        else:
            at = position / spacing
        noise += np.interp(at, np.arange(knots), values)
    if closed:
        direction = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    else:
        direction = np.gradient(points, axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)[:, None]
    normal = np.column_stack([-direction[:, 1], direction[:, 0]])
    return np.asarray(points + normal * (noise * amplitude)[:, None], dtype=float)


def _ring(radius: FloatArray, angles: FloatArray, middle: FloatArray) -> FloatArray:
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles)]) + middle


def _irregular_polygon(
    rng: np.random.Generator, area: float, middle: FloatArray, roughness: float, wiggle: float
) -> shapely.Polygon:
    """Draw a natural outline of the given area."""
    radius = np.sqrt(area / np.pi)
    count = max(40, int(2 * np.pi * radius / STEP_M))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radii = np.ones(count)
    for wave in range(2, 9):
        radii += roughness / wave**0.9 * rng.normal() * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    radii = np.clip(radii, 0.6, 1.5)
    for _ in range(8):
        polygon = shapely.Polygon(_add_noise(_ring(radius * radii, angles, middle), wiggle, rng, closed=True))
        if polygon.is_valid:
            break
        wiggle *= 0.5
    else:
        polygon = shapely.Polygon(_ring(radius * radii, angles, middle))
    factor = float(np.sqrt(area / polygon.area))
    return shapely.affinity.scale(polygon, factor, factor, origin=tuple(middle))


def _smooth_course(
    plane: CityPlane, start: float, end: float, bend: float, rng: np.random.Generator
) -> FloatArray:
    """Draw a smooth course across the district between two bearings (radians)."""
    reach = 1.6 * plane.radius
    a, b = (reach * np.array([np.cos(t), np.sin(t)]) for t in (start, end))
    count = int(np.hypot(*(b - a)) / STEP_M)
    t = np.linspace(0, 1, count)
    across = np.array([-(b - a)[1], (b - a)[0]]) / np.hypot(*(b - a))
    sway = bend * plane.radius * np.sin(np.pi * t)
    for wave in (2, 3, 5):
        sway += bend * plane.radius * 0.3 / wave * rng.normal() * np.sin(wave * np.pi * t + rng.uniform(0, 6))
    return np.asarray(a + (b - a) * t[:, None] + across * sway[:, None], dtype=float)


def _river(plane: CityPlane, rng: np.random.Generator) -> tuple[FloatArray, shapely.Polygon]:
    """Draw the river's centre line and its water: meanders some 1.5 km long, 45 to 85 m wide."""
    course = _smooth_course(plane, 2.75, -0.35, 0.16, rng)
    along = np.arange(len(course)) * STEP_M
    direction = np.gradient(course, axis=0)
    direction /= np.hypot(direction[:, 0], direction[:, 1])[:, None]
    meander = 95 * np.sin(2 * np.pi * along / 1500 + rng.uniform(0, 6))
    meander += 38 * np.sin(2 * np.pi * along / 640 + rng.uniform(0, 6))
    course = course + np.column_stack([-direction[:, 1], direction[:, 0]]) * meander[:, None]
    half = 32 + 7 * np.sin(2 * np.pi * along / 1900 + rng.uniform(0, 6)) + 3 * np.sin(2 * np.pi * along / 330)
    discs = shapely.buffer(shapely.points(course), half, quad_segs=6)
    pieces = shapely.convex_hull(shapely.union(discs[:-1], discs[1:]))
    water = shapely.union_all(pieces)
    if not isinstance(water, shapely.Polygon):
        raise TypeError("the river's discs do not hang together")
    return course, water


def _main_road_positions(reach: float, spacing: float, centre: float, rng: np.random.Generator) -> FloatArray:
    """Return positions of main roads from -reach to reach, closer together about `centre`."""
    found = [centre + rng.uniform(-0.15, 0.15) * spacing]
    for sign in (1.0, -1.0):
        at = found[0]
        while abs(at) < reach:
            far = min(abs(at - centre) / max(reach, 1.0), 1.0)
            at += sign * spacing * (0.85 + 0.5 * far) * rng.uniform(0.85, 1.15)
            found.append(at)
    return np.sort(np.array(found))


def _subdivide(bounds: FloatArray, parts: int, rng: np.random.Generator) -> FloatArray:
    """Return positions that split each interval into about `parts`, without its bounds."""
    inner: list[FloatArray] = []
    for low, high in pairwise(bounds):
        count = max(1, parts + int(rng.integers(-1, 2)) if high - low > 200 else parts)
        share = np.arange(1, count) / count + rng.uniform(-0.08, 0.08, count - 1) / count
        inner.append(low + (high - low) * share)
    return np.concatenate(inner) if inner else np.empty(0)


class _RoadBuilder:
    """Collects road pieces drawn in street pattern coordinates."""

    def __init__(self, plane: CityPlane, rng: np.random.Generator) -> None:
        self.plane, self.rng = plane, rng
        self.lines: list[FloatArray] = []
        self.kinds: list[int] = []
        self.numbers: list[int] = []
        self.count = 0

    def draw_piece(
        self, axis: int, at: float, low: float, high: float, kind: str, road: int, shift: float
    ) -> None:
        """Draw the piece where coordinate `axis` is `at` and the other runs from low to high."""
        along = np.linspace(low, high, max(3, int((high - low) / STEP_M) + 1))
        # A shift that starts at zero keeps the ends of neighbouring pieces of one road together.
        across = np.full(len(along), at) + shift * np.sin(np.pi * (along - low) / (high - low))
        points = self.plane.warp(across, along) if axis == 0 else self.plane.warp(along, across)
        if kind != "main":
            rural = 1.1 - self.plane.density(points)
            points = _add_noise(points, (13.0 if kind == "lane" else 10.0) * rural, self.rng)
        self.lines.append(points)
        self.kinds.append(CLASSES.index(kind))
        self.numbers.append(road)

    def draw_broken_lines(self, axis: int, positions: FloatArray, cross: FloatArray, kind: str) -> None:
        """Draw lines at `positions` piece by piece between `cross` lines, leaving some pieces out."""
        for at in positions:
            road = self.count
            self.count += 1
            run = -1
            for low, high in pairwise(cross):
                middle = (low + high) / 2
                where = self.plane.warp(
                    *(np.array([v]) for v in ((at, middle) if axis == 0 else (middle, at)))
                )
                if np.hypot(*where[0]) > 1.5 * self.plane.radius:
                    continue
                dense = float(self.plane.density(where)[0])
                keep = 0.72 + 0.25 * dense if kind == "secondary" else 0.55 + 0.38 * dense
                if self.rng.uniform() > keep:
                    run = -1
                    continue
                if kind == "lane" and run < 0:
                    road, run = self.count, 0
                    self.count += 1
                offset = self.rng.normal(0, 10.0) if kind == "lane" else 0.0
                self.draw_piece(
                    axis, at + offset, low - 14.0, high + 14.0, kind, road, self.rng.normal(0, 8.0)
                )


def _draw_roads(plane: CityPlane, rng: np.random.Generator) -> _RoadBuilder:
    roads = _RoadBuilder(plane, rng)
    reach = 1.55 * plane.radius
    mains = [_main_road_positions(reach, spacing, 0.05 * plane.radius, rng) for spacing in (880.0, 780.0)]
    seconds = [_subdivide(main, 3, rng) for main in mains]
    grids = [np.sort(np.concatenate(pair)) for pair in zip(mains, seconds, strict=True)]
    lanes = [_subdivide(grid, 2, rng) for grid in grids]
    for axis in (0, 1):
        for at in mains[axis]:
            roads.draw_piece(axis, at, -reach, reach, "main", roads.count, 0.0)
            roads.count += 1
    for axis in (0, 1):
        roads.draw_broken_lines(axis, seconds[axis], mains[1 - axis], "secondary")
    for axis in (0, 1):
        roads.draw_broken_lines(axis, lanes[axis], grids[1 - axis], "lane")
    return roads


def draw_linework(plane: CityPlane, rng: np.random.Generator) -> Linework:
    """Draw all lines of the district.

    Parameters
    ----------
    plane
        The plane to draw on.
    rng
        Source of randomness.

    Returns
    -------
    Linework
        In metres about the middle. The lake lies inside the outline and clear of the river; the district
        leaves it out.
    """
    area = np.pi * plane.radius**2
    lake_area = 0.0065 * area
    outline = _irregular_polygon(rng, area + lake_area, np.zeros(2), 0.2, 13.0)
    course, river = _river(plane, rng)
    rail = _smooth_course(plane, 1.15, 4.25, -0.22, rng)
    water_free = shapely.union_all([river, shapely.LineString(rail)]).buffer(0.15 * plane.radius)
    away = outline.buffer(-0.2 * plane.radius).difference(water_free)
    candidates = plane.radius * rng.uniform(-0.8, 0.8, (60, 2))
    free = shapely.contains_xy(away, candidates[:, 0], candidates[:, 1])
    lake_centre = candidates[free][np.argmin(plane.density(candidates[free]))] if free.any() else np.zeros(2)
    lake = _irregular_polygon(rng, lake_area, lake_centre, 0.3, min(7.0, 0.01 * plane.radius))
    roads = _draw_roads(plane, rng)
    lines = [outline.exterior, lake.exterior, shapely.LineString(course), shapely.LineString(rail)]
    lines += [shapely.LineString(points) for points in roads.lines]
    lines[:2] = [shapely.LineString(ring.coords) for ring in lines[:2]]
    return Linework(
        lines=np.array(lines, dtype=object),
        kinds=np.array([0, 1, 2, 3, *roads.kinds]),
        roads=np.array([-1, -1, -1, -1, *roads.numbers]),
        outline=outline,
        lake=lake,
        river=river,
    )
