"""Which rows and columns of the database a layer has in a file: areas, cells, entities, gaps, officers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from gis.errors import InputError, NotFoundError
from gis.gaps import OutcomeState, Text, gap_outcomes
from layers.areas.scope import lies_in
from layers.areas.versions import areas_in_force
from layers.db.bbox import bbox_intersects
from layers.db.bulk import in_force, raw_geometry
from layers.entities.states import StateModel, select_states
from layers.exports.layer_query import ExportFilters, LayerQuery, RowSelect
from layers.exports.officers import select_officers
from layers.formats.write_batches import GEOMETRY_COLUMN
from layers.gaps.analysis import concerns_cell
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.gap_words import gap_words
from layers.gaps.run_visibility import find_visible_run
from layers.gaps.runs import newest_run
from layers.models import Area, Assignment, Cell, CellUnit, Entity, Gap, GapRun
from layers.plans.cells import cells_in_force, lies_in_scope
from layers.plans.schemes import find_scheme


def _select_areas(session: Session, filters: ExportFilters, _personal: bool) -> LayerQuery:
    chosen: RowSelect = select(Area.id.label("key"), Area.code, Area.name, Area.level, Area.parent)
    chosen = chosen.add_columns(Area.valid_from, Area.valid_to).where(areas_in_force(filters.on))
    chosen = chosen.add_columns(raw_geometry(session, Area.geometry).label(GEOMETRY_COLUMN))
    chosen = chosen.where(lies_in(Area.code, filters.area_code, filters.scope, filters.on))
    if filters.bbox is not None:
        chosen = chosen.where(bbox_intersects(session, Area, filters.bbox))
    types = {
        **dict.fromkeys(("code", "name", "level", "parent"), pa.string()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    return LayerQuery(types, (), [chosen])


def _select_cells(session: Session, filters: ExportFilters, personal: bool) -> LayerQuery:
    if filters.scheme is None:
        raise InputError("Cells belong to a scheme; name one.")
    scheme = find_scheme(session, filters.scheme)
    types = {
        **dict.fromkeys(("code", "name", "kind", "parent", "area_code"), pa.string()),
        **dict.fromkeys(("area_m2", "perimeter_m"), pa.float64()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    documents = ("attributes", "personal") if personal else ("attributes",)
    chosen: RowSelect = select(Cell.id.label("key"), *(getattr(Cell, name) for name in (*types, *documents)))
    chosen = chosen.add_columns(raw_geometry(session, Cell.geometry).label(GEOMETRY_COLUMN)).where(
        cells_in_force(scheme.id, filters.on or date.today())
    )
    chosen = chosen.where(lies_in(Cell.area_code, filters.area_code, filters.scope, filters.on))
    if filters.bbox is not None:
        chosen = chosen.where(bbox_intersects(session, Cell, filters.bbox))
    tables = {}
    if scheme.unit_scheme_id is not None:
        units = chosen.join(CellUnit, CellUnit.cell_id == Cell.id).with_only_columns(
            CellUnit.unit_code.label("unit"), Cell.code.label("cell")
        )
        tables["units"] = units.order_by(CellUnit.unit_code)
    return LayerQuery(types, documents, [chosen], tables=tables)


def _select_entities(session: Session, filters: ExportFilters, personal: bool) -> LayerQuery:
    types = {
        **dict.fromkeys(("id", "kind", "name", "class_name", "area_code"), pa.string()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    documents = ("attributes", "personal") if personal else ("attributes",)
    if filters.scheme is not None:
        types |= {"cell_code": pa.string(), "cell_share": pa.float64(), "assign_method": pa.string()}

    def columns(model: StateModel) -> list[Any]:
        return [
            model.id.label("key"),
            Entity.id.label("entity"),
            Entity.external_id.label("id"),
            Entity.kind,
            *(getattr(model, name) for name in ("name", "class_name", "area_code", "valid_from", "valid_to")),
            *(getattr(model, name) for name in documents),
            raw_geometry(session, model.geometry).label(GEOMETRY_COLUMN),
        ]

    statements = [
        _filter_states(session, model, states, filters)
        for model, states in select_states(filters.on, columns)
    ]
    return LayerQuery(types, documents, statements, personal_names=personal)


def _filter_states(
    session: Session, model: StateModel, chosen: RowSelect, filters: ExportFilters
) -> RowSelect:
    """Add to the query of states the cells they belong to, and restrict it as asked."""
    day = filters.on or date.today()
    if filters.scheme is not None:
        is_assigned = (
            (Assignment.entity_id == Entity.id)
            & lies_in_scope(Assignment.scheme_id, Assignment.cell_code, filters.scope)
            & (Assignment.scheme_id == find_scheme(session, filters.scheme).id)
            & in_force(Assignment.valid_from, Assignment.valid_to, day)
        )
        chosen = chosen.add_columns(
            Assignment.cell_code,
            Assignment.share.label("cell_share"),
            Assignment.method.label("assign_method"),
        ).outerjoin(Assignment, is_assigned)
    if filters.kind is not None:
        chosen = chosen.where(Entity.kind == filters.kind)
    if filters.cell_code is not None:
        if filters.scheme is None:
            raise InputError("A cell is known by its scheme and its code; name the scheme too.")
        chosen = chosen.where(Assignment.cell_code == filters.cell_code)
    chosen = chosen.where(lies_in(model.area_code, filters.area_code, filters.scope, filters.on))
    if filters.bbox is not None:
        chosen = chosen.where(bbox_intersects(session, model, filters.bbox))
    return chosen


def _select_gaps(session: Session, filters: ExportFilters, _personal: bool) -> LayerQuery:
    types = {
        **dict.fromkeys(("kind", "severity", "cell_code", "area_code"), pa.string()),
        "area_m2": pa.float64(),
        **dict.fromkeys(("households", "enterprises"), pa.int64()),
        **dict.fromkeys(("rule", "detail"), pa.string()),
    }
    run = _find_run(session, filters)
    chosen: RowSelect = select(Gap.id.label("key"), *(getattr(Gap, name) for name in types), Gap.figures)
    chosen = chosen.add_columns(
        GapRun.id.label("run"),
        GapRun.on.label("on"),
        raw_geometry(session, Gap.geometry).label(GEOMETRY_COLUMN),
    )
    chosen = chosen.join(GapRun, GapRun.id == Gap.run_id).where(Gap.run_id == run.id)
    for column, value in (
        (Gap.kind, filters.kind),
        (Gap.severity, filters.severity),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if filters.cell_code is not None:
        chosen = chosen.where(concerns_cell(session, [run.id], filters.cell_code, filters.scope))
    chosen = chosen.where(gaps_within(session, [run.id], filters.area_code))
    if filters.bbox is not None:
        chosen = chosen.where(bbox_intersects(session, Gap, filters.bbox))
    notes = tuple(
        Text(f"盲区，{each.sentence('zh')}。", f"Gaps, {each.sentence('en')}.")
        for each in gap_outcomes(run.summary)
        if each.state is not OutcomeState.analysed and filters.kind in (None, each.kind)
    )

    def told(rows: Sequence[Row[Any]], language: str) -> list[Mapping[str, Any]]:
        words = gap_words(session, filters.scope, run, rows, key="key")
        return [
            {
                **each.ground._asdict(),
                "figures": each.figures,
                "rule": getattr(each.rule, language),
                "detail": getattr(each.detail, language),
            }
            for each in words
        ]

    return LayerQuery({"run": pa.int64(), "on": pa.date32(), **types}, ("figures",), [chosen], notes, told)


def _find_run(session: Session, filters: ExportFilters) -> GapRun:
    """Return the run that is meant: the one named, or the last that looked at all of the ground asked for."""
    if filters.scheme is None:
        raise InputError("Gaps are found in the cells of a scheme; name one.")
    scheme = find_scheme(session, filters.scheme)
    if filters.run is None:
        day = filters.on or date.today()
        newest = newest_run(session, scheme.id, filters.area_code, until=day)
        if newest is None:
            where = "" if filters.area_code is None else f" in area {filters.area_code}"
            raise NotFoundError(
                f"The gaps of the scheme '{scheme.code}'{where} have not been analysed by {day}; "
                "search for them first."
            )
        return newest
    found, _ = find_visible_run(session, filters.scope, filters.run)
    if found is None or found.scheme_id != scheme.id:
        raise NotFoundError(f"There is no run of gaps number {filters.run} of the scheme '{scheme.code}'.")
    return found


LAYER_QUERIES: Mapping[str, Callable[[Session, ExportFilters, bool], LayerQuery]] = {
    "areas": _select_areas,
    "cells": _select_cells,
    "entities": _select_entities,
    "gaps": _select_gaps,
    "officers": select_officers,
}
"""How the rows of each layer are selected: by filters, with personal values or without."""
