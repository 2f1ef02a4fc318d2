"""Narrow ground between areas that is in none of them, as where a border was drawn twice."""

import numpy as np
import shapely

from gis.arrays import Geometries, ObjectArray
from gis.faces.overlay import extract_polygons
from gis.progress import Note, no_note
from gis.topology.open_blanks import OPEN_BLANK_WIDTH_M, find_open_blanks
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width

_LISTED = 3


def note_blanks_between(code: ObjectArray, geometry: Geometries, note: Note) -> None:
    """Return between which areas there is narrow ground that no cell will cover, closed or open.

    Parameters
    ----------
    code, geometry
        Of areas that are a valid coverage in metres, shape (n,).
    note
        Told in one sentence; nothing is computed for one that nobody hears.
    """
    if note is no_note:
        return
    united = shapely.coverage_union_all(geometry)
    found = find_open_blanks(geometry, united, OPEN_BLANK_WIDTH_M)
    between = [
        (*sorted((str(code[one]), str(code[other]))), float(width))
        for one, other, width in zip(found.first, found.second, mean_width(found.polygons), strict=True)
    ]
    outlines = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(united)))
    holes = shapely.get_parts(
        extract_polygons(np.asarray(shapely.difference(outlines, united), dtype=object))
    )
    width = mean_width(holes)
    narrow = np.flatnonzero((width > NOISE_WIDTH_M) & (width <= OPEN_BLANK_WIDTH_M))
    tree = shapely.STRtree(geometry)
    for row in narrow.tolist():
        beside = sorted(str(code[each]) for each in tree.query(holes[row], predicate="intersects"))
        between.append((beside[0], beside[-1], float(width[row])))
    if not between:
        return
    listed = "; ".join(
        f"{one} and {other}, {wide:.2g} m wide" for one, other, wide in sorted(between)[:_LISTED]
    )
    more = "; ..." if len(between) > _LISTED else ""
    note(
        f"{len(between)} narrow blanks between areas stay in no cell ({listed}{more}); "
        "wangge repair closes them first."
    )
