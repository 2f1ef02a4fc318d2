"""Polygons that rounding or cutting has made invalid, made valid again on whole units.

It owns the repair of what crosses or touches itself; rounding is left to `layers.tiles.rings`.
"""

import numpy as np
import shapely

from layers.tiles.rings import Booleans, Integers, Objects, Rings, from_shapes, joined


def mended(rings: Rings, count: int) -> Rings:
    """Return the rings with invalid polygons among `count` rows replaced by valid ones."""
    shapes = rings.shapes(count)
    wrong = np.flatnonzero(~shapely.is_valid(shapes))
    if not len(wrong):
        return rings
    return replaced(rings, wrong, valid(shapes[wrong]))


def valid(shapes: Objects) -> Objects:
    """Return valid polygons on whole units that fill what these enclose, however often they run around it."""
    fixed = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
    off = ~_whole(fixed) | ~shapely.is_valid(fixed)
    if off.any():
        fixed[off] = shapely.set_precision(fixed[off], 1.0)
    return fixed


def replaced(rings: Rings, rows: Integers, shapes: Objects) -> Rings:
    """Put other polygons into rows of ascending numbers."""
    new = from_shapes(shapes)
    kept = rings.only(np.flatnonzero(~np.isin(rings.rows, rows)))
    return joined(kept, new._replace(rows=rows[new.rows]))


def _whole(shapes: Objects) -> Booleans:
    xy, owners = shapely.get_coordinates(shapes, return_index=True)
    broken = (xy != np.rint(xy)).any(axis=1)
    found: Booleans = np.bincount(owners[broken], minlength=len(shapes)) == 0
    return found
