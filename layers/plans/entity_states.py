"""The states that entities had over a period: where they were, and from when to when."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from layers.areas.scope import within
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry, read_rows
from layers.models import Entity, EntityVersion


class EntityStates(NamedTuple):
    """States of entities: from `starts` to before `ends` entity `entities` of a kind was where it is told.

    Attributes
    ----------
    entities, kinds
        The number of the entity, and its kind, shape (n,).
    starts, ends
        Within the period that was asked for.
    geometries
        In EPSG:4326; None for an entity without a place.
    """

    entities: list[int]
    kinds: list[str]
    starts: list[date]
    ends: list[date]
    geometries: ObjectArray

    @property
    def days(self) -> list[int]:
        """For how many days each state lasted in the period."""
        return [(end - start).days for start, end in zip(self.starts, self.ends, strict=True)]


def read_states(
    session: Session, first: date, last: date, *, scope: str | None = None, bbox: BBox | None = None
) -> EntityStates:
    """Read the states of entities on the days from the first to the last, both included.

    Parameters
    ----------
    scope
        Only states in this area or beneath it; None for all.
    bbox
        Only those whose box meets this one.
    """
    rows: list[tuple[int, str, date, date, object]] = []
    beyond = last + timedelta(days=1)
    # A state begins where the one before it ends, also if the entity tells when it came into being.
    former_end: dict[int, date] = {}
    ended = select(EntityVersion.entity_id, EntityVersion.valid_to).order_by(EntityVersion.valid_to)
    former_end.update((entity, end) for entity, end in session.execute(ended))
    for model, number in ((EntityVersion, EntityVersion.entity_id), (Entity, Entity.id)):
        chosen = select(
            number, Entity.kind, model.valid_from, model.valid_to, raw_geometry(session, model.geometry)
        ).where(
            model.valid_from <= last,
            model.valid_to.is_(None) | ((model.valid_to > first) & (model.valid_to > model.valid_from)),
            within(model.area_code, scope),
        )
        if model is EntityVersion:
            chosen = chosen.join(Entity, Entity.id == EntityVersion.entity_id)
        if bbox is not None:
            chosen = chosen.where(bbox_intersects(session, model, bbox))
        for entity, kind, start, end, geometry in read_rows(session, chosen):
            begin = max(start, former_end.get(entity, start)) if model is Entity else start
            since, until = max(begin, first), beyond if end is None else min(end, beyond)
            if since < until:
                rows.append((entity, kind, since, until, geometry))
    rows.sort(key=lambda row: (row[0], row[2]))
    entities, kinds, starts, ends, blobs = ([row[place] for row in rows] for place in range(5))
    geometries = decode_geometries(session, blobs) if rows else np.empty(0, dtype=object)
    return EntityStates(entities, kinds, starts, ends, geometries)  # type: ignore[arg-type]
