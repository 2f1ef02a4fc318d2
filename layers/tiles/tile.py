"""A tile: its address z/x/y, its extent in Web Mercator, and its grid of units."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gis.arrays import FloatArray
from gis.errors import InputError

EXTENT = 4096
"""Units along a tile's side."""

BUFFER = 64
"""Units drawn beyond each side, so that the strokes of neighbouring tiles meet."""

MAX_ZOOM = 22
"""The highest zoom that has an address."""

MAX_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))
"""Degrees of latitude at which the square of Web Mercator ends."""

_RADIUS = 6_378_137.0
HALF_WORLD_M = math.pi * _RADIUS
"""Metres of Web Mercator from the centre of the world to its edge."""

BBox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: zoom, column from the west, row from the north.

    Raises
    ------
    InputError
        If there is no such tile.
    """

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not 0 <= self.z <= MAX_ZOOM:
            raise InputError(f"Zoom {self.z} is not between 0 and {MAX_ZOOM}.")
        if not (0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            raise InputError(f"There is no tile {self.x}/{self.y} at zoom {self.z}.")

    @property
    def origin(self) -> tuple[int, int]:
        """The tile's north-western corner in units of its zoom, y to the south."""
        return self.x * EXTENT, self.y * EXTENT

    @property
    def buffered_extent(self) -> tuple[int, int, int, int]:
        """Min x, y, max x, y of the tile with its buffer, in units of its zoom."""
        column, row = self.origin
        return column - BUFFER, row - BUFFER, column + EXTENT + BUFFER, row + EXTENT + BUFFER

    @property
    def xy_bounds(self) -> BBox:
        """West, south, east, north in metres of Web Mercator, without the buffer."""
        return self.buffered_xy_bounds(0)

    def buffered_xy_bounds(self, buffer: int = BUFFER) -> BBox:
        """Return west, south, east, north in metres of Web Mercator, `buffer` units beyond each side."""
        size = unit_size(self.z)
        column, row = self.origin
        return (
            (column - buffer) * size - HALF_WORLD_M,
            HALF_WORLD_M - (row + EXTENT + buffer) * size,
            (column + EXTENT + buffer) * size - HALF_WORLD_M,
            HALF_WORLD_M - (row - buffer) * size,
        )


def unit_size(zoom: int) -> float:
    """Return the metres of Web Mercator in one unit of a zoom's tiles."""
    return math.ldexp(2.0 * HALF_WORLD_M / EXTENT, -zoom)


def project(lonlat: FloatArray) -> FloatArray:
    """Project coordinates of shape (n, 2) from EPSG:4326 to Web Mercator (EPSG:3857) in metres.

    Latitudes beyond the edge of the square are moved to it. The formula is in EPSG Guidance Note 7-2, 1024.
    """
    limits = np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE)
    return np.column_stack(
        (_RADIUS * np.radians(lonlat[:, 0]), _RADIUS * np.arctanh(np.sin(np.radians(limits))))
    )


def tiles_intersecting(bounds: BBox, zoom: int, buffer: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a zoom that touch a closed box, row by row from the north-west.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees of EPSG:4326.
    zoom
        The zoom.
    buffer
        Units by which each tile reaches beyond its sides.

    Raises
    ------
    InputError
        If the box is invalid or the zoom has no tiles.
    """
    west, south, east, north = bounds
    if not (np.isfinite(bounds).all() and west <= east and south <= north):
        raise InputError("A box is west, south, east, north in degrees, the smaller ones first.")
    last = Tile(zoom, 0, 0) and (1 << zoom) - 1
    corners = project(np.array([[west, north], [east, south]]))
    side = EXTENT * unit_size(zoom)
    margin = buffer / EXTENT
    left, right = ((corners[:, 0] + HALF_WORLD_M) / side).tolist()
    top, bottom = ((HALF_WORLD_M - corners[:, 1]) / side).tolist()
    # A box that ends on the border of two tiles touches both.
    columns = range(max(0, math.ceil(left - margin) - 1), min(last, math.floor(right + margin)) + 1)
    rows = range(max(0, math.ceil(top - margin) - 1), min(last, math.floor(bottom + margin)) + 1)
    for row in rows:
        for column in columns:
            yield Tile(zoom, column, row)
