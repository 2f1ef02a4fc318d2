"""The plane of the sample district: its location, the warp of its street pattern, and its density."""

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis.arrays import FloatArray, Geometries
from gis.crs import LONLAT, working_crs_for_bounds

ORIGIN = (114.2, 23.2)
"""Longitude and latitude of the district's middle: a plain in Guangdong, inside one Gauss-Kruger zone."""

AREA_M2 = 25e6
"""Area of the district at scale 1."""

DECIMALS = 7
"""Decimals of a degree to which stored vertices are rounded, about a centimetre."""


@dataclass(frozen=True)
class CityPlane:
    """The plane on which a district is drawn, in metres about its middle.

    Attributes
    ----------
    radius
        The radius of a circle with the district's area, metres.
    rotation
        The rotation of the street pattern against the axes, radians.
    waves
        Shape (n, 5): wave vector (2), displacement (2) and phase of each warping wave.
    centres
        Shape (n, 4): x, y, reach in metres and strength of each urban centre.
    """

    radius: float
    rotation: float
    waves: FloatArray
    centres: FloatArray

    def warp(self, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return the metres (..., 2) of street pattern coordinates, warped like old roads."""
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        plain = np.stack([cos * u - sin * v, sin * u + cos * v], axis=-1)
        bent = plain.copy()
        for kx, ky, dx, dy, phase in self.waves:
            swing = np.sin(kx * plain[..., 0] + ky * plain[..., 1] + phase)
            bent[..., 0] += dx * swing
            bent[..., 1] += dy * swing
        return bent

    def density(self, xy: FloatArray) -> FloatArray:
        """Return how urban each location (..., 2) is, 0 to about 1."""
        x, y = xy[..., 0], xy[..., 1]
        total = np.zeros(np.shape(x))
        for cx, cy, reach, strength in self.centres:
            total += strength * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / reach**2)
        return np.minimum(total, 1.0)


def make_city_plane(rng: np.random.Generator, scale: float) -> CityPlane:
    """Draw a random plane for a district of `scale` times 25 km²."""
    radius = float(np.sqrt(AREA_M2 * scale / np.pi))
    count = 5
    length = rng.uniform(1600.0, 4200.0, count)
    heading = rng.uniform(0, 2 * np.pi, count)
    push = rng.uniform(0, 2 * np.pi, count)
    amplitude = 0.032 * length
    waves = np.column_stack(
        [
            2 * np.pi / length * np.cos(heading),
            2 * np.pi / length * np.sin(heading),
            amplitude * np.cos(push),
            amplitude * np.sin(push),
            rng.uniform(0, 2 * np.pi, count),
        ]
    )
    centres = radius * np.array(
        [(0.08, -0.12, 0.62, 1.0), (-0.55, 0.38, 0.33, 0.6), (0.52, 0.5, 0.3, 0.5), (-0.3, -0.62, 0.28, 0.45)]
    )
    centres[:, :2] += rng.normal(0, 0.05 * radius, (4, 2))
    centres[:, 3] /= radius
    return CityPlane(radius, float(rng.uniform(0.12, 0.3)), waves, centres)


def district_crs() -> CRS:
    """Return the working CRS of the sample district."""
    return working_crs_for_bounds((*ORIGIN, *ORIGIN))


_FORWARD = Transformer.from_crs(LONLAT, district_crs(), always_xy=True)
_MIDDLE = np.array(_FORWARD.transform(*ORIGIN))


def metres_to_lonlat(xy: FloatArray) -> FloatArray:
    """Return longitude, latitude (n, 2), rounded as stored, of metres (n, 2) about the middle."""
    lon, lat = _FORWARD.transform(xy[:, 0] + _MIDDLE[0], xy[:, 1] + _MIDDLE[1], direction="INVERSE")
    return np.round(np.column_stack([lon, lat]), DECIMALS)


def lonlat_to_metres(lonlat: FloatArray) -> FloatArray:
    """Return metres (n, 2) about the middle of longitude, latitude (n, 2)."""
    x, y = _FORWARD.transform(lonlat[:, 0], lonlat[:, 1])
    return np.column_stack([x - _MIDDLE[0], y - _MIDDLE[1]]).astype(float)


def to_lonlat(geometries: Geometries) -> Geometries:
    """Return geometries in metres about the middle as longitude, latitude, vertices rounded as stored."""
    return np.asarray(shapely.transform(geometries, metres_to_lonlat), dtype=object)


def to_metres(geometries: Geometries) -> Geometries:
    """Return longitude, latitude geometries in metres about the middle."""
    return np.asarray(shapely.transform(geometries, lonlat_to_metres), dtype=object)
