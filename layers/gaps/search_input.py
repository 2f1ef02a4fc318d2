"""What gaps are looked for in: the cells, areas and entities of a day, read from the database."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from gis.crs import LONLAT
from gis.errors import InputError
from gis.gaps import GapInput
from gis.gaps.kind import ENTITY_FIGURES
from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.versions import areas_in_force
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, in_force, raw_geometry
from layers.entities.states import StateModel, select_states
from layers.models import Area, Assignment, Cell, CoverageMode, Entity, Gap, GapRun, Scheme
from layers.plans.cells import cells_in_force

RowSelect = Select[*tuple[Any, ...]]

_PAGE_SIZE = 50_000


class GapSearch(NamedTuple):
    """What a search looks in, and the codes of the areas whose gaps it is about; None for all."""

    gap_input: GapInput
    area_codes: frozenset[str] | None


def read_gap_search(session: Session, scheme: Scheme, on: date, area_code: str | None) -> GapSearch:
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
    hierarchy = read_hierarchy(session, on)
    codes = None if area_code is None else hierarchy.subtree(area_code)
    areas = _read_areas(session, codes, on)
    cells = _read_cells(session, scheme.id, on, areas, hierarchy, area_code)
    if cells.empty:
        where = "" if area_code is None else f" in area {area_code}"
        raise InputError(
            f"Scheme '{scheme.code}' has no cells in force on {on}{where}; publish a plan first."
        )

    def concerned(model: StateModel) -> ColumnElement[bool]:
        if codes is None:
            return true()
        area_cells = select(Cell.code).where(cells_in_force(scheme.id, on), Cell.area_code.in_(sorted(codes)))
        return or_(model.area_code.in_(sorted(codes)), Assignment.cell_code.in_(area_cells))

    entities = _read_entities(session, scheme.id, on, concerned)
    if codes is not None:
        # One that belongs to a cell across the border is not without a cell.
        cell_codes = entities["cell_code"]
        entities = entities[cell_codes.isna() | cell_codes.isin(set(cells["code"]))].reset_index(drop=True)
    gap_input = GapInput(
        cells=cells,
        areas=None if areas.empty else areas,
        entities=None if entities.empty else entities,
        service_points=_read_service_points(session, on),
        crs=CRS.from_user_input(scheme.working_crs),
        whole=scheme.coverage == CoverageMode.whole,
    )
    return GapSearch(gap_input, None if codes is None else frozenset(codes))


def read_gap_surroundings(session: Session, scheme: Scheme, run: GapRun, gap: Gap) -> GapInput:
    """Read what a gap was found in: its cell, the entities in it and on the gap's ground, all service points.

    The entities are of the day of the run, with the ids of their rows as `key`.
    """
    cells = select(Cell.code, Cell.area_code, raw_geometry(session, Cell.geometry)).where(
        cells_in_force(scheme.id, run.on), Cell.code == gap.cell_code
    )
    bounds = None if gap.geometry is None else BBox(*shapely.bounds(gap.geometry))
    figures = [gap.figures.get(name) for name in ENTITY_FIGURES]

    def concerned(model: StateModel) -> ColumnElement[bool]:
        is_named = (Entity.kind == figures[0]) & (Entity.external_id == figures[1])
        near = false() if bounds is None else bbox_intersects(session, model, bounds)
        return or_(Assignment.cell_code == gap.cell_code, is_named, near)

    return GapInput(
        cells=_to_frame(session, session.execute(cells).all(), ("code", "area_code")),
        entities=_read_entities(session, scheme.id, run.on, concerned),
        service_points=_read_service_points(session, run.on),
        crs=CRS.from_user_input(scheme.working_crs),
    )


def _read_areas(session: Session, codes: Collection[str] | None, on: date) -> gpd.GeoDataFrame:
    chosen = select(Area.code, Area.parent, raw_geometry(session, Area.geometry)).order_by(Area.code)
    chosen = chosen.where(areas_in_force(on))
    if codes is not None:
        chosen = chosen.where(Area.code.in_(sorted(codes)))
    return _to_frame(session, session.execute(chosen).all(), ("code", "parent"))


def _read_cells(
    session: Session,
    scheme_id: int,
    on: date,
    areas: gpd.GeoDataFrame,
    hierarchy: AreaHierarchy,
    area_code: str | None,
) -> gpd.GeoDataFrame:
    chosen = select(Cell.code, Cell.area_code, raw_geometry(session, Cell.geometry)).where(
        cells_in_force(scheme_id, on)
    )
    if area_code is None:
        return _to_frame(session, session.execute(chosen.order_by(Cell.code)).all(), ("code", "area_code"))
    # A cell of an area above, or of none, may fill this ground too.
    wider = or_(Cell.area_code.is_(None), Cell.area_code.in_(hierarchy.ancestors(area_code)))
    own_areas = sorted(hierarchy.subtree(area_code))
    # So may one of the area beside it, which then overlaps with cells of this.
    beside = bbox_intersects(session, Cell, BBox(*areas.total_bounds)) if len(areas) else false()
    chosen = chosen.where(or_(Cell.area_code.in_(own_areas), wider, beside))
    cells = _to_frame(session, session.execute(chosen.order_by(Cell.code)).all(), ("code", "area_code"))
    polygons = np.asarray(cells.geometry, dtype=object)
    is_own = cells["area_code"].isin(own_areas).to_numpy(dtype=bool)
    is_wider = (
        cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(area_code))
    ).to_numpy()
    inside = is_own.copy()
    grounds = shapely.STRtree(np.asarray(areas.geometry, dtype=object))
    inside[grounds.query(polygons, predicate="intersects")[0]] = True
    inside &= is_own | is_wider
    foreign = np.flatnonzero(~(is_own | is_wider))
    own = polygons[is_own]
    rows, others = shapely.STRtree(own).query(polygons[foreign], predicate="intersects")
    overlaps = shapely.area(shapely.intersection(polygons[foreign][rows], own[others])) > 0
    inside[foreign[rows[overlaps]]] = True
    return cells[inside].reset_index(drop=True)


def _read_entities(
    session: Session,
    scheme_id: int,
    on: date,
    concerned: Callable[[StateModel], ColumnElement[bool]],
) -> gpd.GeoDataFrame:
    """Read the states of a day that are concerned, with the cells they belonged to."""
    columns = ("key", "kind", "id", "area_code", "households", "enterprises", "cell_code", "reason")
    rows: list[tuple[Any, ...]] = []
    # Few values stand in many rows; each is kept once.
    interned: dict[Any, Any] = {}
    for model, states in select_states(on, partial(_state_columns, session)):
        chosen = states.add_columns(Assignment.cell_code, Assignment.reason)
        is_assigned = (
            (Assignment.entity_id == Entity.id)
            & (Assignment.scheme_id == scheme_id)
            & in_force(Assignment.valid_from, Assignment.valid_to, on)
        )
        chosen = chosen.outerjoin(Assignment, is_assigned)
        chosen = chosen.where(concerned(model))
        for geometry, key, kind, number, area, households, enterprises, cell, reason in _iterate_rows(
            session, chosen
        ):
            shared = (interned.setdefault(value, value) for value in (kind, area, cell, reason))
            kind, area, cell, reason = shared
            rows.append((key, kind, number, area, households, enterprises, cell, reason, geometry))
    return _to_frame(session, rows, columns)


def _state_columns(session: Session, model: StateModel) -> tuple[Any, ...]:
    """Return geometry, id, kind, identity, area and weights of a state."""
    return (
        raw_geometry(session, model.geometry),
        Entity.id,
        Entity.kind,
        Entity.external_id,
        model.area_code,
        model.attributes["households"].as_string(),
        model.attributes["enterprises"].as_string(),
    )


def _read_service_points(session: Session, on: date) -> gpd.GeoDataFrame | None:
    rows: list[Any] = []
    for _model, states in select_states(
        on, lambda model: (model.class_name, raw_geometry(session, model.geometry))
    ):
        rows += session.execute(states.where(Entity.kind == "service_point")).all()
    found = _to_frame(session, rows, ("class",))
    return None if found.empty else found.fillna({"class": ""})


def _iterate_rows(session: Session, chosen: RowSelect) -> Iterator[Any]:
    for page in session.execute(chosen.execution_options(yield_per=_PAGE_SIZE)).partitions():
        yield from page


def _to_frame(session: Session, rows: Collection[Any], columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Make a frame of rows whose last value is an undecoded geometry."""
    listed = list(rows)
    # Object columns, so that pandas turns no None into NaN.
    values = {
        name: pd.Series([row[position] for row in listed], dtype=object)
        for position, name in enumerate(columns)
    }
    geometries: ObjectArray = decode_geometries(session, [row[-1] for row in listed])
    return gpd.GeoDataFrame(values, geometry=geometries, crs=LONLAT)
