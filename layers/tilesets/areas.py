"""The tiles of the administrative areas: each level a coverage of its own, drawn from the highest down."""

import hashlib

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.bulk import decode, raw
from layers.models import Area
from layers.tiles import Coverage, Points
from layers.tilesets.tile_set import Part, TileSet, digests_of, texts

_LABEL_PIXELS, _TILE_PIXELS = 76.0, 512.0
"""How wide a name is drawn, about, and how wide maps draw a tile."""


def read_areas(session: Session) -> TileSet:
    """Read the areas of all levels."""
    rows = session.execute(
        select(Area.id, Area.code, Area.name, Area.level, Area.parent, raw(session, Area.geometry)).order_by(
            Area.id
        )
    ).all()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    codes, names, levels = (texts([row[column] for row in rows]) for column in (1, 2, 3))
    shapes = decode(session, [row[5] for row in rows])
    depths = _depths({row[1]: row[4] for row in rows}, codes.tolist())
    parts = []
    for depth in np.unique(depths).tolist():
        chosen = np.flatnonzero(depths == depth)
        told = {
            "code": codes[chosen],
            "name": names[chosen],
            "level": levels[chosen],
            "depth": depths[chosen],
        }
        drawn = Coverage(shapes[chosen], ids[chosen])
        digests = digests_of(shapes[chosen], {"id": ids[chosen], **told})
        common = (digests, shapely.bounds(shapes[chosen]), codes[chosen])
        parts += [
            Part("areas", drawn, told, *common),
            Part("area_borders", drawn, {"depth": np.array([depth])}, *common, encode=drawn.borders),
        ]
    spots = shapely.point_on_surface(shapes)
    named = {"code": codes, "name": names, "depth": depths, "zoom": _label_zooms(shapes)}
    parts.append(
        Part(
            "area_labels",
            Points(shapely.get_x(spots), shapely.get_y(spots), ids),
            named,
            digests_of(spots, {"id": ids, **named}),
            shapely.bounds(spots),
            codes,
        )
    )
    return TileSet("areas", parts)


def _label_zooms(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the zoom at which each area is wide enough for its name, shape (n,)."""
    bounds = shapely.bounds(shapes)
    widths = np.maximum(bounds[:, 2] - bounds[:, 0], 1e-6)
    return np.asarray(np.round(np.log2(_LABEL_PIXELS / _TILE_PIXELS * 360.0 / widths), 1), dtype=np.float64)


def state_of_areas(session: Session) -> str:
    """Return what differs whenever an area does."""
    columns = (Area.id, Area.code, Area.name, Area.level, Area.parent, raw(session, Area.geometry))
    seen = hashlib.blake2b(digest_size=16)
    for *told, shape in session.execute(select(*columns).order_by(Area.id)):
        seen.update(repr(told).encode())
        seen.update(shape)
    return seen.hexdigest()


def _depths(parents: dict[str, str | None], codes: list[str]) -> NDArray[np.int64]:
    """Return how many areas are above each, shape (n,); areas of one depth do not overlap."""
    depths = []
    for code in codes:
        above, seen = parents.get(code), {code}
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        depths.append(len(seen) - 1)
    return np.array(depths, dtype=np.int64)
