"""Drafts: made from cells, whose columns, areas and measures are brought into one form; also their end."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime
from typing import Any, TypeVar, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gis.arrays import ObjectArray
from gis.codes import normalize_codes, require_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import ConflictError, InputError, NotFoundError
from gis.measures import measure_cells
from gis.topology.nesting import find_parents
from gis.topology.polygon_layer import read_polygon_layer
from layers.areas.hierarchy import planning_day, read_area_geometries, read_hierarchy
from layers.db import geopackage
from layers.db.bulk import insert_columns, is_postgresql
from layers.fields.personal import gather_personal, require_public_names
from layers.models import Cell, CellLock, CellUnit, Plan, PlanEdit, PlanOfficers, PlanState, Scheme, Waiver
from layers.plans.history import UNNAMED, lock_plan, record_step
from layers.plans.states import Step, require_step, take_step
from layers.plans.unit_drafts import make_cells_over_units
from layers.plans.units import insert_members

_Frame = TypeVar("_Frame", bound=pd.DataFrame)

_STANDARD_COLUMNS = frozenset(
    {"id", "plan_id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m"}
    | {"attributes", "valid_from", "valid_to"}
)


def create_draft(
    session: Session,
    scheme_id: int,
    cells: pd.DataFrame | None,
    *,
    name: str,
    created_by: str,
    area_code: str | None = None,
    personal: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    units_on: date | None = None,
) -> Plan:
    """Create a draft of a plan.

    Parameters
    ----------
    cells
        Polygons in any CRS with a unique `code`, and optionally name, kind, parent and area_code. A cell
        that names no area belongs to the smallest one that holds most of it. Other columns, and the
        dictionaries of a column `attributes`, become attributes, or personal values where they are about
        people; those of a column `personal` become personal values. Area and perimeter are measured again.

        Under a scheme over another each unit must lie in one cell as a whole; the union of its units takes
        the place of a cell's polygon, which must be the same ground. With `units` cells need no polygons, or
        may be None.
    name
        Of the plan.
    created_by
        The label of its creator.
    area_code
        The area that the plan divides; all areas when not given.
    personal
        Columns that are personal beside those that are recognised.
    units
        Under a scheme over another, the code of each unit's cell by the code of the unit.
    units_on
        The day whose units are meant; today when not given.

    Raises
    ------
    InputError
        If there are no cells, a code is missing or used twice, a geometry is not a polygon with finite
        coordinates, a name holds the number of a person, or a personal column is not there; or if the cells
        are not made of whole units, as `layers.plans.unit_drafts.make_cells_over_units` refuses them.
    NotFoundError
        If there is no such scheme or area.
    """
    scheme = session.get(Scheme, scheme_id)
    if scheme is None:
        raise NotFoundError(f"There is no scheme number {scheme_id}.")
    members, day = None, None
    if scheme.unit_scheme_id is not None:
        day = units_on or date.today()
        given = pd.DataFrame({"code": sorted(set((units or {}).values()))}) if cells is None else cells
        frame, members = make_cells_over_units(
            session, scheme, _standardise_cells(given), units, on=day, area_code=area_code
        )
    elif units is not None or units_on is not None:
        raise InputError(f"The cells of scheme '{scheme.code}' are not made of units; give cells alone.")
    elif not isinstance(cells, gpd.GeoDataFrame):
        raise InputError("The cells of a plan need polygons.")
    else:
        frame = _standardise_cells(cells)
    plan = Plan(
        scheme_id=scheme_id,
        name=name,
        state=PlanState.draft,
        area_code=area_code,
        created_by=created_by,
        created_at=datetime.now(UTC),
        units_on=day,
        version=1,
    )
    store_draft(session, plan, frame, members, personal=personal)
    return plan


def store_draft(
    session: Session,
    plan: Plan,
    cells: gpd.GeoDataFrame,
    members: pd.DataFrame | None,
    *,
    personal: Collection[str] = (),
) -> None:
    """Store a new plan with its cells.

    Parameters
    ----------
    plan
        Not stored yet.
    cells
        In EPSG:4326 with code, name, kind, parent and area_code, otherwise as `create_draft` takes them.
    members
        The units of the cells, as `layers.plans.units.insert_members` takes them; None where there are none.
    personal
        As for `create_draft`.

    Raises
    ------
    InputError
        If a personal column is not there.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    columns = _cell_columns(session, scheme, cells, plan.area_code, personal)
    session.add(plan)
    session.flush()
    _insert_cells(session, plan, columns)
    if members is not None:
        insert_members(session, plan, members)


def rename_draft(
    session: Session,
    plan_id: int,
    name: str,
    version: int | None = None,
    scope: str | None = None,
    *,
    author: str = UNNAMED,
) -> Plan:
    """Give a draft another name.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the change is based on; not compared when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    author
        The label of who does it.

    Raises
    ------
    NotFoundError
        If there is no such plan.
    StaleError
        If the plan has another version by now.
    ConflictError
        If it is no draft.
    InputError
        If the name is empty.
    """
    plan = lock_plan(session, plan_id, version, scope)
    if not name.strip():
        raise InputError("A plan needs a name.")
    take_step(plan, Step.rename)
    record_step(session, plan, Step.rename, author, former=plan.name)
    plan.name = name.strip()
    session.flush()
    return plan


def delete_draft(
    session: Session, plan_id: int, version: int | None = None, scope: str | None = None
) -> Plan:
    """Delete a draft or withdrawn plan with its cells and its history; it must never have been published.

    Parameters and errors are those of `rename_draft`.

    Returns
    -------
    Plan
        As it was.

    Raises
    ------
    ConflictError
        If it is in another state, was published once, or a draft of a plan above was made for it.
    """
    plan = lock_plan(session, plan_id, version, scope)
    require_step(plan, Step.delete)
    steps = select(PlanEdit.id).where(PlanEdit.plan_id == plan.id)
    if session.scalar(steps.where(PlanEdit.action == Step.publish).limit(1)) is not None:
        raise ConflictError(f"Plan {plan.id} was published once; withdraw it, and it stays in the list.")
    carried = session.scalar(select(Plan.id).where(Plan.carried_from_id == plan.id).limit(1))
    if carried is not None:
        raise ConflictError(f"Plan {carried} was made for plan {plan.id}; delete that one first.")
    cells = select(Cell.id).where(Cell.plan_id == plan.id)
    proposed = update(Plan).where(Plan.proposed_from_id == plan.id).values(proposed_from_id=None)
    session.execute(proposed, execution_options={"synchronize_session": False})
    for rows in (
        delete(CellUnit).where(CellUnit.cell_id.in_(cells)),
        delete(Cell).where(Cell.plan_id == plan.id),
        delete(PlanEdit).where(PlanEdit.plan_id == plan.id),
        delete(PlanOfficers).where(PlanOfficers.plan_id == plan.id),
        delete(CellLock).where(CellLock.plan_id == plan.id),
        delete(Waiver).where(Waiver.plan_id == plan.id),
    ):
        session.execute(rows, execution_options={"synchronize_session": False})
    session.delete(plan)
    session.flush()
    return plan


def _cell_columns(
    session: Session,
    scheme: Scheme,
    cells: gpd.GeoDataFrame,
    area_code: str | None,
    personal: Collection[str],
) -> dict[str, list[Any]]:
    """Return the columns of a draft's rows of cells, all but the plan."""
    crs = CRS.from_user_input(scheme.working_crs)
    frame = measure_cells(cells, crs)
    frame["area_code"] = _assign_area_codes(session, frame, crs, area_code)
    extra = [column for column in frame.columns if column not in {*_STANDARD_COLUMNS, "geometry"}]
    collected = _collect_attributes(frame, extra)
    known = {key for attributes in collected for key in attributes}
    if absent := set(personal) - known:
        fields = ", ".join(sorted(known)) or "none"
        raise InputError(
            f"The cells have no attribute '{min(absent)}' to keep as personal (they have: {fields})."
        )
    separated = []
    for attributes in collected:
        given = attributes.pop("personal") if isinstance(attributes.get("personal"), dict) else {}
        separated.append(gather_personal(attributes, given, "cell", personal))
    stored = ("code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "geometry")
    return {
        "scheme_id": [scheme.id] * len(frame),
        **{column: frame[column].to_numpy(dtype=object).tolist() for column in stored},
        "attributes": [each.public for each in separated],
        "personal": [each.personal for each in separated],
    }


def _standardise_cells(cells: _Frame) -> _Frame:
    """Return cells with text in the standard columns and two-dimensional polygons in EPSG:4326, if any."""
    if not len(cells):
        raise InputError("A plan needs at least one cell.")
    if "code" not in cells.columns:
        raise InputError("The cells have no column 'code'; name the field that holds it.")
    codes = require_codes(cells["code"])
    repeated = np.flatnonzero(pd.Series(codes).duplicated().to_numpy())
    if len(repeated):
        raise InputError(
            f"Record {repeated[0] + 1} uses the code '{codes[repeated[0]]}' again; codes are unique."
        )
    frame = cells.copy()
    if isinstance(cells, gpd.GeoDataFrame):
        frame = cast("_Frame", _standardise_polygons(cells, codes))
    frame["code"] = codes
    for column, missing in (("name", codes), ("kind", ""), ("parent", None), ("area_code", None)):
        texts = (
            normalize_codes(frame[column])
            if column in frame.columns
            else np.full(len(frame), "", dtype=object)
        )
        is_empty = texts == ""
        texts[is_empty] = missing[is_empty] if isinstance(missing, np.ndarray) else missing
        frame[column] = texts
    require_public_names(frame["name"], codes)
    return frame


def _standardise_polygons(cells: gpd.GeoDataFrame, codes: ObjectArray) -> gpd.GeoDataFrame:
    """Return cells with two-dimensional polygons in EPSG:4326."""
    lonlat = to_lonlat(cells)
    geometries = np.asarray(shapely.force_2d(lonlat.geometry.to_numpy()), dtype=object)
    for fault, bad in (
        ("has no geometry", shapely.is_missing(geometries) | shapely.is_empty(geometries)),
        ("is no polygon", ~np.isin(shapely.get_type_id(geometries), (3, 6))),
        ("has coordinates that are not finite", ~np.isfinite(shapely.bounds(geometries)).all(axis=1)),
    ):
        rows = np.flatnonzero(bad)
        if len(rows):
            raise InputError(f"Record {rows[0] + 1} (code '{codes[rows[0]]}') {fault}.")
    columns = [column for column in lonlat.columns if column != lonlat.geometry.name]
    return gpd.GeoDataFrame(
        {column: lonlat[column].to_numpy() for column in columns}, geometry=geometries, crs=LONLAT
    )


def _assign_area_codes(
    session: Session, cells: gpd.GeoDataFrame, crs: CRS, area_code: str | None
) -> ObjectArray:
    """Return the area of each cell: the one it names, or else the smallest with the largest share of it."""
    codes: ObjectArray = cells["area_code"].to_numpy(dtype=object, copy=True)
    day = planning_day(session, area_code)
    inside = read_hierarchy(session, day).subtree(area_code)
    nameless = np.flatnonzero(cells["area_code"].isna().to_numpy())
    if len(nameless) and inside:
        areas = read_polygon_layer(read_area_geometries(session, inside, day), crs)
        polygons = read_polygon_layer(cells.iloc[nameless], crs).polygons
        rows = find_parents(polygons, areas, np.full(len(polygons), "", dtype=object))
        found = rows >= 0
        codes[nameless[found]] = areas.codes[rows[found]]
    return codes


def _collect_attributes(frame: gpd.GeoDataFrame, extra: list[str]) -> list[dict[str, Any]]:
    """Return the attributes of each cell: those given as dictionaries, and its other columns."""
    collected: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    if "attributes" in frame.columns:
        collected = [dict(value) if isinstance(value, dict) else {} for value in frame["attributes"]]
    for column in extra:
        for attributes, value in zip(collected, frame[column].tolist(), strict=True):
            if isinstance(value, list | dict) or not pd.isna(value):
                attributes[str(column)] = (
                    value if isinstance(value, bool | int | float | str | list | dict) else str(value)
                )
    return collected


def _insert_cells(session: Session, plan: Plan, columns: dict[str, list[Any]]) -> None:
    connection, table = session.connection(), Cell.metadata.tables["cells"]
    embedded = not is_postgresql(session)
    with geopackage.extending_rtree(connection, table.name) if embedded else nullcontext():
        insert_columns(session, table, {**columns, "plan_id": [plan.id] * len(columns["code"])})
