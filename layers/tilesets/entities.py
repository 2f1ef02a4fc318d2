"""The tile set of entities: points with kind, class and cell, and at low zooms one point for many."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, partial

import numpy as np
import shapely
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import decode_geometries, raw_geometry
from layers.models import Assignment, Cell, Entity
from layers.tiles import PointLayer
from layers.tilesets.tile_set import LayerPart, TileSet, hash_features, object_array

UNCLUSTERED_MINZOOM = 15
"""From this zoom on each entity is drawn; below it, one point with a `count` for all in a small square."""


def read_entities(session: Session, kind: str | None, scheme_id: int | None) -> TileSet:
    """Read the current entities that have a location; a line or polygon is represented by a point on it.

    Parameters
    ----------
    kind
        Only of this kind; all when None.
    scheme_id
        The scheme of the cells that they name; none when None. A cell that not all who see the entity may
        see is not named: it lies elsewhere than the entity.
    """
    columns = [
        Entity.id,
        Entity.kind,
        Entity.class_name,
        Entity.area_code,
        raw_geometry(session, Entity.geometry),
    ]
    query = select(*columns).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
    if kind is not None:
        query = query.where(Entity.kind == kind)
    if scheme_id is not None:
        lasting = and_(
            Assignment.entity_id == Entity.id,
            Assignment.scheme_id == scheme_id,
            Assignment.valid_to.is_(None),
        )
        query = query.add_columns(Assignment.cell_code).outerjoin(Assignment, lasting)
    rows = session.execute(query.order_by(Entity.id)).all()
    geometries = decode_geometries(session, [row[4] for row in rows])
    extended = shapely.get_type_id(geometries) != shapely.GeometryType.POINT
    geometries[extended] = shapely.point_on_surface(geometries[extended])
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    properties = {
        "kind": object_array([row[1] for row in rows]),
        "class_name": object_array([row[2] for row in rows]),
    }
    area_codes = object_array([row[3] for row in rows])
    if scheme_id is not None:
        properties["cell_code"] = _visible_cells(session, scheme_id, area_codes, [row[5] for row in rows])
    parts = []
    for each in sorted(set(properties["kind"].tolist())):
        # Squares hold one kind: a count of different things says nothing.
        chosen = properties["kind"] == each
        points, own = geometries[chosen], {key: column[chosen] for key, column in properties.items()}
        layer = PointLayer(shapely.get_x(points), shapely.get_y(points), ids[chosen])
        own["id"] = ids[chosen]
        digests, bounds = hash_features(points, own), shapely.bounds(points)
        common = (digests, bounds, area_codes[chosen])
        parts += [
            LayerPart(
                "entities",
                layer,
                own,
                *common,
                maxzoom=UNCLUSTERED_MINZOOM - 1,
                encode=partial(layer.encode_clusters, shared=("kind",)),
                extra_fields={"count": "Number"},
            ),
            LayerPart("entities", layer, own, *common, minzoom=UNCLUSTERED_MINZOOM),
        ]
    return TileSet("entities", parts)


def _visible_cells(
    session: Session, scheme_id: int, area_codes: ObjectArray, cell_codes: Sequence[str | None]
) -> ObjectArray:
    """Return the codes of cells without those of cells that lie beyond the area of their entity."""
    hierarchy = read_hierarchy(session)
    chosen = select(Cell.code, Cell.area_code).where(
        Cell.scheme_id == scheme_id, Cell.valid_from.is_not(None)
    )
    cell_areas: dict[str, set[str | None]] = defaultdict(set)
    for code, area_code in session.execute(chosen.distinct()):
        cell_areas[code].add(area_code)

    @cache
    def is_visible(area_code: str | None, code: str) -> bool:
        # An entity in no area is seen by those alone who see everything.
        return all(hierarchy.covers(area_code, each) for each in cell_areas[code])

    return object_array(
        [
            code if code is not None and is_visible(area_code, code) else None
            for area_code, code in zip(area_codes, cell_codes, strict=True)
        ]
    )


def entities_fingerprint(session: Session) -> tuple[object, ...]:
    """Return a value that changes whenever the entities do: each change raises a version, or ends one."""
    query = select(func.count(), func.max(Entity.id), func.sum(Entity.version), func.count(Entity.valid_to))
    return tuple(session.execute(query).one())
