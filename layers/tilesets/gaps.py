"""The tiles of a run of gaps: ground and places that something is missing from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from layers.db.bulk import decode_geometries, raw_geometry
from layers.gaps.gap_grounds import shared_grounds
from layers.models import Gap, GapRun
from layers.tiles import LineLayer, PointLayer, PolygonLayer
from layers.tilesets.tile_set import LayerPart, TileSet, VectorLayer, hash_features, object_array

_TEXTS = ("kind", "severity", "cell_code")
_NUMBERS = ("area_m2", "households", "enterprises")


def read_gaps(session: Session, run_id: int) -> TileSet:
    """Read the gaps of a run that have a place."""
    columns = [getattr(Gap, name) for name in (*_TEXTS, *_NUMBERS)]
    rows = session.execute(
        select(Gap.id, Gap.area_code, raw_geometry(session, Gap.geometry), *columns)
        .where(Gap.run_id == run_id, Gap.geometry.is_not(None))
        .order_by(Gap.id)
    ).all()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    area_codes, geometries = (
        object_array([row[1] for row in rows]),
        decode_geometries(session, [row[2] for row in rows]),
    )
    run = session.get_one(GapRun, run_id)
    shared = shared_grounds(session, run)
    properties: dict[str, Any] = {
        name: object_array([row[3 + n] for row in rows]) for n, name in enumerate(_TEXTS)
    }
    for number, name in enumerate(_NUMBERS, 3 + len(_TEXTS)):
        properties[name] = np.array(
            [row[number] for row in rows], dtype=float if name == "area_m2" else np.int64
        )
    # A tile is the same for all who see the gap, and some of them may not know this cell.
    properties["cell_code"][np.isin(ids, list(shared))] = None
    properties["area_m2"] = np.round(properties["area_m2"], 1)
    parts = []
    type_ids = shapely.get_type_id(geometries)
    made: tuple[tuple[tuple[int, ...], Callable[[ObjectArray, Any], VectorLayer]], ...] = (
        ((3, 6), PolygonLayer),
        ((1, 2, 5), LineLayer),
        ((0, 4), _centroid_layer),
    )
    for types, draw in made:
        chosen = np.isin(type_ids, types) & ~shapely.is_empty(geometries)
        if chosen.any():
            own = {key: column[chosen] for key, column in properties.items()}
            parts.append(
                LayerPart(
                    "gaps",
                    draw(geometries[chosen], ids[chosen]),
                    own,
                    hash_features(geometries[chosen], {"id": ids[chosen], **own}),
                    shapely.bounds(geometries[chosen]),
                    area_codes[chosen],
                    [
                        (row, ground.area_code)
                        for row, number in enumerate(ids[chosen].tolist())
                        for ground in shared.get(number, ())
                    ],
                )
            )
    return TileSet("gaps", parts)


def _centroid_layer(geometries: ObjectArray, ids: Any) -> PointLayer:
    """Several points are shown as one in their midst."""
    centroids = shapely.centroid(geometries)
    return PointLayer(shapely.get_x(centroids), shapely.get_y(centroids), ids)
