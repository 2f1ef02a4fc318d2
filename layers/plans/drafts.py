"""Plans before they are in force: drafts of cells and the check that they fill their ground."""

import hashlib
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from sqlalchemy import delete
from sqlalchemy.orm import Session

from gis.codes import normalize_codes, require_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import ConflictError, InputError, NotFoundError
from gis.faces.overlay import OverlayTolerance, extract_polygons
from gis.measures import measure_cells
from gis.topology import TopologyReport, check_topology
from gis.topology.nesting import find_parents
from gis.topology.polygon_layer import read_polygon_layer
from layers.areas.hierarchy import read_area_geometries, read_hierarchy
from layers.db import geopackage
from layers.db.bulk import insert_columns, is_postgresql
from layers.gc_pause import paused_gc
from layers.models import Cell, Plan, PlanState, Scheme
from layers.plans.cells import plan_cells

MAX_STORED_FINDINGS = 1_000
"""How many findings of a check are stored; all are counted."""

_SLIVER = OverlayTolerance(0.01, 0.02)

_STANDARD_COLUMNS = frozenset(
    {"id", "plan_id", "code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m"}
    | {"attributes", "valid_from", "valid_to"}
)


def create_draft(
    session: Session,
    scheme_id: int,
    cells: gpd.GeoDataFrame,
    *,
    name: str,
    created_by: str,
    area_code: str | None = None,
) -> Plan:
    """Create a draft of a plan.

    Parameters
    ----------
    cells
        Polygons in any CRS with a unique `code`; name, kind, parent and area_code where there are any. A
        cell that names no area belongs to the smallest one that holds most of it. Other columns, and the
        dictionaries of a column `attributes`, become attributes; area and perimeter are measured anew.
    name, created_by
        Of the plan.
    area_code
        The area that the plan divides; all ground of the scheme when not given.

    Raises
    ------
    InputError
        If there are no cells, a code is missing or used twice, or a geometry is no polygon with finite
        coordinates.
    NotFoundError
        If there is no such scheme or area.
    """
    scheme = session.get(Scheme, scheme_id)
    if scheme is None:
        raise NotFoundError(f"There is no scheme number {scheme_id}.")
    columns = _cell_columns(session, scheme, cells, area_code)
    plan = Plan(
        scheme_id=scheme_id,
        name=name,
        state=PlanState.draft,
        area_code=area_code,
        created_by=created_by,
        created_at=datetime.now(UTC),
        version=1,
    )
    session.add(plan)
    session.flush()
    _insert_cells(session, plan, columns)
    return plan


def replace_cells(session: Session, plan_id: int, cells: gpd.GeoDataFrame) -> Plan:
    """Draw the cells of a draft anew; it must be checked again.

    Parameters
    ----------
    cells
        As for `create_draft`.

    Raises
    ------
    ConflictError
        If the plan is no draft.
    InputError, NotFoundError
        As for `create_draft`.
    """
    plan = find_plan(session, plan_id)
    if plan.state != PlanState.draft:
        raise ConflictError(f"Plan {plan_id} is {plan.state}; only a draft can be drawn anew.")
    scheme = session.get_one(Scheme, plan.scheme_id)
    columns = _cell_columns(session, scheme, cells, plan.area_code)
    session.execute(delete(Cell).where(Cell.plan_id == plan_id))
    _insert_cells(session, plan, columns)
    plan.checked_at = plan.findings = None
    plan.version += 1
    session.flush()
    return plan


def find_plan(session: Session, plan_id: int) -> Plan:
    """Return a plan by its number.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFoundError(f"There is no plan number {plan_id}.")
    return plan


@paused_gc()
def check_plan(session: Session, plan_id: int) -> TopologyReport:
    """Check that the cells of a draft are a coverage that fills its ground, and store what is found.

    `Plan.findings` becomes a dictionary: valid, summary (count and area_m2 per kind), findings (the first
    `MAX_STORED_FINDINGS`: kind, severity, codes, area_m2, detail) and fingerprint, by which publishing knows
    that neither cells nor areas have changed since.

    Raises
    ------
    ConflictError
        If the plan is published already.
    NotFoundError
        If there is no such plan.
    """
    plan = find_plan(session, plan_id)
    if plan.valid_from is not None:
        raise ConflictError(f"Plan {plan_id} is {plan.state}; it was checked before it was published.")
    scheme = session.get_one(Scheme, plan.scheme_id)
    cells, areas = _check_input(session, plan)
    report = check_topology(cells, areas, crs=CRS.from_user_input(scheme.working_crs))
    table = report.findings
    plan.findings = {
        "valid": report.is_valid,
        "summary": report.summary(),
        "findings": [
            {"kind": kind, "severity": severity, "codes": codes, "area_m2": float(area), "detail": detail}
            for kind, severity, codes, area, detail in zip(
                *(table[column].head(MAX_STORED_FINDINGS) for column in table.columns[:-1]), strict=True
            )
        ],
        "fingerprint": _fingerprint(cells, areas),
    }
    plan.checked_at = datetime.now(UTC)
    plan.version += 1
    session.flush()
    return report


def comparable_cells(session: Session, old: Plan, new: Plan) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the cells of two plans on the ground that both divide.

    Parameters
    ----------
    old, new
        Of one scheme, drawn for the same area or different ones.

    Returns
    -------
    tuple of GeoDataFrame
        As `plan_cells`; a cell that lies on the other plan's ground in part is among them.

    Raises
    ------
    InputError
        If they have no ground in common.
    NotFoundError
        If the area of one is no more.
    """
    before = _cells_within(session, plan_cells(session, old.id), new)
    after = _cells_within(session, plan_cells(session, new.id), old)
    if before.empty or after.empty:
        raise InputError(f"Plans {old.id} and {new.id} divide different ground.")
    return before, after


def _cells_within(session: Session, cells: gpd.GeoDataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """Return the cells of a plan's area, of those beneath, and of wider ones that reach into it."""
    if plan.area_code is None:
        return cells
    hierarchy = read_hierarchy(session)
    inside = cells["area_code"].isin(hierarchy.subtree(plan.area_code)).to_numpy(dtype=bool, copy=True)
    wider = cells["area_code"].isna() | cells["area_code"].isin(hierarchy.ancestors(plan.area_code))
    candidates = np.flatnonzero(~inside & wider.to_numpy(dtype=bool))
    if len(candidates):
        crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
        area = read_area_geometries(session, {plan.area_code}).to_crs(crs).geometry.iloc[0]
        geometries = gpd.GeoSeries(cells.geometry.to_numpy()[candidates], crs=LONLAT).to_crs(crs).to_numpy()
        shared = extract_polygons(shapely.intersection(geometries, area))
        inside[candidates[~_SLIVER.is_noise(shared)]] = True
    return cells[inside].reset_index(drop=True)


def require_valid(session: Session, plan: Plan) -> gpd.GeoDataFrame:
    """Refuse a plan that was not checked, was found wrong, or has changed since; return its cells.

    Raises
    ------
    ConflictError
        With what to do.
    """
    if plan.checked_at is None or plan.findings is None:
        raise ConflictError(f"Plan {plan.id} has not been checked; check it first.")
    if not plan.findings["valid"]:
        raise ConflictError(f"Plan {plan.id} is not valid; mend what its check found and check it again.")
    cells, areas = _check_input(session, plan)
    if plan.findings["fingerprint"] != _fingerprint(cells, areas):
        raise ConflictError(
            f"The cells or areas of plan {plan.id} have changed since its check; check again."
        )
    return cells


def _check_input(session: Session, plan: Plan) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return the cells of a draft and the areas that they must fill, None where there are no areas."""
    cells = plan_cells(session, plan.id)
    hierarchy = read_hierarchy(session)
    named = [code for code in cells["area_code"] if code is not None]
    codes = hierarchy.partition(plan.area_code, named)
    return cells, read_area_geometries(session, codes) if codes else None


def _fingerprint(cells: gpd.GeoDataFrame, areas: gpd.GeoDataFrame | None) -> str:
    digest = hashlib.sha256()
    for frame, columns in ((cells, ["code", "area_code"]), (areas, ["code"])):
        if frame is None:
            continue
        for column in columns:
            digest.update(repr(frame[column].tolist()).encode())
        for wkb in shapely.to_wkb(frame.geometry.to_numpy()):
            digest.update(wkb)
    return digest.hexdigest()


def _cell_columns(
    session: Session, scheme: Scheme, cells: gpd.GeoDataFrame, area_code: str | None
) -> dict[str, list[Any]]:
    """Make the rows of a draft's cells, by columns, without the plan."""
    frame = _standardise_cells(cells)
    crs = CRS.from_user_input(scheme.working_crs)
    frame = measure_cells(frame, crs)
    frame["area_code"] = _assign_area_codes(session, frame, crs, area_code)
    extra = [column for column in frame.columns if column not in {*_STANDARD_COLUMNS, "geometry"}]
    stored = ("code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "geometry")
    return {
        "scheme_id": [scheme.id] * len(frame),
        **{column: frame[column].to_numpy(dtype=object).tolist() for column in stored},
        "attributes": _collect_attributes(frame, extra),
    }


def _standardise_cells(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return cells with text in the standard columns and two-dimensional polygons in EPSG:4326."""
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
    frame = gpd.GeoDataFrame(
        {column: lonlat[column].to_numpy() for column in columns}, geometry=geometries, crs=LONLAT
    )
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
    return frame


def _assign_area_codes(
    session: Session, cells: gpd.GeoDataFrame, crs: CRS, area_code: str | None
) -> NDArray[np.object_]:
    """Return the area of each cell: the one it names, else the smallest with the largest share of it."""
    codes: NDArray[np.object_] = cells["area_code"].to_numpy(dtype=object, copy=True)
    inside = read_hierarchy(session).subtree(area_code)
    nameless = np.flatnonzero(cells["area_code"].isna().to_numpy())
    if len(nameless) and inside:
        areas = read_polygon_layer(read_area_geometries(session, inside), crs)
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
