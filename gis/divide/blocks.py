"""Division into blocks: what streets, railways, rivers and the areas' own borders enclose."""

import math
from collections.abc import Collection
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.areas import label_area
from gis.arrays import FloatArray, Geometries, IntArray
from gis.codes import CodeLayout, choose_profile
from gis.crs import LONLAT
from gis.divide.block_buildings import Buildings, find_cut, keep_whole, read_buildings, with_courtyards
from gis.divide.block_faces import Faces, cut_areas, inner_points, make_sound, recut
from gis.divide.block_grouping import group_small
from gis.divide.block_lines import BlockLines, close_dead_ends, read_block_lines
from gis.divide.block_loads import BlockSize, LoadPoints, read_load, tell_overloaded
from gis.divide.block_slivers import join_slivers
from gis.divide.block_subdivision import subdivision_lines
from gis.divide.cells import build_cells_frame, dissolve_pieces
from gis.divide.division_input import DivisionInput, read_division_input
from gis.errors import ParameterError
from gis.profiles import Profile
from gis.progress import Note, Progress, no_note, no_progress

DEFAULT_TARGET_AREA_M2 = 10_000.0
DEFAULT_MIN_WIDTH_M = 15.0
DEFAULT_SNAP_M = 0.5

_MAX_WIDTH_M, _MAX_SNAP_M = 500.0, 50.0
_STEPS = 6
_NO_BUILDINGS = Buildings(np.array([], dtype=object), np.array([], dtype=np.int64))


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
    water: gpd.GeoDataFrame | None = None,
    keep: gpd.GeoDataFrame | None = None,
    target_area_m2: float | None = DEFAULT_TARGET_AREA_M2,
    max_load: tuple[str | None, float] | None = None,
    points: gpd.GeoDataFrame | None = None,
    min_width_m: float = DEFAULT_MIN_WIDTH_M,
    snap_m: float = DEFAULT_SNAP_M,
    crs: CRS | None = None,
    used_codes: Collection[str] = frozenset(),
    layout: CodeLayout = "auto",
    profile: Profile | None = None,
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
        More lines, which no block lies across. The ground of polygons among them, and of those in `lines`
        that are tagged as water, has blocks of its own.
    water
        Lakes, harbours, the sea: their ground has blocks of its own too, which are never cut.
    keep
        Buildings that no border of a block may cut.
    target_area_m2
        The size of blocks to aim at: smaller than 0.7 of it they join others, larger than twice they are cut.
        None leaves them as the lines make them.
    max_load
        A column of `points`, or of `keep` without them, and the most that a block may hold of its sum; None
        instead of a column counts the records.
    points
        Records that carry the load, at a point inside them.
    min_width_m
        Faces narrower than this are slivers, between carriageways of a motorway those of twice the width.
    snap_m
        A dead end nearer than this to another line ends on it.
    crs
        The working CRS; chosen from the extent of the areas when not given.
    used_codes, layout, profile
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
    _check_parameters(target_area_m2, max_load, min_width_m, snap_m)
    division_input = read_division_input(areas, crs, tell)
    choose_profile(division_input.code, in_china=division_input.in_china, layout=layout, profile=profile)
    block_lines = read_block_lines(division_input, lines, barriers, tell, water)
    buildings = _NO_BUILDINGS if keep is None else read_buildings(division_input, keep, tell)
    footprints = with_courtyards(buildings.polygon)
    load = read_load(division_input, max_load, points if points is not None else keep, tell)
    size = BlockSize(target_area_m2, None if max_load is None else max_load[1])
    size.require_moderate(division_input.geometry)
    step(1, _STEPS)
    faces = cut_areas(division_input.geometry, _linework(division_input, block_lines, snap_m))
    _tell_undivided(division_input, faces, tell)
    step(2, _STEPS)
    blocks, area_index = _join_slivers(faces, block_lines, min_width_m)
    step(3, _STEPS)
    pieces = _subdivide(blocks, block_lines.ground, size, load, footprints)
    ground = _ground(pieces.polygon, area_index[pieces.source], block_lines.ground)
    group = group_small(pieces.polygon, ground, load.sum_in(pieces.polygon), block_lines, size)
    blocks, groups = dissolve_pieces(pieces.polygon, group)
    area_index = area_index[pieces.source[groups]]
    step(4, _STEPS)
    if keep is not None:
        kept = keep_whole(blocks, area_index, footprints, block_lines)
        blocks, area_index = kept.block, area_index[kept.source]
    sound = make_sound(blocks, division_input.crs)
    blocks, area_index = sound.polygon, area_index[sound.source]
    step(5, _STEPS)
    cells = _build_frame(division_input, blocks, area_index, layout, profile, used_codes)
    cut = gpd.GeoDataFrame({"reason": []}, geometry=[], crs=LONLAT)
    if keep is not None:
        cut = find_cut(keep, buildings, blocks, area_index, block_lines.geometry[block_lines.openness == 0])
    placed = np.asarray(cells.to_crs(division_input.crs).geometry.array, dtype=object)
    tell_overloaded(placed, cells["code"].tolist(), load, max_load, tell)
    step(_STEPS, _STEPS)
    return BlockDivision(cells, cut)


def _check_parameters(
    target_area_m2: float | None,
    max_load: tuple[str | None, float] | None,
    min_width_m: float,
    snap_m: float,
) -> None:
    if target_area_m2 is not None and not (math.isfinite(target_area_m2) and target_area_m2 > 0):
        raise ParameterError(f"The target area must be more than 0 m², not {target_area_m2:g}.")
    if max_load is not None and not (math.isfinite(max_load[1]) and max_load[1] > 0):
        raise ParameterError(f"The largest load of a block must be more than 0, not {max_load[1]:g}.")
    if not (math.isfinite(min_width_m) and 0 <= min_width_m <= _MAX_WIDTH_M):
        raise ParameterError(
            f"The least width of a block must be 0 to {_MAX_WIDTH_M:g} metres, not {min_width_m:g}."
        )
    if not (math.isfinite(snap_m) and 0 <= snap_m <= _MAX_SNAP_M):
        raise ParameterError(f"The reach of dead ends must be 0 to {_MAX_SNAP_M:g} metres, not {snap_m:g}.")


def _linework(division_input: DivisionInput, lines: BlockLines, snap_m: float) -> Geometries:
    """Return the lines with those that close their dead ends."""
    borders = shapely.get_parts(shapely.boundary(division_input.geometry))
    return np.concatenate([lines.geometry, close_dead_ends(lines.geometry, borders, snap_m)])


def _tell_undivided(division_input: DivisionInput, faces: Faces, note: Note) -> None:
    """Return which areas no line divides."""
    parts = shapely.get_num_geometries(division_input.geometry)
    whole = np.flatnonzero(np.bincount(faces.source, minlength=len(parts)) <= parts)
    if len(whole):
        named = zip(division_input.code[whole[:3]], division_input.name[whole[:3]], strict=True)
        listed = ", ".join(label_area(code, name) for code, name in named)
        listed += ", ..." if len(whole) > 3 else ""
        note(f"no line closes a block in {len(whole):,} of {len(parts):,} areas ({listed})")


def _join_slivers(faces: Faces, lines: BlockLines, min_width_m: float) -> tuple[Geometries, IntArray]:
    """Return the faces with their slivers, and the areas that they lie in."""
    group = join_slivers(faces.polygon, faces.source, lines, min_width_m)
    blocks, groups = dissolve_pieces(faces.polygon, group)
    return blocks, faces.source[groups]


def _subdivide(
    blocks: Geometries, water: Geometries, size: BlockSize, load: LoadPoints, buildings: Geometries
) -> Faces:
    """Cut the large blocks on land."""
    on_land = _ground(blocks, np.zeros(len(blocks), dtype=np.int64), water) == 0
    return recut(blocks, subdivision_lines(blocks[on_land], size, load, buildings))


def _ground(polygons: Geometries, area_index: IntArray, water: Geometries) -> IntArray:
    """Return on which ground each polygon lies: the land of an area, or its rivers."""
    result = 2 * area_index
    if len(water):
        points = shapely.point_on_surface(polygons)
        result[np.unique(shapely.STRtree(points).query(water, predicate="intersects")[1])] += 1
    return result


def _build_frame(
    division_input: DivisionInput,
    blocks: Geometries,
    area_index: IntArray,
    layout: CodeLayout,
    profile: Profile | None,
    used_codes: Collection[str],
) -> gpd.GeoDataFrame:
    """Make the frame of cells, numbered in rows as high as a usual block is wide."""
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
        profile=profile,
        used_codes=used_codes,
    )
