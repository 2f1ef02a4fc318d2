"""Assignments: which entity belonged to which cell from when to when, written only where that changes."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gis.assign import assign
from gis.crs import LONLAT
from gis.errors import NotFoundError
from gis.locate import PointLocator
from layers.db.bbox import Box, in_box
from layers.db.bulk import Objects, among, decode, in_force, insert_rows, raw, read_rows
from layers.db.locks import lock_scheme
from layers.entities.intervals import LASTING, Content, Row, Span, reconcile
from layers.models import Assignment, Cell, Entity, EntityVersion, Scheme

_FEW = 5_000
# With more entities than this, reading all is no slower than choosing them by their keys.


class Changes(NamedTuple):
    """How many rows of assignments were ended and inserted."""

    ended: int
    inserted: int


class _States(NamedTuple):
    """States of entities: from `start` to before `end` entity `entity` had the geometry `shape`."""

    entity: list[int]
    start: list[date]
    end: list[date]
    shape: Objects


def assign_entities(
    session: Session, scheme_id: int, on: date, entity_ids: Collection[int] | None = None
) -> Changes:
    """Bring the assignments of a scheme up to date from a date on, and write only what differs.

    Every state that an entity has from that date on is assigned to the cells in force at the time, also where
    a plan published for a later date changes them. Rows that are right stay as they are; rows that are not
    are ended, on the day they began where that is later, and followed by new ones.

    Parameters
    ----------
    session
        Of `Database.write`; flushed first. The scheme's lock is taken. Who locks entities beforehand does so
        with `key_share=True`, or publishing, which refers to them, and he wait for each other.
    scheme_id
        The scheme.
    on
        The first day that may have changed.
    entity_ids
        The entities that may have changed; all when not given. Ended ones lose their lasting rows.

    Raises
    ------
    NotFoundError
        If there is no such scheme.
    """
    scheme = session.get(Scheme, scheme_id)
    if scheme is None:
        raise NotFoundError(f"There is no scheme number {scheme_id}.")
    session.flush()
    lock_scheme(session, scheme_id, shared=entity_ids is not None)
    if entity_ids is not None:
        # Two who move one entity at once would both end its row.
        held = select(Entity.id).where(among(session, Entity.id, entity_ids)).order_by(Entity.id)
        session.execute(held.with_for_update(key_share=True))
    return _write(session, scheme, on, entity_ids)


def assign_near(session: Session, scheme: Scheme, on: date, changed: Objects) -> Changes:
    """Bring up to date, from a date on, the assignments that cells which changed that day can touch.

    That is much less than all where a plan changes a few cells, and the same as long as the cells cover the
    ground that they did.

    Parameters
    ----------
    session
        Whose transaction has locked the scheme.
    scheme, on
        As for `assign_entities`.
    changed
        The ground of cells that ended or began, in EPSG:4326.
    """
    touched: set[int] = set()
    if len(changed):
        box = _around(changed, scheme.rules.get("max_distance_m") or 0.0)
        touched.update(session.scalars(select(Entity.id).where(in_box(session, Entity, box))))
        touched.update(session.scalars(select(EntityVersion.entity_id).where(EntityVersion.valid_to > on)))
    # Two plain reads: an anti-join right after a bulk load, before ANALYZE, takes PostgreSQL minutes.
    lasting = select(Assignment.entity_id).where(
        Assignment.scheme_id == scheme.id, Assignment.valid_to.is_(None)
    )
    present = session.scalars(select(Entity.id).where(Entity.valid_to.is_(None))).all()
    touched.update(set(present).difference(session.scalars(lasting)))
    if not touched:
        return Changes(0, 0)
    return _write(session, scheme, on, touched if len(touched) <= _FEW else None)


def _around(shapes: Objects, distance_m: float) -> Box:
    west, south, east, north = shapely.total_bounds(shapes)
    # A degree of latitude is at least 110 km; what is a little too wide costs little.
    rise = distance_m / 110_000
    spread = rise / max(np.cos(np.radians(min(max(abs(south), abs(north)) + rise, 89.0))), 0.01)
    return Box(float(west - spread), float(south - rise), float(east + spread), float(north + rise))


def _write(session: Session, scheme: Scheme, on: date, entity_ids: Collection[int] | None) -> Changes:
    """Write what differs, for some entities or all."""
    session.flush()
    wanted = _wanted(session, scheme, on, entity_ids)
    existing = _existing(session, scheme.id, on, entity_ids)
    ended: dict[date, list[int]] = defaultdict(list)
    inserts: list[tuple[int, Span]] = []
    for entity, spans in wanted.items():
        if entity not in existing:
            inserts.extend((entity, span) for span in spans)
    for entity, rows in existing.items():
        ends, spans = reconcile(rows, wanted.get(entity, ()), on)
        for number, day in ends:
            ended[day].append(number)
        inserts.extend((entity, span) for span in spans)
    for day, numbers in sorted(ended.items()):
        session.execute(
            update(Assignment).where(among(session, Assignment.id, numbers)).values(valid_to=day),
            execution_options={"synchronize_session": False},
        )
    inserts.sort(key=lambda pair: (pair[0], pair[1].start))
    insert_rows(
        session, Assignment.metadata.tables["assignments"], [_row(scheme.id, *pair) for pair in inserts]
    )
    for known in list(session.identity_map.values()):
        if isinstance(known, Assignment):
            session.expire(known)
    return Changes(sum(map(len, ended.values())), len(inserts))


def reassign(session: Session, on: date, entity_ids: Collection[int] | None = None) -> Changes:
    """Bring the assignments of every scheme up to date: what a change of entities asks for.

    Parameters
    ----------
    session, on, entity_ids
        As for `assign_entities`.
    """
    schemes = session.scalars(select(Scheme.id).order_by(Scheme.id)).all()
    changes = [assign_entities(session, scheme_id, on, entity_ids) for scheme_id in schemes]
    return Changes(sum(each.ended for each in changes), sum(each.inserted for each in changes))


def _wanted(
    session: Session, scheme: Scheme, on: date, entity_ids: Collection[int] | None
) -> dict[int, list[Span]]:
    """Return what the assignments should be from a date on: per entity spans in order."""
    wanted: dict[int, list[Span]] = defaultdict(list)
    states: _States | None = None
    for begin, finish in _periods(session, scheme.id, on):
        cells = _cells(session, scheme.id, begin)
        if cells.empty:
            continue
        if states is None:
            states = _states(session, on, entity_ids)
        rows = [
            row
            for row, (start, end) in enumerate(zip(states.start, states.end, strict=True))
            if start < finish and end > begin
        ]
        contents = _contents(states.shape[rows], PointLocator(cells), scheme)
        for row, content in zip(rows, contents, strict=True):
            spans = wanted[states.entity[row]]
            start, end = max(begin, states.start[row]), min(finish, states.end[row])
            if spans and spans[-1].end == start and spans[-1].content == content:
                spans[-1] = Span(spans[-1].start, end, content)
            else:
                spans.append(Span(start, end, content))
    return wanted


def _row(scheme_id: int, entity: int, span: Span) -> dict[str, Any]:
    return {
        "entity_id": entity,
        "scheme_id": scheme_id,
        **span.content._asdict(),
        "valid_from": span.start,
        "valid_to": None if span.end == LASTING else span.end,
    }


def _periods(session: Session, scheme_id: int, on: date) -> Iterator[tuple[date, date]]:
    """Cut time from a date on where cells begin or end."""
    bounds = select(Cell.valid_from, Cell.valid_to).where(
        Cell.scheme_id == scheme_id,
        Cell.valid_from.is_not(None),
        (Cell.valid_from > on) | (Cell.valid_to > on),
    )
    days = {
        day for pair in session.execute(bounds.distinct()) for day in pair if day is not None and day > on
    }
    cuts = [on, *sorted(days), LASTING]
    yield from pairwise(cuts)


def _cells(session: Session, scheme_id: int, on: date) -> gpd.GeoDataFrame:
    """Read codes and shapes of the cells in force on a date."""
    chosen = select(Cell.code, raw(session, Cell.geometry)).where(
        Cell.scheme_id == scheme_id, in_force(Cell.valid_from, Cell.valid_to, on)
    )
    rows = read_rows(session, chosen)
    shapes = decode(session, [row[1] for row in rows])
    return gpd.GeoDataFrame({"code": [row[0] for row in rows]}, geometry=shapes, crs=LONLAT)


def _states(session: Session, on: date, entity_ids: Collection[int] | None) -> _States:
    """Read the states that last beyond a date, in order of entity and time."""
    former = select(
        EntityVersion.entity_id,
        EntityVersion.valid_from,
        EntityVersion.valid_to,
        raw(session, EntityVersion.geometry),
    ).where(EntityVersion.valid_to > on, EntityVersion.valid_to > EntityVersion.valid_from)
    present = select(Entity.id, Entity.valid_from, Entity.valid_to, raw(session, Entity.geometry)).where(
        Entity.valid_to.is_(None) | (Entity.valid_to > on)
    )
    if entity_ids is not None:
        former = former.where(among(session, EntityVersion.entity_id, entity_ids))
        present = present.where(among(session, Entity.id, entity_ids))
    rows = [tuple(row) for row in read_rows(session, former)]
    last: dict[int, date] = {}
    for entity, _start, end, _shape in rows:
        last[entity] = max(end, last.get(entity, end))
    for entity, start, end, shape in read_rows(session, present):
        # A state begins where the one before it ends, also if the entity tells when it came into being.
        begin = max(start, last.get(entity, start))
        if end is None or end > begin:
            rows.append((entity, begin, LASTING if end is None else end, shape))
    rows.sort(key=lambda row: row[:2])
    return _States(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        decode(session, [row[3] for row in rows]),
    )


def _contents(shapes: Objects, cells: PointLocator, scheme: Scheme) -> Iterator[Content]:
    """Assign shapes, each as if it were alone."""
    answer = assign(
        gpd.GeoDataFrame(geometry=shapes, crs=LONLAT),
        cells,
        max_distance_m=scheme.rules.get("max_distance_m"),
        crs=CRS.from_user_input(scheme.working_crs),
        measured_outside=0,
    ).frame
    method, reason = answer["assign_method"].to_numpy(), answer["reason"].to_numpy(copy=True)
    # Whether a datum is wrong is judged by the company of a record.
    reason[reason == "wrong_datum"] = "outside"
    distance: Any = np.round(answer["distance_m"].to_numpy(dtype=float), 3).astype(object)
    distance[method != "nearest"] = None
    columns = (
        answer["cell_code"].to_numpy(dtype=object).tolist(),
        np.round(answer["cell_share"].to_numpy(dtype=float), 9).tolist(),
        method.tolist(),
        distance.tolist(),
        reason.tolist(),
    )
    return (Content(*values) for values in zip(*columns, strict=True))


def _existing(
    session: Session, scheme_id: int, on: date, entity_ids: Collection[int] | None
) -> dict[int, list[Row]]:
    """Read the rows that last beyond a date, per entity in order of time."""
    rows = select(
        Assignment.entity_id,
        Assignment.id,
        Assignment.valid_from,
        Assignment.valid_to,
        Assignment.cell_code,
        Assignment.share,
        Assignment.method,
        Assignment.distance_m,
        Assignment.reason,
    ).where(
        Assignment.scheme_id == scheme_id,
        Assignment.valid_to.is_(None)
        | ((Assignment.valid_to > on) & (Assignment.valid_to > Assignment.valid_from)),
    )
    if entity_ids is not None:
        rows = rows.where(among(session, Assignment.entity_id, entity_ids))
    existing: dict[int, list[Row]] = defaultdict(list)
    for entity, number, start, end, code, share, method, distance, reason in read_rows(
        session, rows.order_by(Assignment.valid_from)
    ):
        content = Content(code, share, method, distance, reason)
        existing[entity].append(Row(number, start, LASTING if end is None else end, content))
    return existing


def owner_history(session: Session, entity_id: int, scheme_id: int | None = None) -> list[Assignment]:
    """Return the assignments an entity had, in order of scheme and time.

    Rows that were replaced on the day they began are left out, for they never held.
    """
    rows = select(Assignment).where(
        Assignment.entity_id == entity_id,
        Assignment.valid_to.is_(None) | (Assignment.valid_to > Assignment.valid_from),
    )
    if scheme_id is not None:
        rows = rows.where(Assignment.scheme_id == scheme_id)
    return list(session.scalars(rows.order_by(Assignment.scheme_id, Assignment.valid_from)))


def owner_as_of(session: Session, entity_id: int, scheme_id: int, on: date) -> Assignment | None:
    """Return the assignment of an entity under a scheme on a date, or None where there is none."""
    return session.scalar(
        select(Assignment).where(
            Assignment.entity_id == entity_id,
            Assignment.scheme_id == scheme_id,
            in_force(Assignment.valid_from, Assignment.valid_to, on),
        )
    )
