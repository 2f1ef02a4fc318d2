"""Cutting cells along lines and reassembling them; the neighbours get the vertices that arise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis.antimeridian import project_joined
from gis.arrays import Geometries, IntArray
from gis.crs import LONLAT
from gis.errors import RefusedError
from gis.faces.arrangement import build_faces
from gis.faces.noding import noding_cuts
from gis.redraw.cell_set import Cell, CellSet, geometries_of, unite
from gis.redraw.edit import Edit, require_sound
from gis.topology.restore_vertices import restore_vertices

_ATTEMPTS = 4


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces into which lines cut cells, and what is needed to put them together.

    Attributes
    ----------
    cells
        Those that were cut.
    around
        Their neighbours.
    polygons
        Shape (n,), the pieces in the working CRS, a valid coverage of the cells.
    owner
        Shape (n,), the position in `cells` of the one that each piece was cut from.
    """

    cells: tuple[Cell, ...]
    around: tuple[Cell, ...]
    polygons: Geometries
    owner: IntArray
    _around_polygons: Geometries
    _around_owner: IntArray
    _cuts: Geometries


def project(geometry: shapely.Geometry, cells: CellSet) -> Any:
    """Return a geometry of EPSG:4326 in the working CRS of a set."""
    projected = np.empty(1, dtype=object)
    projected[0] = geometry
    return project_joined(projected, LONLAT, cells.crs)[0]


def require_drawn(geometry: Any, dimensions: int, sentence: str) -> Any:
    """Return what was drawn in two dimensions.

    Parameters
    ----------
    geometry
        In EPSG:4326, or None.
    dimensions
        1 for lines, 2 for regions.
    sentence
        What to say where it is none, is not valid, or has coordinates that are no numbers.

    Raises
    ------
    RefusedError
        With that sentence.
    """
    drawn = shapely.force_2d(geometry)
    is_drawn = drawn is not None and shapely.get_dimensions(drawn) == dimensions
    if not is_drawn or not np.isfinite(shapely.get_coordinates(drawn)).all() or not shapely.is_valid(drawn):
        raise RefusedError(sentence)
    return drawn


def project_drawn(geometry: shapely.Geometry, chosen: Sequence[Cell], cells: CellSet) -> Any:
    """Return what was drawn over some cells in the working CRS, without what lies far from them.

    It was drawn straight in degrees, and a long edge is elsewhere in metres.
    """
    west, south, east, north = shapely.total_bounds(geometries_of(chosen))
    margin = max(east - west, north - south) / 2
    clipped = shapely.clip_by_rect(geometry, west - margin, south - margin, east + margin, north + margin)
    return project(clipped, cells)


def cut_cells(cells: CellSet, chosen: Sequence[Cell], lines: Geometries) -> Pieces:
    """Cut cells along lines.

    Parameters
    ----------
    chosen
        The cells that may be cut; lines do not reach beyond them.
    lines
        In the working CRS, of any kind; polygons stand for their borders.
    """
    around = tuple(cells.neighbours(chosen))
    own = project_joined(geometries_of(chosen), LONLAT, cells.crs)
    others = project_joined(geometries_of(around), LONLAT, cells.crs)
    is_polygonal = shapely.get_dimensions(lines) == 2
    linework = np.where(is_polygonal, shapely.boundary(lines), lines)
    inside = shapely.intersection(linework, shapely.union_all(own))
    return _cut(tuple(chosen), around, own, others, inside)


def _cut(
    chosen: tuple[Cell, ...], around: tuple[Cell, ...], own: Geometries, others: Geometries, lines: Geometries
) -> Pieces:
    faces = build_faces(np.concatenate([own, others, lines]))
    tree = shapely.STRtree(shapely.point_on_surface(faces))
    found = []
    for polygons in (own, others):
        row, face = tree.query(polygons, predicate="intersects")
        found.append((faces[face], row.astype(np.int64)))
    return Pieces(chosen, around, found[0][0], found[0][1], found[1][0], found[1][1], lines)


def join_pieces(
    pieces: Pieces,
    group: IntArray,
    made: Sequence[Cell],
    cells: CellSet,
    command: str,
    *,
    allow_parts: bool = False,
) -> Edit:
    """Put pieces together into cells, and return the edit.

    Parameters
    ----------
    group
        Shape (n,), the position in `made` of the cell that each piece goes to.
    made
        The cells to be, whose polygons do not count. Each gets a piece.
    cells
        The set that was cut.
    command
        The name of the command.

    Raises
    ------
    RefusedError
        As `require_sound`, or if no border could be drawn that holds in degrees too.
    """
    result = (*made, *pieces.around)
    parent = [pieces.cells[int(pieces.owner[group == k][0])] for k in range(len(made))]
    original = gpd.GeoDataFrame(geometry=geometries_of([*parent, *pieces.around]), crs=LONLAT)
    cuts = pieces._cuts
    current = pieces
    for _ in range(_ATTEMPTS):
        polygons = _dissolve(current, group, len(made))
        lonlat, projected = restore_vertices(polygons, original, None, cuts, cells.crs)
        more = noding_cuts(projected, cells.crs, lonlat)
        if more is None:
            after = [cell._replace(geometry=each) for cell, each in zip(result, lonlat, strict=True)]
            edit = Edit.of(command, (*pieces.cells, *pieces.around), after)
            return require_sound(edit, cells, allow_parts=allow_parts)
        cuts = np.concatenate([cuts, more])
        own = project_joined(geometries_of(pieces.cells), LONLAT, cells.crs)
        others = project_joined(geometries_of(pieces.around), LONLAT, cells.crs)
        again = _cut(pieces.cells, pieces.around, own, others, cuts)
        group, current = _carry_groups(current, group, again), again
    raise RefusedError("No border can be drawn here that holds in degrees; draw it a little elsewhere.")


def _dissolve(pieces: Pieces, group: IntArray, count: int) -> Geometries:
    """Unite the pieces of each cell, and those of each neighbour."""
    faces = np.concatenate([pieces.polygons, pieces._around_polygons])
    owner = np.concatenate([group, pieces._around_owner + count])
    result = np.empty(count + len(pieces.around), dtype=object)
    for k in range(len(result)):
        result[k] = unite(faces[owner == k])
    return result


def _carry_groups(former: Pieces, group: IntArray, again: Pieces) -> IntArray:
    """Return the group of each piece of a further cut: that of the piece in which it lies."""
    points = shapely.point_on_surface(again.polygons)
    place, piece = shapely.STRtree(former.polygons).query(points, predicate="intersects")
    found = np.zeros(len(points), dtype=np.int64)
    found[place] = group[piece]
    return found
