"""Division into unit squares: a grid at multiples of a size, clipped to each lowest area."""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.codes import Layout
from gis.divide.cells import cells_frame, unite
from gis.divide.division_input import Ground, lowest_ground
from gis.divide.grid_lines import bend_m, corners, side_lines
from gis.divide.grid_squares import edges_of, occupancy, rows_among, unique_rows
from gis.divide.remnants import Borders, join_remnants
from gis.errors import InputError
from gis.faces.arrangement import Geometries, faces
from gis.faces.noding import steadying_cuts
from gis.graph import adjacency

MIN_SHARE = 0.25
MIN_SIZE_M = 1.0
MAX_SIZE_M = 100_000.0
MAX_SQUARES = 5_000_000

_STEPS = 5
_ATTEMPTS = 4


class _Pieces(NamedTuple):
    """Squares and parts of squares: polygons, positions of their areas, a location inside, column and row."""

    geometry: Geometries
    owner: NDArray[np.intp]
    spot: NDArray[np.float64]
    square: NDArray[np.int64]


def divide_square(
    areas: gpd.GeoDataFrame,
    *,
    size_m: float,
    min_share: float = MIN_SHARE,
    crs: CRS | None = None,
    used_codes: Collection[str] = frozenset(),
    layout: Layout = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Divide each lowest area into the squares of one grid, clipped to the area.

    The grid's lines lie at multiples of `size_m` in the working CRS, so that grids of different areas and
    runs match. A piece smaller than `min_share` of a square joins the neighbour in the same area with
    which it shares the longest border (see `gis.divide.remnants`); ground that touches the rest of its
    area in points only, such as an island, is a cell of its own however small. No cell has several parts.

    Parameters
    ----------
    areas
        Areas frame in EPSG:4326; those that are nobody's parent are divided. They may leave gaps (lakes,
        enclaves), but must not overlap, and neighbours share vertices.
    size_m
        Side of a square in metres, 1 to 100,000.
    min_share
        Share of a square, 0 to 1, below which a piece is a remnant.
    crs
        The working CRS; chosen from the extent when not given.
    used_codes
        Codes of ended cells, never given again.
    layout
        Layout of the codes, see `gis.codes.choose_layout`.
    progress
        Called with steps done and steps in all.

    Returns
    -------
    GeoDataFrame
        Cells frame in EPSG:4326: a valid coverage whose cells fill each area.

    Raises
    ------
    InputError
        If the size or share is out of range, the squares are too many, or an area is not a valid polygon.
    CoverageError
        If the areas overlap or leave vertices unmatched.
    CapacityError
        If an area gets more cells than its code's digits can number.
    """
    step = _stepper(progress)
    if not 0 <= min_share <= 1:
        raise InputError(f"The least share of a square must lie between 0 and 1, not {min_share:g}.")
    ground = lowest_ground(areas, crs)
    _check_size(ground, size_m)
    step(1)
    pieces = _pieces(ground, size_m)
    step(2)
    area_m2, least_m2 = shapely.area(pieces.geometry), min_share * size_m**2
    seed = join_remnants(area_m2, _borders(pieces, area_m2, least_m2), least_m2)
    step(3)
    cells, seeds = unite(pieces.geometry, seed)
    step(4)
    frame = cells_frame(
        ground,
        cells,
        pieces.owner[seeds],
        pieces.spot[seeds],
        -pieces.square[seeds, 1],
        kind="square",
        layout=layout,
        used=used_codes,
    )
    step(_STEPS)
    return frame


def _stepper(progress: Callable[[int, int], None] | None) -> Callable[[int], None]:
    def step(done: int) -> None:
        if progress is not None:
            progress(done, _STEPS)

    return step


def _check_size(ground: Ground, size_m: float) -> None:
    if not (math.isfinite(size_m) and MIN_SIZE_M <= size_m <= MAX_SIZE_M):
        raise InputError(
            f"The size of a square must be {MIN_SIZE_M:g} to {MAX_SIZE_M:,.0f} metres, not {size_m:g}."
        )
    area, border = shapely.area(ground.geometry).sum(), shapely.length(ground.geometry).sum()
    squares = area / size_m**2 + border / size_m
    if squares > MAX_SQUARES:
        raise InputError(
            f"Squares of {size_m:g} m would be about {squares:,.0f}, more than {MAX_SQUARES:,}; "
            "choose a larger size or divide a part of the areas."
        )


def _pieces(ground: Ground, size_m: float) -> _Pieces:
    """Cut the areas into squares and parts of squares."""
    edges = edges_of(ground.geometry)
    tolerance = bend_m(shapely.total_bounds(ground.geometry), size_m, ground.crs)
    squares = occupancy(edges, size_m, tolerance)
    lines = side_lines(squares.border, edges.start, size_m, tolerance)
    rim = _rim(ground, squares.border, np.concatenate([ground.geometry, lines]), size_m)
    # A long edge of an area that a square's side cuts in two no longer bends as one on the way to degrees.
    for _ in range(_ATTEMPTS):
        cuts = steadying_cuts(rim.geometry, ground.crs)
        if cuts is None:
            break
        lines = np.concatenate([lines, cuts])
        rim = _rim(ground, squares.border, np.concatenate([ground.geometry, lines]), size_m)
    west, south = corners(squares.inner[:, 0], size_m), corners(squares.inner[:, 1], size_m)
    east, north = corners(squares.inner[:, 0] + 1, size_m), corners(squares.inner[:, 1] + 1, size_m)
    pieces = _Pieces(
        np.concatenate([rim.geometry, shapely.box(west, south, east, north)], dtype=object),
        np.concatenate([rim.owner, squares.owner]),
        np.concatenate([rim.spot, np.column_stack([(west + east) / 2, (south + north) / 2])]),
        np.concatenate([rim.square, squares.inner]),
    )
    # One order whatever the order of the linework, so that ties fall the same way in every run.
    x, y = pieces.spot.T
    column, row = pieces.square.T
    order = np.lexsort((-y, x, column, -row, pieces.owner))
    return _Pieces(pieces.geometry[order], pieces.owner[order], pieces.spot[order], pieces.square[order])


def _rim(ground: Ground, border: NDArray[np.int64], lines: Geometries, size_m: float) -> _Pieces:
    """Cut the border squares along lines into the pieces of each area."""
    cut = faces(lines)
    inside = shapely.point_on_surface(cut)
    area, face = shapely.STRtree(inside).query(ground.geometry, predicate="intersects")
    spot = shapely.get_coordinates(inside)
    owner = np.full(len(cut), len(ground.code))
    np.minimum.at(owner, face, area)
    square = np.floor(spot / size_m).astype(np.int64)
    # Faces away from the border squares are blocks of inner squares, which are made one by one instead.
    kept = (owner < len(ground.code)) & rows_among(square, border)
    return _Pieces(cut[kept], owner[kept], spot[kept], square[kept])


def _borders(pieces: _Pieces, area_m2: NDArray[np.float64], least_m2: float) -> Borders:
    """Measure the borders that matter to remnants: inside one area, in their squares and those around."""
    steps = np.array([(column, row) for column in (-1, 0, 1) for row in (-1, 0, 1)])
    small = unique_rows(pieces.square[area_m2 < least_m2])
    around = unique_rows((small[:, None, :] + steps).reshape(-1, 2))
    near = np.flatnonzero(rows_among(pieces.square, around))
    first, second, length_m = adjacency(pieces.geometry[near], tolerance=0)
    first, second = near[first], near[second]
    same = pieces.owner[first] == pieces.owner[second]
    return first[same], second[same], length_m[same]
