"""Buildings that no border of a block may cut: borders are led round their footprints."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.crs import LONLAT, to_lonlat
from gis.divide.block_borders import find_borders
from gis.divide.block_faces import recut
from gis.divide.block_joining import Joining
from gis.divide.block_lines import BlockLines
from gis.divide.cells import dissolve_pieces
from gis.divide.division_input import DivisionInput
from gis.errors import InputError
from gis.graph import NeighbourGraph
from gis.progress import Note

CUT_M2 = 0.01
"""A building is cut if more of its ground than this lies outside one cell."""

_CROSSED_M2 = 0.003
_OVERLAP_M2 = 1e-4
_LEFTOVER_SHARE = 0.5


class Buildings(NamedTuple):
    """Footprints: polygons in the working CRS, and the record of each, ascending."""

    polygon: Geometries
    record: IntArray


def read_buildings(division_input: DivisionInput, keep: gpd.GeoDataFrame, note: Note) -> Buildings:
    """Take the footprints of buildings, mended where they are not valid.

    Raises
    ------
    InputError
        If no record is a polygon.
    """
    lonlat = np.asarray(to_lonlat(keep).geometry.array, dtype=object)
    areal = np.flatnonzero(shapely.get_dimensions(lonlat) == 2)
    areal = areal[~shapely.is_empty(lonlat[areal])]
    if not len(areal):
        raise InputError(
            "No record of the buildings to keep is a polygon; give their footprints or leave them out."
        )
    if len(areal) < len(keep):
        other = np.setdiff1d(np.arange(len(keep)), areal)
        more = f" and {len(other) - 1:,} more" if len(other) > 1 else ""
        note(f"record {other[0] + 1}{more} of the buildings is no polygon and is left out of account")
    projected = gpd.GeoSeries(lonlat[areal], crs=LONLAT).to_crs(division_input.crs)
    footprints = shapely.force_2d(np.asarray(projected.array, dtype=object))
    finite = np.isfinite(shapely.bounds(footprints)).all(axis=1)
    footprints, areal = footprints[finite], areal[finite]
    bad = ~shapely.is_valid(footprints)
    if bad.any():
        footprints[bad] = shapely.make_valid(footprints[bad], method="structure", keep_collapsed=False)
        first = areal[np.flatnonzero(bad)[0]] + 1
        more = f" and {bad.sum() - 1:,} more" if bad.sum() > 1 else ""
        note(f"record {first}{more} of the buildings is no valid polygon and is mended")
    parts, owner = shapely.get_parts(footprints, return_index=True)
    real = shapely.area(parts) > CUT_M2
    return Buildings(parts[real], areal[owner[real]].astype(np.int64))


def with_courtyards(footprints: Geometries) -> Geometries:
    """Return footprints that reach over their courtyards, as far as these are no more than twice as large."""
    rows = np.flatnonzero(shapely.get_num_interior_rings(footprints) > 0)
    whole = np.asarray(shapely.polygons(shapely.get_exterior_ring(footprints[rows])), dtype=object)
    small = shapely.area(whole) <= 3 * shapely.area(footprints[rows])
    result = footprints.copy()
    result[rows[small]] = whole[small]
    return result


class Kept(NamedTuple):
    """Blocks whose borders are led round buildings, and the former block that each has its ground from."""

    block: Geometries
    source: IntArray


def keep_whole(blocks: Geometries, ground: IntArray, buildings: Geometries, lines: BlockLines) -> Kept:
    """Give each building that lies in several blocks of the same ground to the one with most of it.

    Buildings that overlap stay together. What a building cuts off from a block joins a neighbour if it is
    less than half of it, and is a block of its own if not.

    Parameters
    ----------
    blocks
        Shape (n,), a valid coverage.
    ground
        Shape (n,), ints: buildings do not move across the border between different ones.
    buildings
        Polygons.
    lines
        Among them the barriers, which stay as they are.
    """
    crossed = _crossed(blocks, ground, buildings)
    everything = Kept(blocks, np.arange(len(blocks)))
    if not crossed.any():
        return everything
    clusters = _clusters(buildings, crossed)
    pieces = recut(blocks, clusters)
    block = _move(pieces.polygon, pieces.source, ground, clusters, lines)
    touched = np.zeros(len(blocks), dtype=bool)
    moved = block != pieces.source
    touched[block[moved]] = touched[pieces.source[moved]] = True
    busy = np.flatnonzero(touched[block])
    if not len(busy):
        return everything
    group = block.copy()
    group[busy] = len(blocks) + busy[_connect(pieces.polygon[busy], block[busy], ground, lines)]
    united, groups = dissolve_pieces(pieces.polygon, group)
    former = np.where(groups < len(blocks), groups, block[np.maximum(groups - len(blocks), 0)])
    return Kept(united, former)


def _crossed(blocks: Geometries, ground: IntArray, buildings: Geometries) -> BoolArray:
    """Return which buildings lie in several blocks of one ground."""
    building, block, share = shares_of(buildings, blocks)
    order = np.lexsort((-share, ground[block], building))
    building, block, share = building[order], block[order], share[order]
    first = np.ones(len(building), dtype=bool)
    first[1:] = (building[1:] != building[:-1]) | (ground[block[1:]] != ground[block[:-1]])
    beyond = np.bincount(building[~first], share[~first], len(buildings))
    return np.asarray(beyond > _CROSSED_M2)


def shares_of(buildings: Geometries, blocks: Geometries) -> tuple[IntArray, IntArray, FloatArray]:
    """Return building, block and m² of all ground that the two share; a building in one block alone once."""
    tree = shapely.STRtree(buildings)
    block, building = tree.query(blocks, predicate="intersects")
    times = np.bincount(building, minlength=len(buildings))
    several = times[building] > 1
    share = shapely.area(buildings)[building]
    share[several] = shapely.area(shapely.intersection(buildings[building[several]], blocks[block[several]]))
    # A building that reaches beyond all blocks has one block, but not all its ground in it.
    alone = np.flatnonzero(~several)
    outside = alone[~shapely.covered_by(buildings[building[alone]], blocks[block[alone]])]
    share[outside] = shapely.area(shapely.intersection(buildings[building[outside]], blocks[block[outside]]))
    real = share > 0
    return building[real].astype(np.int64), block[real].astype(np.int64), share[real]


def _clusters(buildings: Geometries, crossed: BoolArray) -> Geometries:
    """Return the crossed buildings, each united with all that overlap it, and with what overlaps these."""
    tree = shapely.STRtree(buildings)
    inside, fresh = crossed.copy(), np.flatnonzero(crossed)
    pairs: list[tuple[IntArray, IntArray]] = []
    while len(fresh):
        one, other = tree.query(buildings[fresh], predicate="intersects")
        one = fresh[one]
        one, other = one[one != other], other[one != other]
        deep = shapely.area(shapely.intersection(buildings[one], buildings[other])) > _OVERLAP_M2
        pairs.append((one[deep].astype(np.int64), other[deep].astype(np.int64)))
        fresh = np.unique(other[deep])
        fresh = fresh[~inside[fresh]]
        inside[fresh] = True
    first, second = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    label = NeighbourGraph.from_pairs(len(buildings), first, second).components()
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(label[rows], kind="stable")]
    names, start, count = np.unique(label[rows], return_index=True, return_counts=True)
    result = np.empty(len(names), dtype=object)
    result[:] = buildings[rows[start]]
    for k in np.flatnonzero(count > 1).tolist():
        result[k] = shapely.union_all(buildings[rows[start[k] : start[k] + count[k]]])
    return result


def _move(
    pieces: Geometries, block: IntArray, ground: IntArray, clusters: Geometries, lines: BlockLines
) -> IntArray:
    """Return the block of each piece after the buildings have moved."""
    points = shapely.point_on_surface(pieces)
    cluster, piece = shapely.STRtree(points).query(clusters, predicate="intersects")
    result = block.copy()
    if not len(piece):
        return result
    # Pieces of one building move together unless a barrier or a border of the ground parts them.
    order = np.argsort(piece, kind="stable")
    cluster, piece = cluster[order], piece[order]
    borders = find_borders(pieces[piece], ground[block[piece]], lines)
    together = (cluster[borders.first] == cluster[borders.second]) & np.isfinite(borders.open_m)
    graph = NeighbourGraph.from_pairs(len(piece), borders.first[together], borders.second[together])
    body = graph.components()
    area = shapely.area(pieces[piece])
    keys, index = np.unique(body * (block.max() + 1) + block[piece], return_inverse=True)
    share = np.round(np.bincount(index, area), 6)
    bodies, blocks = keys // (block.max() + 1), keys % (block.max() + 1)
    best = np.lexsort((blocks, -share, bodies))
    _, first = np.unique(bodies[best], return_index=True)
    target = np.full(len(piece), -1)
    target[bodies[best][first]] = blocks[best][first]
    result[piece] = target[body]
    return result


def _connect(pieces: Geometries, block: IntArray, ground: IntArray, lines: BlockLines) -> IntArray:
    """Group the pieces of each block that hang together; what is cut off joins a neighbour."""
    borders = find_borders(pieces, ground[block], lines)
    same = block[borders.first] == block[borders.second]
    body = NeighbourGraph.from_pairs(len(pieces), borders.first[same], borders.second[same]).components()
    names, number = np.unique(body, return_inverse=True)
    area = np.bincount(number, shapely.area(pieces)).astype(float)
    owner = block[names]
    whole = np.zeros(block.max() + 1)
    np.maximum.at(whole, owner, np.round(area, 3))
    largest = np.round(area, 3) >= whole[owner]
    loose = ~largest & (area < _LEFTOVER_SHARE * whole[owner])
    if not loose.any():
        return np.asarray(body)
    bodies, first_pieces = dissolve_pieces(pieces, body)
    joints = find_borders(bodies, ground[block[first_pieces]], lines, beside=loose)
    joining = Joining(area, shapely.length(bodies), np.zeros(len(bodies)), joints)
    waits = loose.tolist()
    group = joining.run(
        loose,
        size=lambda k: joining.area_m2[k] if waits[k] else None,
        worth=lambda _k, _n, length, _open_m: round(length, 3),
    )
    return np.asarray(names[group[number]])


def find_cut(
    keep: gpd.GeoDataFrame,
    buildings: Buildings,
    cells: Geometries,
    area_index: IntArray,
    barriers: Geometries,
) -> gpd.GeoDataFrame:
    """Return the records that do not lie in one cell, with the reason, in EPSG:4326."""
    part, cell, share = shares_of(buildings.polygon, cells)
    record = buildings.record[part]
    whole = np.bincount(buildings.record, shapely.area(buildings.polygon), len(keep))
    keys, index = np.unique(record * len(cells) + cell, return_inverse=True)
    ground = np.bincount(index, share)
    owner, in_cell = keys // len(cells), keys % len(cells)
    most = np.zeros(len(keep))
    np.maximum.at(most, owner, ground)
    inside = np.bincount(owner, ground, len(keep))
    # Ground that lies nowhere counts for those that have some in an area.
    cut = np.flatnonzero((inside > CUT_M2) & (whole - most > CUT_M2))
    barred = np.zeros(len(keep), dtype=bool)
    if len(barriers):
        across = shapely.STRtree(buildings.polygon).query(barriers, predicate="intersects")[1]
        barred[buildings.record[across]] = True
    parts = np.bincount(buildings.record, minlength=len(keep))
    real = ground > CUT_M2
    first = np.searchsorted(owner, np.arange(len(keep) + 1))
    reasons = []
    for k in cut.tolist():
        mine = slice(first[k], first[k + 1])
        areas = np.unique(area_index[in_cell[mine][real[mine]]])
        if len(areas) > 1 or whole[k] - inside[k] > CUT_M2:
            reasons.append("the area's border runs through it")
        elif barred[k]:
            reasons.append("a barrier runs through it")
        elif parts[k] > 1:
            reasons.append("its parts stand apart in several blocks")
        else:
            reasons.append("a street runs through it")
    return to_lonlat(keep.iloc[cut]).assign(reason=reasons)
