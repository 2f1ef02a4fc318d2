"""Which rows and columns of the database a layer has in a file: areas, cells, entities, gaps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from gis.errors import InputError, NotFoundError
from layers.areas.hierarchy import read_ground
from layers.db.bbox import Box, in_box
from layers.db.bulk import in_force, raw
from layers.formats.write_batches import GEOMETRY
from layers.gaps.runs import newest_run
from layers.models import Area, Assignment, Cell, Entity, EntityVersion, Gap, GapRun
from layers.plans.schemes import find_scheme

Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Filters:
    """Which rows of a layer to export; what is not given does not restrict.

    Attributes
    ----------
    area_code
        An area: itself or what lies in it or in an area beneath it.
    box
        What meets a box.
    on
        The state of a date; the present one when not given.
    kind
        Entities, or gaps, of a kind.
    scheme
        Code of the scheme of cells or gaps. For entities it adds their cell in it.
    cell_code
        Entities, or gaps, of a cell of the scheme.
    severity
        Gaps of a severity.
    run
        Gaps of this run; those of the last one on or before the date when not given.
    """

    area_code: str | None = None
    box: Box | None = None
    on: date | None = None
    kind: str | None = None
    scheme: str | None = None
    cell_code: str | None = None
    severity: str | None = None
    run: int | None = None


class Source(NamedTuple):
    """A layer: its standard columns, the columns that hold documents, and the statements that select both.

    Each statement selects a growing `key`, the columns, the documents and the undecoded geometry.
    """

    columns: dict[str, pa.DataType]
    documents: tuple[str, ...]
    statements: list[Rows]


def _areas(session: Session, filters: Filters, _personal: bool) -> Source:
    chosen: Rows = select(Area.id.label("key"), Area.code, Area.name, Area.level, Area.parent)
    chosen = chosen.add_columns(raw(session, Area.geometry).label(GEOMETRY))
    if filters.area_code is not None:
        chosen = chosen.where(_among(Area.code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, Area, filters.box))
    return Source(dict.fromkeys(("code", "name", "level", "parent"), pa.string()), (), [chosen])


def _cells(session: Session, filters: Filters, _personal: bool) -> Source:
    if filters.scheme is None:
        raise InputError("Cells belong to a scheme; name one.")
    scheme = find_scheme(session, filters.scheme)
    types = {
        **dict.fromkeys(("code", "name", "kind", "parent", "area_code"), pa.string()),
        **dict.fromkeys(("area_m2", "perimeter_m"), pa.float64()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    chosen: Rows = select(Cell.id.label("key"), *(getattr(Cell, name) for name in types), Cell.attributes)
    chosen = chosen.add_columns(raw(session, Cell.geometry).label(GEOMETRY)).where(
        Cell.scheme_id == scheme.id, in_force(Cell.valid_from, Cell.valid_to, filters.on or date.today())
    )
    if filters.area_code is not None:
        chosen = chosen.where(_among(Cell.area_code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, Cell, filters.box))
    return Source(types, ("attributes",), [chosen])


def _entities(session: Session, filters: Filters, personal: bool) -> Source:
    types = {
        **dict.fromkeys(("id", "kind", "name", "class_name", "area_code"), pa.string()),
        **dict.fromkeys(("valid_from", "valid_to"), pa.date32()),
    }
    documents = ("attributes", "personal") if personal else ("attributes",)
    if filters.scheme is not None:
        types |= {"cell_code": pa.string(), "cell_share": pa.float64(), "assign_method": pa.string()}
    statements = [_states(session, Entity, filters, documents)]
    if filters.on is not None:
        statements.append(_states(session, EntityVersion, filters, documents))
    return Source(types, documents, statements)


def _states(
    session: Session, model: type[Entity | EntityVersion], filters: Filters, documents: tuple[str, ...]
) -> Rows:
    """Select present states of entities, or former ones."""
    chosen: Rows = select(
        model.id.label("key"),
        Entity.external_id.label("id"),
        Entity.kind,
        model.name,
        model.class_name,
        model.area_code,
        model.valid_from,
        model.valid_to,
    )
    if model is EntityVersion:
        chosen = chosen.join(Entity, Entity.id == EntityVersion.entity_id)
    day = filters.on or date.today()
    if filters.scheme is not None:
        belongs = (
            (Assignment.entity_id == Entity.id)
            & (Assignment.scheme_id == find_scheme(session, filters.scheme).id)
            & in_force(Assignment.valid_from, Assignment.valid_to, day)
        )
        chosen = chosen.add_columns(
            Assignment.cell_code,
            Assignment.share.label("cell_share"),
            Assignment.method.label("assign_method"),
        ).outerjoin(Assignment, belongs)
    chosen = chosen.add_columns(
        *(getattr(model, name) for name in documents), raw(session, model.geometry).label(GEOMETRY)
    )
    if filters.on is None:
        chosen = chosen.where(model.valid_to.is_(None))
    else:
        chosen = chosen.where(in_force(model.valid_from, model.valid_to, filters.on))
    if filters.kind is not None:
        chosen = chosen.where(Entity.kind == filters.kind)
    if filters.cell_code is not None:
        if filters.scheme is None:
            raise InputError("A cell is known by its scheme and its code; name the scheme too.")
        chosen = chosen.where(Assignment.cell_code == filters.cell_code)
    if filters.area_code is not None:
        chosen = chosen.where(_among(model.area_code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, model, filters.box))
    return chosen


def _gaps(session: Session, filters: Filters, _personal: bool) -> Source:
    types = {
        **dict.fromkeys(("kind", "severity", "cell_code", "area_code"), pa.string()),
        "area_m2": pa.float64(),
        **dict.fromkeys(("households", "enterprises"), pa.int64()),
        **dict.fromkeys(("rule", "detail"), pa.string()),
    }
    run = _run(session, filters)
    chosen: Rows = select(Gap.id.label("key"), *(getattr(Gap, name) for name in types), Gap.figures)
    chosen = chosen.add_columns(
        GapRun.id.label("run"), GapRun.on.label("on"), raw(session, Gap.geometry).label(GEOMETRY)
    )
    chosen = chosen.join(GapRun, GapRun.id == Gap.run_id).where(Gap.run_id == run)
    for column, wanted in (
        (Gap.kind, filters.kind),
        (Gap.severity, filters.severity),
        (Gap.cell_code, filters.cell_code),
    ):
        if wanted is not None:
            chosen = chosen.where(column == wanted)
    if filters.area_code is not None:
        chosen = chosen.where(_among(Gap.area_code, session, filters.area_code))
    if filters.box is not None:
        chosen = chosen.where(in_box(session, Gap, filters.box))
    return Source({"run": pa.int64(), "on": pa.date32(), **types}, ("figures",), [chosen])


def _run(session: Session, filters: Filters) -> int:
    """Return the run that is meant: the one named, or the last that looked at all of the ground asked for."""
    if filters.scheme is None:
        raise InputError("Gaps are found in the cells of a scheme; name one.")
    scheme = find_scheme(session, filters.scheme)
    if filters.run is None:
        found = newest_run(session, scheme.id, filters.area_code, until=filters.on or date.today())
    else:
        found = session.get(GapRun, filters.run)
    if found is None or found.scheme_id != scheme.id:
        raise NotFoundError(f"There is no such run of gaps of the scheme '{scheme.code}'.")
    return found.id


SOURCES: Mapping[str, Callable[[Session, Filters, bool], Source]] = {
    "areas": _areas,
    "cells": _cells,
    "entities": _entities,
    "gaps": _gaps,
}
"""How the rows of each layer are selected: by filters, with personal values or without."""


def _among(column: Any, session: Session, area_code: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(sorted(read_ground(session).below(area_code)))
    return found
