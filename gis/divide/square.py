"""Division into unit squares: a grid at multiples of a size, clipped to each lowest area."""

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, IntArray
from gis.codes import CodeLayout, choose_profile
from gis.divide.cells import build_cells_frame, dissolve_pieces
from gis.divide.division_input import DivisionInput, read_division_input
from gis.divide.grid_lines import grid_coordinates, max_sag_m, side_lines
from gis.divide.grid_squares import classify_squares, isin_rows, polygon_edges, unique_rows
from gis.divide.remnants import merge_remnants
from gis.errors import InputError, ParameterError
from gis.faces.arrangement import build_faces
from gis.faces.noding import noding_cuts
from gis.graph import NeighbourGraph, find_shared_borders
from gis.profiles import Profile
from gis.progress import Note, no_note

DEFAULT_MIN_SHARE = 0.25
MIN_SIZE_M = 1.0
MAX_SIZE_M = 100_000.0
MAX_SQUARES = 5_000_000

_STEPS = 5
_ATTEMPTS = 4


class _Pieces(NamedTuple):
    """Squares and parts of squares: polygons, positions of their areas, a point inside, column and row."""

    geometry: Geometries
    area_index: NDArray[np.intp]
    representative_point: FloatArray
    square: IntArray


def divide_square(
    areas: gpd.GeoDataFrame,
    *,
    size_m: float,
    min_share: float = DEFAULT_MIN_SHARE,
    crs: CRS | None = None,
    used_codes: Collection[str] = frozenset(),
    layout: CodeLayout = "auto",
    note: Note = no_note,
    profile: Profile | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> gpd.GeoDataFrame:
    """Divide each lowest area into the squares of one grid, clipped to the area.

    The grid's lines lie at multiples of `size_m` in the working CRS, so that grids of different areas and
    runs match. A piece smaller than `min_share` of a square joins the neighbour in the same area with
    which it shares the longest border (see `gis.divide.remnants`); ground that touches the rest of its
    area in points only, such as an island, is a cell of its own, however small. No cell has several parts.

    Parameters
    ----------
    areas
        Areas frame in EPSG:4326; those that are no parent of another are divided. They may leave gaps (lakes,
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
        Layout of the codes, see `gis.codes.choose_code_layout`.
    note
        Told of narrow ground between areas, which no cell will cover.
    profile
        The profile that codes follow instead of a layout.
    progress
        Called with steps done and steps in all.

    Returns
    -------
    GeoDataFrame
        Cells frame in EPSG:4326: a valid coverage whose cells fill each area.

    Raises
    ------
    InputError
        If the size or share is out of range, the squares are too many, an area is not a valid polygon, or its
        code does not fit the profile.
    CoverageError
        If the areas overlap or leave vertices unmatched.
    CapacityError
        If an area gets more cells than its code's digits can number.
    """
    step = _step_reporter(progress)
    if not 0 <= min_share <= 1:
        raise ParameterError(f"The least share of a square must lie between 0 and 1, not {min_share:g}.")
    division_input = read_division_input(areas, crs, note)
    choose_profile(division_input.code, in_china=division_input.in_china, layout=layout, profile=profile)
    _check_size(division_input, size_m)
    step(1)
    pieces = _cut_into_pieces(division_input, size_m)
    step(2)
    area_m2, min_area_m2 = shapely.area(pieces.geometry), min_share * size_m**2
    seed = merge_remnants(area_m2, _remnant_borders(pieces, area_m2, min_area_m2), min_area_m2)
    step(3)
    cells, seeds = dissolve_pieces(pieces.geometry, seed)
    step(4)
    frame = build_cells_frame(
        division_input,
        cells,
        pieces.area_index[seeds],
        pieces.representative_point[seeds],
        -pieces.square[seeds, 1],
        kind="square",
        layout=layout,
        profile=profile,
        used_codes=used_codes,
    )
    step(_STEPS)
    return frame


def _step_reporter(progress: Callable[[int, int], None] | None) -> Callable[[int], None]:
    def step(done: int) -> None:
        if progress is not None:
            progress(done, _STEPS)

    return step


def _check_size(division_input: DivisionInput, size_m: float) -> None:
    if not (math.isfinite(size_m) and MIN_SIZE_M <= size_m <= MAX_SIZE_M):
        raise ParameterError(
            f"The size of a square must be {MIN_SIZE_M:g} to {MAX_SIZE_M:,.0f} metres, not {size_m:g}."
        )
    area, border = shapely.area(division_input.geometry).sum(), shapely.length(division_input.geometry).sum()
    squares = area / size_m**2 + border / size_m
    if squares > MAX_SQUARES:
        raise InputError(
            f"Squares of {size_m:g} m would be about {squares:,.0f}, more than {MAX_SQUARES:,}; "
            "choose a larger size or divide a part of the areas."
        )


def _cut_into_pieces(division_input: DivisionInput, size_m: float) -> _Pieces:
    """Cut the areas into squares and parts of squares."""
    edges = polygon_edges(division_input.geometry)
    tolerance = max_sag_m(shapely.total_bounds(division_input.geometry), size_m, division_input.crs)
    squares = classify_squares(edges, size_m, tolerance)
    lines = side_lines(squares.border, edges.start, size_m, tolerance)
    border_pieces = _cut_border_squares(
        division_input, squares.border, np.concatenate([division_input.geometry, lines]), size_m
    )
    # A long edge of an area that a square's side cuts in two no longer bends as one edge in degrees.
    for _ in range(_ATTEMPTS):
        cuts = noding_cuts(border_pieces.geometry, division_input.crs)
        if cuts is None:
            break
        lines = np.concatenate([lines, cuts])
        border_pieces = _cut_border_squares(
            division_input, squares.border, np.concatenate([division_input.geometry, lines]), size_m
        )
    west, south = grid_coordinates(squares.inner[:, 0], size_m), grid_coordinates(squares.inner[:, 1], size_m)
    east, north = (
        grid_coordinates(squares.inner[:, 0] + 1, size_m),
        grid_coordinates(squares.inner[:, 1] + 1, size_m),
    )
    pieces = _Pieces(
        np.concatenate([border_pieces.geometry, shapely.box(west, south, east, north)], dtype=object),
        np.concatenate([border_pieces.area_index, squares.polygon_index]),
        np.concatenate(
            [border_pieces.representative_point, np.column_stack([(west + east) / 2, (south + north) / 2])]
        ),
        np.concatenate([border_pieces.square, squares.inner]),
    )
    # An order that does not depend on that of the linework, so that ties are decided the same way in every
    # run.
    x, y = pieces.representative_point.T
    column, row = pieces.square.T
    order = np.lexsort((-y, x, column, -row, pieces.area_index))
    return _Pieces(
        pieces.geometry[order],
        pieces.area_index[order],
        pieces.representative_point[order],
        pieces.square[order],
    )


def _cut_border_squares(
    division_input: DivisionInput, border: IntArray, lines: Geometries, size_m: float
) -> _Pieces:
    """Cut the border squares along lines into the pieces of each area."""
    faces = build_faces(lines)
    points = shapely.point_on_surface(faces)
    area, face = shapely.STRtree(points).query(division_input.geometry, predicate="intersects")
    representative_point = shapely.get_coordinates(points)
    area_index = np.full(len(faces), len(division_input.code))
    np.minimum.at(area_index, face, area)
    square = np.floor(representative_point / size_m).astype(np.int64)
    # Faces away from the border squares are blocks of inner squares, which are built one by one instead.
    kept = (area_index < len(division_input.code)) & isin_rows(square, border)
    return _Pieces(faces[kept], area_index[kept], representative_point[kept], square[kept])


def _remnant_borders(pieces: _Pieces, area_m2: FloatArray, min_area_m2: float) -> NeighbourGraph:
    """Measure the borders that matter to remnants: inside one area, in their squares and those around."""
    steps = np.array([(column, row) for column in (-1, 0, 1) for row in (-1, 0, 1)])
    small = unique_rows(pieces.square[area_m2 < min_area_m2])
    nearby_squares = unique_rows((small[:, None, :] + steps).reshape(-1, 2))
    near = np.flatnonzero(isin_rows(pieces.square, nearby_squares))
    first, second, length_m = find_shared_borders(pieces.geometry[near], tolerance=0)
    first, second = near[first], near[second]
    same = pieces.area_index[first] == pieces.area_index[second]
    return NeighbourGraph.from_pairs(len(area_m2), first[same], second[same], length_m[same])
