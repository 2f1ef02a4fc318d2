"""Division into blocks: what streets, railways, rivers and the areas' own borders enclose."""

import math
from collections.abc import Collection
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, Geometries, IntArray
from gis.codes import CodeLayout
from gis.divide.block_faces import cut_areas, inner_points, make_sound
from gis.divide.block_lines import BlockLines, close_dead_ends, read_block_lines
from gis.divide.block_slivers import join_slivers
from gis.divide.cells import build_cells_frame, dissolve_pieces
from gis.divide.division_input import DivisionInput, read_division_input
from gis.errors import ParameterError
from gis.progress import Note, Progress, no_note, no_progress

DEFAULT_TARGET_AREA_M2 = 10_000.0
DEFAULT_MIN_WIDTH_M = 12.0
DEFAULT_SNAP_M = 0.5

_STEPS = 6


class BlockDivision(NamedTuple):
    """What a division into blocks gives.

    Attributes
    ----------
    cells
        Cells frame in EPSG:4326 of kind "block": a valid coverage whose cells fill each area.
    cut
        Records of `keep` that do not lie in one cell, in EPSG:4326, with their fields and the column
        `reason`.
    """

    cells: gpd.GeoDataFrame
    cut: gpd.GeoDataFrame


def divide_blocks(
    areas: gpd.GeoDataFrame,
    lines: gpd.GeoDataFrame,
    *,
    barriers: gpd.GeoDataFrame | None = None,
    keep: gpd.GeoDataFrame | None = None,
    target_area_m2: float | None = DEFAULT_TARGET_AREA_M2,
    min_width_m: float = DEFAULT_MIN_WIDTH_M,
    snap_m: float = DEFAULT_SNAP_M,
    crs: CRS | None = None,
    used_codes: Collection[str] = frozenset(),
    layout: CodeLayout = "auto",
    note: Note | None = None,
    progress: Progress | None = None,
) -> BlockDivision:
    """Divide each lowest area into the blocks that lines enclose.

    Lines cut wherever they cross, whether they have a vertex there or not; dead ends cut nothing. Slivers
    between carriageways join the block with which they share the longest border.

    Parameters
    ----------
    areas
        Areas frame in EPSG:4326, as for `divide_square`.
    lines
        Streets, railways, rivers in any CRS that is known; of polygons the outlines.
    barriers
        More lines, which no block lies across.
    keep
        Buildings that no border of a block may cut.
    target_area_m2
        The size of blocks to aim at.
    min_width_m
        Faces narrower than this are slivers.
    snap_m
        A dead end nearer than this to another line ends on it.
    crs
        The working CRS; chosen from the extent of the areas when not given.
    used_codes, layout
        As for `divide_square`.
    note
        Told in one sentence what was assumed or left out.
    progress
        Called with steps done and steps in all.

    Raises
    ------
    InputError
        If a parameter is out of range, the layers hold nothing to divide or to divide by, or lie apart.
    CoverageError
        If the areas overlap or leave vertices unmatched.
    CapacityError
        If an area gets more cells than its code's digits can number.
    """
    tell, step = note or no_note, progress or no_progress
    _check_parameters(target_area_m2, min_width_m, snap_m)
    division_input = read_division_input(areas, crs)
    block_lines = read_block_lines(division_input, lines, barriers, tell)
    step(1, _STEPS)
    faces = cut_areas(division_input.geometry, _linework(division_input, block_lines, snap_m))
    step(2, _STEPS)
    group = join_slivers(faces.polygon, faces.source, block_lines, min_width_m)
    blocks, groups = dissolve_pieces(faces.polygon, group)
    area_index = faces.source[groups]
    step(3, _STEPS)
    sound = make_sound(blocks, division_input.crs)
    blocks, area_index = sound.polygon, area_index[sound.source]
    step(5, _STEPS)
    cells = _build_frame(division_input, blocks, area_index, layout, used_codes)
    step(_STEPS, _STEPS)
    cut = gpd.GeoDataFrame({"reason": []}, geometry=[], crs=4326) if keep is None else keep.iloc[:0]
    return BlockDivision(cells, cut)


def _check_parameters(target_area_m2: float | None, min_width_m: float, snap_m: float) -> None:
    if target_area_m2 is not None and not (math.isfinite(target_area_m2) and target_area_m2 > 0):
        raise ParameterError(f"The target area must be more than 0 m², not {target_area_m2:g}.")
    for value, what in ((min_width_m, "least width of a block"), (snap_m, "reach of dead ends")):
        if not (math.isfinite(value) and 0 <= value <= 1000):
            raise ParameterError(f"The {what} must be 0 to 1,000 metres, not {value:g}.")


def _linework(division_input: DivisionInput, lines: BlockLines, snap_m: float) -> Geometries:
    """Return the lines with those that close their dead ends."""
    if snap_m == 0:
        return lines.geometry
    borders = shapely.get_parts(shapely.boundary(division_input.geometry))
    return np.concatenate([lines.geometry, close_dead_ends(lines.geometry, borders, snap_m)])


def _build_frame(
    division_input: DivisionInput,
    blocks: Geometries,
    area_index: IntArray,
    layout: CodeLayout,
    used_codes: Collection[str],
) -> gpd.GeoDataFrame:
    """Number the blocks in reading order: rows as high as a usual block is wide."""
    points: FloatArray = inner_points(blocks)
    height = math.sqrt(float(np.median(shapely.area(blocks))))
    return build_cells_frame(
        division_input,
        blocks,
        area_index,
        points,
        np.floor(-points[:, 1] / height).astype(np.int64),
        kind="block",
        layout=layout,
        used_codes=used_codes,
    )
