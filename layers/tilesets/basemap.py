"""The tiles of the base map: roads, railway, water, green and buildings, quiet beneath everything else."""

from collections.abc import Mapping

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.basemap import KINDS
from layers.db.bulk import decode, raw
from layers.models import BaseFeature
from layers.tiles import Lines, Polygons
from layers.tilesets.tile_set import Drawn, Part, TileSet, digests_of, texts

FROM_ZOOM: Mapping[str, int] = {"water": 5, "green": 10, "railway": 9, "roads": 13, "buildings": 14}
"""The first zoom of each kind."""

ROADS_FROM_ZOOM: Mapping[str, int] = {
    "motorway": 6, "trunk": 7, "primary": 8, "main": 8, "secondary": 10, "tertiary": 12,
    "motorway_link": 11, "trunk_link": 11, "primary_link": 11, "secondary_link": 12, "tertiary_link": 13,
    "unclassified": 13, "residential": 13, "lane": 13,
    "service": 14, "track": 14, "footway": 15, "path": 15, "steps": 15, "cycleway": 15, "corridor": 16,
}  # fmt: skip
"""The first zoom of the classes of roads, as our sample and OpenStreetMap name them."""

# What lies beneath comes first.
_ORDER = ("water", "green", "buildings", "railway", "roads")
assert set(_ORDER) == set(KINDS)


def read_base(session: Session) -> TileSet:
    """Read the features of all kinds."""
    parts = []
    for kind in _ORDER:
        rows = session.execute(
            select(
                BaseFeature.id, BaseFeature.class_name, BaseFeature.name, raw(session, BaseFeature.geometry)
            )
            .where(BaseFeature.kind == kind)
            .order_by(BaseFeature.id)
        ).all()
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        told = {"class": texts([row[1] for row in rows]), "name": texts([row[2] for row in rows])}
        shapes = decode(session, [row[3] for row in rows])
        first = FROM_ZOOM[kind]
        zooms = np.full(len(rows), first, dtype=np.int64)
        if kind == "roads":
            zooms[:] = [ROADS_FROM_ZOOM.get(name or "", first) for name in told["class"].tolist()]
        surfaces = np.isin(shapely.get_type_id(shapes), (3, 6))
        for chosen, made in ((surfaces, Polygons), (~surfaces, Lines)):
            if chosen.any():
                drawn: Drawn = made(shapes[chosen], ids[chosen])
                own = {key: column[chosen] for key, column in told.items()}
                parts.append(
                    Part(
                        kind,
                        drawn,
                        own,
                        digests_of(shapes[chosen], {"id": ids[chosen], **own}),
                        shapely.bounds(shapes[chosen]),
                        minzoom=int(zooms[chosen].min()),
                        from_zoom=zooms[chosen] if kind == "roads" else None,
                    )
                )
    return TileSet("base", parts)


def state_of_base(session: Session) -> tuple[object, ...]:
    """Return what differs whenever the base map does: its features are replaced, never changed."""
    return tuple(session.execute(select(func.count(), func.max(BaseFeature.id))).one())
