"""Reading the published state: areas, the dates on which a scheme changed, cells in force."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, func, select, union
from sqlalchemy.orm import Session

from gis.arrays import IntArray, ObjectArray
from layers.areas.versions import has_days
from layers.db.bulk import decode_geometries, id_in, raw_geometry, read_in_batches, read_rows, text_in
from layers.models import Area, AreaLineage, Cell, Plan, Scheme
from layers.plans.cells import cells_in_force
from layers.snapshot.areas import AreaTimeline, AreaVersion, followers_of
from layers.snapshot.cells import CellsInForce, CellVersions


def read_area_timeline(session: Session) -> AreaTimeline:
    """Read the names of all areas on all days, and what became of those that end."""
    columns = (Area.code, Area.name, Area.level, Area.parent, Area.valid_from, Area.valid_to)
    versions = [AreaVersion(*row) for row in session.execute(select(*columns).where(has_days()))]
    became: dict[str, list[str]] = defaultdict(list)
    ended: set[str] = set()
    kin = select(AreaLineage).order_by(AreaLineage.area_m2.desc())
    for each in session.scalars(kin):
        became[each.predecessor].append(each.successor)
        ended |= {each.predecessor} if each.ended else set()
    # Where an area became one other there is no doubt; only otherwise borders must tell.
    families = [followers_of(code, became) for code in ended]
    parted = {code for family in families if len(family) > 1 for code in family}
    shapes = select(Area.code, Area.valid_from, raw_geometry(session, Area.geometry)).where(
        text_in(session, Area.code, sorted(parted)), has_days()
    )
    rows = session.execute(shapes).all() if parted else []
    geometries = decode_geometries(session, [row[2] for row in rows])
    return AreaTimeline(
        versions, became, {(row[0], row[1]): shape for row, shape in zip(rows, geometries, strict=True)}
    )


def read_schemes(session: Session) -> list[tuple[int, str, str]]:
    """Read id, code and name of all schemes in the order of their codes."""
    rows = session.execute(select(Scheme.id, Scheme.code, Scheme.name))
    return sorted(((number, code, name) for number, code, name in rows), key=itemgetter(1))


def read_publications(session: Session) -> dict[int, tuple[object, ...]]:
    """Return the number of publications and the time of the last one for the id of each scheme.

    Only publications change which cells are in force when.
    """
    published = (
        select(Plan.scheme_id, func.count(), func.max(Plan.published_at), func.max(Plan.id))
        .where(Plan.published_at.is_not(None))
        .group_by(Plan.scheme_id)
    )
    return {number: tuple(rest) for number, *rest in session.execute(published)}


def read_change_dates(session: Session, scheme_id: int) -> NDArray[np.datetime64]:
    """Return the dates, ascending, on which the cells in force of a scheme change."""
    ours = Cell.scheme_id == scheme_id
    begun = select(Cell.valid_from).where(ours, Cell.valid_from.is_not(None))
    ended = select(Cell.valid_to).where(ours, Cell.valid_from.is_not(None), Cell.valid_to.is_not(None))
    days = session.scalars(union(begun, ended)).all()
    return np.sort(np.array(days, dtype="datetime64[D]"))


def read_version_ids(session: Session, scheme_id: int, day: date) -> IntArray:
    """Return the ids, ascending, of the versions of a scheme's cells that are in force on a day."""
    ids = [row[0] for row in read_rows(session, select(Cell.id).where(cells_in_force(scheme_id, day)))]
    return np.sort(np.array(ids, dtype=np.int64))


def read_cells_in_force(
    session: Session, scheme_id: int, day: date, known: CellsInForce | None = None
) -> CellsInForce:
    """Read the cells of a scheme that are in force on a day.

    Parameters
    ----------
    session
        Of the database.
    scheme_id, day
        Which cells.
    known
        Cells read before: returned if nothing has changed, and versions among them are not read again.
    """
    if known is None:
        return CellsInForce(_read_versions(session, cells_in_force(scheme_id, day)))
    ids = read_version_ids(session, scheme_id, day)
    if np.array_equal(known.versions.ids, ids):
        return known
    fresh = np.setdiff1d(ids, known.versions.ids, assume_unique=True)
    if 2 * len(fresh) > len(ids):
        return CellsInForce(_read_versions(session, cells_in_force(scheme_id, day)))
    kept = known.versions.subset(np.isin(known.versions.ids, ids, assume_unique=True))
    return CellsInForce(kept.merge(_read_versions(session, id_in(session, Cell.id, fresh.tolist()))))


def _read_versions(session: Session, chosen: ColumnElement[bool]) -> CellVersions:
    columns = (
        *(Cell.id, Cell.code, Cell.name, Cell.area_code, Cell.area_m2, Cell.perimeter_m),
        raw_geometry(session, Cell.geometry),
    )
    query = select(*columns).where(chosen).order_by(Cell.id)
    batches = [_to_versions(session, rows) for rows in read_in_batches(session, query)] or [
        _to_versions(session, [])
    ]
    return CellVersions._make(np.concatenate(column) for column in zip(*batches, strict=True))


def _to_versions(session: Session, rows: Sequence[Row[Any]]) -> CellVersions:
    columns = zip(*rows, strict=True) if rows else ((),) * 7
    ids, codes, names, area_codes, areas_m2, perimeters_m, geometries = columns
    return CellVersions(
        ids=np.array(ids, dtype=np.int64),
        codes=_object_array(codes),
        names=_object_array(names),
        # A few area codes, hundreds of times each.
        area_codes=_object_array([code and sys.intern(code) for code in area_codes]),
        areas_m2=np.array(areas_m2, dtype=float),
        perimeters_m=np.array(perimeters_m, dtype=float),
        geometries=decode_geometries(session, geometries),
    )


def _object_array(values: Sequence[Any]) -> ObjectArray:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result
