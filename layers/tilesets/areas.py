"""The tile set of administrative areas: each depth is a coverage of its own."""

import hashlib
from datetime import date

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import FloatArray, IntArray, ObjectArray
from layers.areas.versions import areas_in_force
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import Area
from layers.tiles import CoverageLayer, PointLayer
from layers.tilesets.tile_set import LayerPart, TileSet, hash_features, object_array

_LABEL_PIXELS, _TILE_PIXELS = 76.0, 512.0
"""The approximate width of a name on the map, and the width of a tile."""


def read_areas(session: Session, on: date) -> TileSet:
    """Read the areas of all levels on a day."""
    query = (
        select(Area.id, Area.code, Area.name, Area.level, Area.parent, raw_geometry(session, Area.geometry))
        .where(areas_in_force(on))
        .order_by(Area.id)
    )
    rows = session.execute(query).all()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    codes, names, levels = (object_array([row[column] for row in rows]) for column in (1, 2, 3))
    geometries = decode_geometries(session, [row[5] for row in rows])
    depths = _depths({row[1]: row[4] for row in rows}, codes.tolist())
    parts = []
    for depth in np.unique(depths).tolist():
        chosen = np.flatnonzero(depths == depth)
        properties = {
            "code": codes[chosen],
            "name": names[chosen],
            "level": levels[chosen],
            "depth": depths[chosen],
        }
        coverage = CoverageLayer(geometries[chosen], ids[chosen])
        digests = hash_features(geometries[chosen], {"id": ids[chosen], **properties})
        common = (digests, shapely.bounds(geometries[chosen]), codes[chosen])
        parts += [
            LayerPart("areas", coverage, properties, *common),
            LayerPart(
                "area_borders",
                coverage,
                {"depth": np.array([depth])},
                *common,
                encode=coverage.encode_borders,
            ),
        ]
    label_points = shapely.point_on_surface(geometries)
    label_properties = {"code": codes, "name": names, "depth": depths, "zoom": _label_zooms(geometries)}
    parts.append(
        LayerPart(
            "area_labels",
            PointLayer(shapely.get_x(label_points), shapely.get_y(label_points), ids),
            label_properties,
            hash_features(label_points, {"id": ids, **label_properties}),
            shapely.bounds(label_points),
            codes,
        )
    )
    return TileSet("areas", parts)


def _label_zooms(geometries: ObjectArray) -> FloatArray:
    """Return the zoom at which each area is wide enough for its name, shape (n,)."""
    bounds = shapely.bounds(geometries)
    widths = np.maximum(bounds[:, 2] - bounds[:, 0], 1e-6)
    return np.asarray(np.round(np.log2(_LABEL_PIXELS / _TILE_PIXELS * 360.0 / widths), 1), dtype=np.float64)


def areas_fingerprint(session: Session, on: date) -> str:
    """Return a value that changes whenever an area of a day does."""
    columns = (Area.id, Area.code, Area.name, Area.level, Area.parent, raw_geometry(session, Area.geometry))
    digest = hashlib.blake2b(digest_size=16)
    for *values, geometry in session.execute(select(*columns).where(areas_in_force(on)).order_by(Area.id)):
        digest.update(repr(values).encode())
        digest.update(geometry)
    return digest.hexdigest()


def _depths(parents: dict[str, str | None], codes: list[str]) -> IntArray:
    """Return how many areas are above each, shape (n,); areas of equal depth do not overlap."""
    depths = []
    for code in codes:
        above, seen = parents.get(code), {code}
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        depths.append(len(seen) - 1)
    return np.array(depths, dtype=np.int64)
