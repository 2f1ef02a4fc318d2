"""Division into unit squares: a grid at multiples of a size, clipped to each lowest area.

It decides which faces of the arrangement become which cell; lines, remnants, frame and codes have
modules of their own.
"""

import math
from collections.abc import Callable, Collection

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.adjacency import adjacency
from gis.arrangement import Geometries, faces
from gis.codes import Layout
from gis.divide.cells import cells_frame, unite
from gis.divide.ground import Ground, lowest_ground
from gis.divide.lattice import grid_lines
from gis.divide.remnants import Borders, join_remnants
from gis.errors import InputError

MIN_SHARE = 0.25
MIN_SIZE_M = 1.0
MAX_SQUARES = 5_000_000

_STEPS = 5


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
        Side of a square in metres, at least 1.
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
    pieces = faces(np.concatenate([ground.geometry, grid_lines(ground.geometry, size_m, ground.crs)]))
    step(2)
    pieces, owner, spot, row = _sorted_pieces(ground, pieces, size_m)
    step(3)
    seed = join_remnants(shapely.area(pieces), _inside_areas(pieces, owner), min_share * size_m**2)
    cells, seeds = unite(pieces, seed)
    step(4)
    frame = cells_frame(
        ground, cells, owner[seeds], spot[seeds], row[seeds], kind="square", layout=layout, used=used_codes
    )
    step(_STEPS)
    return frame


def _stepper(progress: Callable[[int, int], None] | None) -> Callable[[int], None]:
    def step(done: int) -> None:
        if progress is not None:
            progress(done, _STEPS)

    return step


def _check_size(ground: Ground, size_m: float) -> None:
    if not (math.isfinite(size_m) and size_m >= MIN_SIZE_M):
        raise InputError(
            f"The size of a square must be a number of metres of at least {MIN_SIZE_M:g}, not {size_m:g}."
        )
    area, border = shapely.area(ground.geometry).sum(), shapely.length(ground.geometry).sum()
    squares = area / size_m**2 + border / size_m
    if squares > MAX_SQUARES:
        raise InputError(
            f"Squares of {size_m:g} m would be about {squares:,.0f}, more than {MAX_SQUARES:,}; "
            "choose a larger size or divide a part of the areas."
        )


def _sorted_pieces(
    ground: Ground, pieces: Geometries, size_m: float
) -> tuple[Geometries, NDArray[np.intp], NDArray[np.float64], NDArray[np.int64]]:
    """Keep the faces that lie in an area, sorted by area, row and column.

    Returns the faces, the positions of their areas, a location inside each, and their rows.
    """
    inside = shapely.point_on_surface(pieces)
    area, face = shapely.STRtree(inside).query(ground.geometry, predicate="intersects")
    owner = np.full(len(pieces), len(ground.code))
    np.minimum.at(owner, face, area)
    spot = shapely.get_coordinates(inside)
    column, row = np.floor(spot[:, 0] / size_m), -np.floor(spot[:, 1] / size_m)
    # One order whatever the order of the linework, so that ties fall the same way in every run.
    order = np.lexsort((-spot[:, 1], spot[:, 0], column, row, owner))
    order = order[owner[order] < len(ground.code)]
    return pieces[order], owner[order], spot[order], row[order].astype(np.int64)


def _inside_areas(pieces: Geometries, owner: NDArray[np.intp]) -> Borders:
    first, second, length_m = adjacency(pieces, tolerance=0)
    same = owner[first] == owner[second]
    return first[same], second[same], length_m[same]
