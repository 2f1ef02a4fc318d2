"""What gaps are looked for in: the cells, areas and entities of a day, read from the database."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import InputError
from gis.gaps import GapInput
from layers.areas.hierarchy import Ground, read_ground
from layers.db.bulk import Objects, decode, in_force, raw
from layers.models import Area, Assignment, Cell, Entity, EntityVersion, Scheme

Rows = Select[*tuple[Any, ...]]

_PAGE = 50_000


class Search(NamedTuple):
    """What a search looks in, and the codes of the areas whose gaps it is about; None for all."""

    given: GapInput
    codes: frozenset[str] | None


def read_search(session: Session, scheme: Scheme, on: date, area_code: str | None) -> Search:
    """Read what a search for gaps needs from one state of the database.

    Parameters
    ----------
    on
        The day: its cells, and the states and cells that entities had then. Areas are those of today.
    area_code
        Read this ground alone: its areas, the cells on it, the entities in either. Service points are read
        from everywhere, because the nearest may lie across the border.

    Raises
    ------
    InputError
        If no cells of the scheme are in force on that day on the ground.
    NotFoundError
        If there is no such area.
    """
    ground = read_ground(session)
    codes = None if area_code is None else ground.below(area_code)
    areas = _areas(session, codes)
    cells = _cells(session, scheme.id, on, areas, ground, area_code)
    if cells.empty:
        where = "" if area_code is None else f" in area {area_code}"
        raise InputError(
            f"Scheme '{scheme.code}' has no cells in force on {on}{where}; publish a plan first."
        )
    entities = _entities(session, scheme.id, on, codes)
    if codes is not None:
        # One that belongs to a cell across the border is not without a cell.
        named = entities["cell_code"]
        entities = entities[named.isna() | named.isin(set(cells["code"]))].reset_index(drop=True)
    given = GapInput(
        cells=cells,
        areas=None if areas.empty else areas,
        entities=None if entities.empty else entities,
        service_points=_service_points(session, on),
        crs=CRS.from_user_input(scheme.working_crs),
    )
    return Search(given, None if codes is None else frozenset(codes))


def _areas(session: Session, codes: Collection[str] | None) -> gpd.GeoDataFrame:
    chosen = select(Area.code, Area.parent, raw(session, Area.geometry)).order_by(Area.code)
    if codes is not None:
        chosen = chosen.where(Area.code.in_(sorted(codes)))
    return _frame(session, session.execute(chosen).all(), ("code", "parent"))


def _cells(
    session: Session,
    scheme_id: int,
    on: date,
    areas: gpd.GeoDataFrame,
    ground: Ground,
    area_code: str | None,
) -> gpd.GeoDataFrame:
    chosen = select(Cell.code, Cell.area_code, raw(session, Cell.geometry)).where(
        Cell.scheme_id == scheme_id, in_force(Cell.valid_from, Cell.valid_to, on)
    )
    if area_code is None:
        return _frame(session, session.execute(chosen.order_by(Cell.code)).all(), ("code", "area_code"))
    # A cell of an area above, or of none, may fill this ground too.
    wider = or_(Cell.area_code.is_(None), Cell.area_code.in_(ground.above(area_code)))
    chosen = chosen.where(or_(Cell.area_code.in_(sorted(ground.below(area_code))), wider))
    cells = _frame(session, session.execute(chosen.order_by(Cell.code)).all(), ("code", "area_code"))
    on_it = shapely.STRtree(np.asarray(areas.geometry, dtype=object)).query(
        np.asarray(cells.geometry, dtype=object), predicate="intersects"
    )[0]
    inside = cells["area_code"].isin(ground.below(area_code)).to_numpy(dtype=bool, copy=True)
    inside[on_it] = True
    return cells[inside].reset_index(drop=True)


def _entities(session: Session, scheme_id: int, on: date, codes: Collection[str] | None) -> gpd.GeoDataFrame:
    """Read the states of a day with the cells they belonged to."""
    columns = ("kind", "id", "area_code", "households", "enterprises", "cell_code", "reason")
    rows: list[tuple[Any, ...]] = []
    # Few values stand in many rows; each is kept once.
    once: dict[Any, Any] = {}
    for model in (Entity, EntityVersion):
        chosen = _states(session, model, on).add_columns(Assignment.cell_code, Assignment.reason)
        belongs = (
            (Assignment.entity_id == Entity.id)
            & (Assignment.scheme_id == scheme_id)
            & in_force(Assignment.valid_from, Assignment.valid_to, on)
        )
        chosen = chosen.outerjoin(Assignment, belongs)
        if codes is not None:
            theirs = select(Cell.code).where(
                Cell.scheme_id == scheme_id,
                in_force(Cell.valid_from, Cell.valid_to, on),
                Cell.area_code.in_(sorted(codes)),
            )
            chosen = chosen.where(or_(model.area_code.in_(sorted(codes)), Assignment.cell_code.in_(theirs)))
        for shape, kind, number, area, homes, firms, cell, reason in _paged(session, chosen):
            kept = (once.setdefault(value, value) for value in (kind, area, cell, reason))
            kind, area, cell, reason = kept
            rows.append((kind, number, area, homes, firms, cell, reason, shape))
    return _frame(session, rows, columns)


def _states(session: Session, model: type[Entity | EntityVersion], on: date) -> Rows:
    """Select geometry, kind, identity, area and weights of the states of a day."""
    chosen: Rows = select(
        raw(session, model.geometry),
        Entity.kind,
        Entity.external_id,
        model.area_code,
        model.attributes["households"].as_string(),
        model.attributes["enterprises"].as_string(),
    )
    if model is EntityVersion:
        chosen = chosen.join(Entity, Entity.id == EntityVersion.entity_id)
    return chosen.where(in_force(model.valid_from, model.valid_to, on))


def _service_points(session: Session, on: date) -> gpd.GeoDataFrame | None:
    rows: list[Any] = []
    for model in (Entity, EntityVersion):
        chosen: Rows = select(model.class_name, raw(session, model.geometry))
        if model is EntityVersion:
            chosen = chosen.join(Entity, Entity.id == EntityVersion.entity_id)
        rows += session.execute(
            chosen.where(Entity.kind == "service_point", in_force(model.valid_from, model.valid_to, on))
        ).all()
    found = _frame(session, rows, ("class",))
    return None if found.empty else found.fillna({"class": ""})


def _paged(session: Session, chosen: Rows) -> Iterator[Any]:
    for page in session.execute(chosen.execution_options(yield_per=_PAGE)).partitions():
        yield from page


def _frame(session: Session, rows: Collection[Any], columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Make a frame of rows whose last value is an undecoded geometry."""
    listed = list(rows)
    # Object columns, so that pandas turns no None into NaN.
    values = {
        name: pd.Series([row[place] for row in listed], dtype=object) for place, name in enumerate(columns)
    }
    shapes: Objects = decode(session, [row[-1] for row in listed])
    return gpd.GeoDataFrame(values, geometry=shapes, crs=LONLAT)
