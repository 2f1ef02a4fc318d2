"""The tile set of the base map: roads, railway, water, green and buildings."""

from collections.abc import Mapping

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.basemap import BASEMAP_KINDS
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import BasemapFeature
from layers.tiles import LineLayer, PolygonLayer
from layers.tilesets.tile_set import LayerPart, TileSet, VectorLayer, hash_features, object_array

KIND_MINZOOMS: Mapping[str, int] = {"water": 5, "green": 10, "railway": 9, "roads": 13, "buildings": 14}
"""The first zoom of each kind."""

ROAD_MINZOOMS: Mapping[str, int] = {
    "motorway": 6, "trunk": 7, "primary": 8, "main": 8, "secondary": 10, "tertiary": 12,
    "motorway_link": 11, "trunk_link": 11, "primary_link": 11, "secondary_link": 12, "tertiary_link": 13,
    "unclassified": 13, "residential": 13, "lane": 13,
    "service": 14, "track": 14, "footway": 15, "path": 15, "steps": 15, "cycleway": 15, "corridor": 16,
}  # fmt: skip
"""The first zoom of each class of roads, as our sample and OpenStreetMap name them."""

# In drawing order, the lowest first.
_ORDER = ("water", "green", "buildings", "railway", "roads")
assert set(_ORDER) == set(BASEMAP_KINDS)


def read_basemap(session: Session) -> TileSet:
    """Read the features of all kinds."""
    parts = []
    for kind in _ORDER:
        rows = session.execute(
            select(
                BasemapFeature.id,
                BasemapFeature.class_name,
                BasemapFeature.name,
                raw_geometry(session, BasemapFeature.geometry),
            )
            .where(BasemapFeature.kind == kind)
            .order_by(BasemapFeature.id)
        ).all()
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        properties = {
            "class": object_array([row[1] for row in rows]),
            "name": object_array([row[2] for row in rows]),
        }
        geometries = decode_geometries(session, [row[3] for row in rows])
        first = KIND_MINZOOMS[kind]
        zooms = np.full(len(rows), first, dtype=np.int64)
        if kind == "roads":
            zooms[:] = [ROAD_MINZOOMS.get(name or "", first) for name in properties["class"].tolist()]
        polygonal = np.isin(shapely.get_type_id(geometries), (3, 6))
        for chosen, made in ((polygonal, PolygonLayer), (~polygonal, LineLayer)):
            if chosen.any():
                drawn: VectorLayer = made(geometries[chosen], ids[chosen])
                own = {key: column[chosen] for key, column in properties.items()}
                parts.append(
                    LayerPart(
                        kind,
                        drawn,
                        own,
                        hash_features(geometries[chosen], {"id": ids[chosen], **own}),
                        shapely.bounds(geometries[chosen]),
                        minzoom=int(zooms[chosen].min()),
                        feature_minzooms=zooms[chosen] if kind == "roads" else None,
                    )
                )
    return TileSet("base", parts)


def basemap_fingerprint(session: Session) -> tuple[object, ...]:
    """Return a value that changes whenever the base map does: its features are replaced, never changed."""
    return tuple(session.execute(select(func.count(), func.max(BasemapFeature.id))).one())
