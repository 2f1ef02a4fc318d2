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

from gis.arrays import ObjectArray
from gis.assign import assign_to_cells
from gis.crs import LONLAT
from gis.errors import NotFoundError
from gis.locate import PointLocator
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, id_in, insert_rows, raw_geometry, read_rows
from layers.db.locks import lock_scheme
from layers.models import Assignment, Cell, Entity, EntityVersion, Scheme
from layers.plans.cells import cells_as_of
from layers.plans.intervals import OPEN_END, AssignmentValues, Interval, StoredAssignment, diff_intervals

_READ_ALL_ABOVE = 5_000
# With more entities than this, reading all is no slower than choosing them by their keys.


class AssignmentChanges(NamedTuple):
    """How many rows of assignments were ended and inserted."""

    ended: int
    inserted: int


class _EntityStates(NamedTuple):
    """States of entities: from `start` to before `end` entity `entity` had the geometry `shape`."""

    entity_ids: list[int]
    starts: list[date]
    ends: list[date]
    geometries: ObjectArray


def assign_entities(
    session: Session, scheme_id: int, on: date, entity_ids: Collection[int] | None = None
) -> AssignmentChanges:
    """Bring the assignments of a scheme up to date from a date on, and write only what differs.

    Every state that an entity has from that date on is assigned to the cells in force at the time, also where
    a plan published for a later date changes them. Rows that are right stay as they are; rows that are not
    are ended, on the day they began where that is later, and followed by new ones.

    Parameters
    ----------
    session
        Of `Database.write`; flushed first. The scheme's lock is taken. Entities locked beforehand
        must be locked with `key_share=True`; otherwise this deadlocks with publishing, which refers to them.
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
        locked = select(Entity.id).where(id_in(session, Entity.id, entity_ids)).order_by(Entity.id)
        session.execute(locked.with_for_update(key_share=True))
    return _write_differences(session, scheme, on, entity_ids)


def assign_near(
    session: Session, scheme: Scheme, on: date, changed_geometries: ObjectArray
) -> AssignmentChanges:
    """Bring up to date, from a date on, the assignments that cells which changed that day can touch.

    That is much less than all where a plan changes a few cells, and the same as long as the cells cover the
    ground that they did.

    Parameters
    ----------
    session
        Whose transaction has locked the scheme.
    scheme, on
        As for `assign_entities`.
    changed_geometries
        The ground of cells that ended or began, in EPSG:4326.
    """
    touched: set[int] = set()
    if len(changed_geometries):
        bbox = buffered_bbox(changed_geometries, scheme.rules.get("max_distance_m") or 0.0)
        touched.update(session.scalars(select(Entity.id).where(bbox_intersects(session, Entity, bbox))))
        touched.update(session.scalars(select(EntityVersion.entity_id).where(EntityVersion.valid_to > on)))
    # Two plain reads: an anti-join right after a bulk load, before ANALYZE, takes PostgreSQL minutes.
    lasting = select(Assignment.entity_id).where(
        Assignment.scheme_id == scheme.id, Assignment.valid_to.is_(None)
    )
    present = session.scalars(select(Entity.id).where(Entity.valid_to.is_(None))).all()
    touched.update(set(present).difference(session.scalars(lasting)))
    if not touched:
        return AssignmentChanges(0, 0)
    return _write_differences(session, scheme, on, touched if len(touched) <= _READ_ALL_ABOVE else None)


def buffered_bbox(geometries: ObjectArray, distance_m: float) -> BBox:
    """Return the box of geometries in EPSG:4326 and of what is within a distance of it."""
    west, south, east, north = shapely.total_bounds(geometries)
    # A degree of latitude is at least 110 km; what is a little too wide costs little.
    lat_margin = distance_m / 110_000
    lon_margin = lat_margin / max(
        np.cos(np.radians(min(max(abs(south), abs(north)) + lat_margin, 89.0))), 0.01
    )
    return BBox(
        float(west - lon_margin),
        float(south - lat_margin),
        float(east + lon_margin),
        float(north + lat_margin),
    )


def _write_differences(
    session: Session, scheme: Scheme, on: date, entity_ids: Collection[int] | None
) -> AssignmentChanges:
    """Write what differs, for some entities or all."""
    session.flush()
    expected = _expected_intervals(session, scheme, on, entity_ids)
    existing = _read_stored(session, scheme.id, on, entity_ids)
    ended: dict[date, list[int]] = defaultdict(list)
    inserts: list[tuple[int, Interval]] = []
    for entity, intervals in expected.items():
        if entity not in existing:
            inserts.extend((entity, span) for span in intervals)
    for entity, rows in existing.items():
        ends, intervals = diff_intervals(rows, expected.get(entity, ()), on)
        for number, day in ends:
            ended[day].append(number)
        inserts.extend((entity, interval) for interval in intervals)
    for day, numbers in sorted(ended.items()):
        session.execute(
            update(Assignment).where(id_in(session, Assignment.id, numbers)).values(valid_to=day),
            execution_options={"synchronize_session": False},
        )
    inserts.sort(key=lambda pair: (pair[0], pair[1].start))
    insert_rows(
        session,
        Assignment.metadata.tables["assignments"],
        [_column_values(scheme.id, *pair) for pair in inserts],
    )
    for known in list(session.identity_map.values()):
        if isinstance(known, Assignment):
            session.expire(known)
    return AssignmentChanges(sum(map(len, ended.values())), len(inserts))


def update_assignments(
    session: Session, on: date, entity_ids: Collection[int] | None = None
) -> AssignmentChanges:
    """Bring the assignments of every scheme up to date: what a change of entities asks for.

    Parameters
    ----------
    session, on, entity_ids
        As for `assign_entities`.
    """
    schemes = session.scalars(select(Scheme.id).order_by(Scheme.id)).all()
    changes = [assign_entities(session, scheme_id, on, entity_ids) for scheme_id in schemes]
    return AssignmentChanges(sum(each.ended for each in changes), sum(each.inserted for each in changes))


def _expected_intervals(
    session: Session, scheme: Scheme, on: date, entity_ids: Collection[int] | None
) -> dict[int, list[Interval]]:
    """Return what the assignments should be from a date on: per entity spans in order."""
    expected: dict[int, list[Interval]] = defaultdict(list)
    states: _EntityStates | None = None
    for begin, finish in _periods(session, scheme.id, on):
        cells = cells_as_of(session, scheme.id, begin, columns=("code",))
        if cells.empty:
            continue
        if states is None:
            states = _read_states(session, on, entity_ids)
        rows = [
            row
            for row, (start, end) in enumerate(zip(states.starts, states.ends, strict=True))
            if start < finish and end > begin
        ]
        assigned = _assign_geometries(states.geometries[rows], PointLocator(cells), scheme)
        for row, values in zip(rows, assigned, strict=True):
            intervals = expected[states.entity_ids[row]]
            start, end = max(begin, states.starts[row]), min(finish, states.ends[row])
            if intervals and intervals[-1].end == start and intervals[-1].values == values:
                intervals[-1] = Interval(intervals[-1].start, end, values)
            else:
                intervals.append(Interval(start, end, values))
    return expected


def _column_values(scheme_id: int, entity: int, interval: Interval) -> dict[str, Any]:
    return {
        "entity_id": entity,
        "scheme_id": scheme_id,
        **interval.values._asdict(),
        "valid_from": interval.start,
        "valid_to": None if interval.end == OPEN_END else interval.end,
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
    cuts = [on, *sorted(days), OPEN_END]
    yield from pairwise(cuts)


def _read_states(session: Session, on: date, entity_ids: Collection[int] | None) -> _EntityStates:
    """Read the states that last beyond a date, in order of entity and time."""
    former = select(
        EntityVersion.entity_id,
        EntityVersion.valid_from,
        EntityVersion.valid_to,
        raw_geometry(session, EntityVersion.geometry),
    ).where(EntityVersion.valid_to > on, EntityVersion.valid_to > EntityVersion.valid_from)
    present = select(
        Entity.id, Entity.valid_from, Entity.valid_to, raw_geometry(session, Entity.geometry)
    ).where(Entity.valid_to.is_(None) | (Entity.valid_to > on))
    if entity_ids is not None:
        former = former.where(id_in(session, EntityVersion.entity_id, entity_ids))
        present = present.where(id_in(session, Entity.id, entity_ids))
    rows = [tuple(row) for row in read_rows(session, former)]
    last: dict[int, date] = {}
    for entity, _start, end, _geometry in rows:
        last[entity] = max(end, last.get(entity, end))
    for entity, start, end, geometry in read_rows(session, present):
        # A state begins where the one before it ends, also if the entity tells when it came into being.
        begin = max(start, last.get(entity, start))
        if end is None or end > begin:
            rows.append((entity, begin, OPEN_END if end is None else end, geometry))
    rows.sort(key=lambda row: row[:2])
    return _EntityStates(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        decode_geometries(session, [row[3] for row in rows]),
    )


def _assign_geometries(
    geometries: ObjectArray, cells: PointLocator, scheme: Scheme
) -> Iterator[AssignmentValues]:
    """Assign shapes, each as if it were alone."""
    assigned = assign_to_cells(
        gpd.GeoDataFrame(geometry=geometries, crs=LONLAT),
        cells,
        max_distance_m=scheme.rules.get("max_distance_m"),
        crs=CRS.from_user_input(scheme.working_crs),
        max_measured_outside=0,
    ).frame
    method, reason = assigned["assign_method"].to_numpy(), assigned["reason"].to_numpy(copy=True)
    # Whether a datum is wrong is judged by the company of a record.
    reason[reason == "wrong_datum"] = "outside"
    distance: Any = np.round(assigned["distance_m"].to_numpy(dtype=float), 3).astype(object)
    distance[method != "nearest"] = None
    columns = (
        assigned["cell_code"].to_numpy(dtype=object).tolist(),
        np.round(assigned["cell_share"].to_numpy(dtype=float), 9).tolist(),
        method.tolist(),
        distance.tolist(),
        reason.tolist(),
    )
    return (AssignmentValues(*values) for values in zip(*columns, strict=True))


def _read_stored(
    session: Session, scheme_id: int, on: date, entity_ids: Collection[int] | None
) -> dict[int, list[StoredAssignment]]:
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
        rows = rows.where(id_in(session, Assignment.entity_id, entity_ids))
    stored: dict[int, list[StoredAssignment]] = defaultdict(list)
    for entity, number, start, end, code, share, method, distance, reason in read_rows(
        session, rows.order_by(Assignment.valid_from)
    ):
        values = AssignmentValues(code, share, method, distance, reason)
        stored[entity].append(StoredAssignment(number, start, OPEN_END if end is None else end, values))
    return stored


def assignment_history(session: Session, entity_id: int, scheme_id: int | None = None) -> list[Assignment]:
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
