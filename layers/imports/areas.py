"""Importing areas: the hierarchy checked as a whole, rows written where they differ."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from gis.areas import build_hierarchy
from gis.crs import LONLAT
from gis.progress import Note, no_note
from layers.areas.locator import AreaLocator
from layers.days import require_near_day
from layers.db.bulk import decode_geometries, raw_geometry
from layers.db.database import Database, bump_revision
from layers.entities.lifecycle import archive_versions
from layers.fields.personal import require_public_names
from layers.models import Area, Entity

_COLUMNS = ("code", "name", "level", "parent")
_PAGE_SIZE = 20_000


class AreaImportSummary(NamedTuple):
    """What an import of areas did; `moved` counts the entities that now lie in another area."""

    inserted: int
    updated: int
    unchanged: int
    moved: int


def import_areas(
    database: Database,
    frame: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    confirmed: bool = False,
    note: Note = no_note,
    before_commit: Callable[[Session, AreaImportSummary], None] | None = None,
) -> AreaImportSummary:
    """Bring areas into the database; those it holds beside the frame stay.

    Parameters
    ----------
    database
        Migrated.
    frame
        EPSG:4326 with code, name, level, parent, geometry, as `layers.fields.columns.standardise_areas` gives
        it. Parents are completed where no area of the frame names one.
    on
        The date from which entities lie in their new areas; today when not given.
    confirmed
        The day is meant, however far from today it is.
    note
        Told which areas name a parent that is neither in the frame nor in the database.
    before_commit
        Called last in the transaction; what it raises undoes the import.

    Raises
    ------
    InputError
        If a code is missing or used twice, a geometry is not usable, parents run in a circle, a name holds
        what identifies a person, or the date is far from today and not confirmed.
    CoverageError
        If the areas, new and old together, do not nest.
    """
    day = require_near_day(on, confirmed=confirmed)
    require_public_names(frame["name"], frame["code"])
    with database.write() as session:
        present = _read_areas(session)
        merged = _merge_areas(frame, present, note)
        known = {code: row for row, code in enumerate(present["code"])}
        rows = np.array([known.get(code, -1) for code in merged["code"]], dtype=int)
        new = merged[rows < 0]
        old = merged[rows >= 0].reset_index(drop=True)
        before = present.iloc[rows[rows >= 0]].reset_index(drop=True)
        differs = ~shapely.equals_identical(old.geometry.to_numpy(), before.geometry.to_numpy())
        for column in ("name", "level", "parent"):
            differs |= (old[column] != before[column]).to_numpy() & ~(
                old[column].isna() & before[column].isna()
            ).to_numpy()
        changed = old[differs]
        if len(new):
            session.execute(insert(Area), _column_values(new))
        if len(changed):
            numbers = before["id"].to_numpy()[differs].tolist()
            session.execute(
                update(Area),
                [
                    {"id": number, **values}
                    for number, values in zip(numbers, _column_values(changed), strict=True)
                ],
            )
        moved = 0
        if len(new) or len(changed):
            session.flush()
            moved = _update_area_codes(session, day)
            bump_revision(session)
        imported = int(merged["code"].isin(frame["code"].astype(str)).sum())
        summary = AreaImportSummary(len(new), len(changed), imported - len(new) - len(changed), moved)
        if before_commit is not None:
            before_commit(session, summary)
        return summary


def _read_areas(session: Session) -> gpd.GeoDataFrame:
    columns = [Area.id, *(getattr(Area, name) for name in _COLUMNS), raw_geometry(session, Area.geometry)]
    rows = session.execute(select(*columns).order_by(Area.id)).all()
    table = pd.DataFrame([tuple(row)[:-1] for row in rows], columns=["id", *_COLUMNS], dtype=object)
    return gpd.GeoDataFrame(table, geometry=decode_geometries(session, [row[-1] for row in rows]), crs=LONLAT)


def _merge_areas(frame: gpd.GeoDataFrame, present: gpd.GeoDataFrame, note: Note) -> gpd.GeoDataFrame:
    """Return the areas of the frame, then those the database holds beside, as one checked hierarchy."""
    columns = [*_COLUMNS, "geometry"]
    others = present[~present["code"].isin(frame["code"])]
    merged = frame[columns].reset_index(drop=True).astype(dict.fromkeys(_COLUMNS, object))
    if others.empty:
        return build_hierarchy(merged, note=note)
    merged = pd.concat([merged, others[columns]], ignore_index=True)
    if frame["parent"].isna().all():
        completed = build_hierarchy(merged.assign(parent=None))
        parents = completed["parent"].to_numpy(dtype=object, copy=True)
        parents[len(frame) :] = others["parent"].to_numpy(dtype=object)
        merged = merged.assign(parent=pd.Series(parents, dtype=object))
    return build_hierarchy(merged, note=note)


def _column_values(areas: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    table = areas[list(_COLUMNS)].astype(object)
    rows = table.where(table.notna(), None).itertuples(index=False)
    return [
        {**dict(zip(_COLUMNS, row, strict=True)), "geometry": geometry}
        for row, geometry in zip(rows, areas.geometry.to_numpy(), strict=True)
    ]


def _update_area_codes(session: Session, on: date) -> int:
    """Give every entity with a location the area it lies in now; return how many lay in another."""
    locator = AreaLocator(session)
    moved = 0
    for numbers, areas, geometries in _read_entity_pages(session):
        found = locator.locate(geometries)
        differs = np.flatnonzero((found != areas) & ~shapely.is_missing(geometries)).tolist()
        if not differs:
            continue
        ids = [numbers[row] for row in differs]
        archive_versions(session, ids, on)
        session.connection().execute(
            update(Entity.metadata.tables["entities"])
            .where(Entity.id == bindparam("number"))
            .values(area_code=bindparam("area")),
            [{"number": numbers[row], "area": found[row]} for row in differs],
        )
        moved += len(differs)
    session.expire_all()
    return moved


def _read_entity_pages(session: Session) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Walk the entities that have not ended in pages by their keys."""
    last = 0
    while True:
        rows = session.execute(
            select(Entity.id, Entity.area_code, raw_geometry(session, Entity.geometry))
            .where(Entity.id > last, Entity.valid_to.is_(None))
            .order_by(Entity.id)
            .limit(_PAGE_SIZE)
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        areas = np.array([row[1] for row in rows], dtype=object)
        yield [row[0] for row in rows], areas, decode_geometries(session, [row[2] for row in rows])
