"""The tiles of entities: each a point with its kind, class and cell, and at low zooms one for many."""

from functools import partial

import numpy as np
import shapely
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from layers.db.bulk import decode, raw
from layers.models import Assignment, Entity
from layers.tiles import Points
from layers.tilesets.tile_set import Part, TileSet, digests_of, texts

SINGLE_FROM_ZOOM = 15
"""From here on each entity is drawn; below, one for all in a small square, with their `count`."""


def read_entities(session: Session, kind: str | None, scheme_id: int | None) -> TileSet:
    """Read the present entities that have a location; a line or polygon stands by a point on it.

    Parameters
    ----------
    kind
        Only of this kind; all when None.
    scheme_id
        The scheme whose cells they name; none when None.
    """
    columns = [Entity.id, Entity.kind, Entity.class_name, Entity.area_code, raw(session, Entity.geometry)]
    asked = select(*columns).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
    if kind is not None:
        asked = asked.where(Entity.kind == kind)
    if scheme_id is not None:
        lasting = and_(
            Assignment.entity_id == Entity.id,
            Assignment.scheme_id == scheme_id,
            Assignment.valid_to.is_(None),
        )
        asked = asked.add_columns(Assignment.cell_code).outerjoin(Assignment, lasting)
    rows = session.execute(asked.order_by(Entity.id)).all()
    shapes = decode(session, [row[4] for row in rows])
    extended = shapely.get_type_id(shapes) != shapely.GeometryType.POINT
    shapes[extended] = shapely.point_on_surface(shapes[extended])
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    told = {"kind": texts([row[1] for row in rows]), "class_name": texts([row[2] for row in rows])}
    if scheme_id is not None:
        told["cell_code"] = texts([row[5] for row in rows])
    area_codes = texts([row[3] for row in rows])
    parts = []
    for each in sorted(set(told["kind"].tolist())):
        # Squares hold one kind: a count of unlike things says nothing.
        chosen = told["kind"] == each
        spots, own = shapes[chosen], {key: column[chosen] for key, column in told.items()}
        drawn = Points(shapely.get_x(spots), shapely.get_y(spots), ids[chosen])
        own["id"] = ids[chosen]
        digests, bounds = digests_of(spots, own), shapely.bounds(spots)
        common = (digests, bounds, area_codes[chosen])
        parts += [
            Part(
                "entities",
                drawn,
                own,
                *common,
                maxzoom=SINGLE_FROM_ZOOM - 1,
                encode=partial(drawn.thinned, shared=("kind",)),
                told={"count": "Number"},
            ),
            Part("entities", drawn, own, *common, minzoom=SINGLE_FROM_ZOOM),
        ]
    return TileSet("entities", parts)


def state_of_entities(session: Session) -> tuple[object, ...]:
    """Return what differs whenever the entities do: each change counts a version up, or ends one."""
    asked = select(func.count(), func.max(Entity.id), func.sum(Entity.version), func.count(Entity.valid_to))
    return tuple(session.execute(asked).one())
