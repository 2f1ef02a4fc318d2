"""The tiles of a run of gaps: ground and places that something is missing from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.bulk import decode, raw
from layers.models import Gap
from layers.tiles import Lines, Points, Polygons
from layers.tilesets.tile_set import Drawn, Objects, Part, TileSet, digests_of, texts

_TEXTS = ("kind", "severity", "cell_code")
_NUMBERS = ("area_m2", "households", "enterprises")


def read_gaps(session: Session, run_id: int) -> TileSet:
    """Read the gaps of a run that have a place."""
    columns = [getattr(Gap, name) for name in (*_TEXTS, *_NUMBERS)]
    rows = session.execute(
        select(Gap.id, Gap.area_code, raw(session, Gap.geometry), *columns)
        .where(Gap.run_id == run_id, Gap.geometry.is_not(None))
        .order_by(Gap.id)
    ).all()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    area_codes, shapes = texts([row[1] for row in rows]), decode(session, [row[2] for row in rows])
    told: dict[str, Any] = {name: texts([row[3 + n] for row in rows]) for n, name in enumerate(_TEXTS)}
    for number, name in enumerate(_NUMBERS, 3 + len(_TEXTS)):
        told[name] = np.array([row[number] for row in rows], dtype=float if name == "area_m2" else np.int64)
    told["area_m2"] = np.round(told["area_m2"], 1)
    parts = []
    shape = shapely.get_type_id(shapes)
    made: tuple[tuple[tuple[int, ...], Callable[[Objects, Any], Drawn]], ...] = (
        ((3, 6), Polygons),
        ((1, 2, 5), Lines),
        ((0, 4), _points),
    )
    for types, draw in made:
        chosen = np.isin(shape, types) & ~shapely.is_empty(shapes)
        if chosen.any():
            own = {key: column[chosen] for key, column in told.items()}
            parts.append(
                Part(
                    "gaps",
                    draw(shapes[chosen], ids[chosen]),
                    own,
                    digests_of(shapes[chosen], {"id": ids[chosen], **own}),
                    shapely.bounds(shapes[chosen]),
                    area_codes[chosen],
                )
            )
    return TileSet("gaps", parts)


def _points(shapes: Objects, ids: Any) -> Points:
    """Several points are shown as one in their midst."""
    spots = shapely.centroid(shapes)
    return Points(shapely.get_x(spots), shapely.get_y(spots), ids)
