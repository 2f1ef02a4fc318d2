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

from gis.codes import code_texts, required_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import ConflictError, InputError, NotFoundError
from gis.faces.overlay import Rounding, polygonal
from gis.measures import measure
from gis.topology import Report, check
from gis.topology.nesting import parents
from gis.topology.polygon_layer import read_records
from layers.areas.hierarchy import area_shapes, read_ground
from layers.db import geopackage
from layers.db.bulk import insert_columns, is_postgresql
from layers.gc_pause import at_rest
from layers.models import Cell, Plan, Scheme, State
from layers.plans.cells import plan_cells

KEPT_FINDINGS = 1_000
"""How many findings of a check are stored; all are counted."""

_HAIRLINE = Rounding(0.01, 0.02)

_OWN_COLUMNS = frozenset(
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
    columns = _columns(session, scheme, cells, area_code)
    plan = Plan(
        scheme_id=scheme_id,
        name=name,
        state=State.draft,
        area_code=area_code,
        created_by=created_by,
        created_at=datetime.now(UTC),
        version=1,
    )
    session.add(plan)
    session.flush()
    _insert(session, plan, columns)
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
    if plan.state != State.draft:
        raise ConflictError(f"Plan {plan_id} is {plan.state}; only a draft can be drawn anew.")
    scheme = session.get_one(Scheme, plan.scheme_id)
    columns = _columns(session, scheme, cells, plan.area_code)
    session.execute(delete(Cell).where(Cell.plan_id == plan_id))
    _insert(session, plan, columns)
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


@at_rest()
def check_plan(session: Session, plan_id: int) -> Report:
    """Check that the cells of a draft are a coverage that fills its ground, and store what is found.

    `Plan.findings` becomes a dictionary: valid, summary (count and area_m2 per kind), findings (the first
    `KEPT_FINDINGS`: kind, severity, codes, area_m2, detail) and fingerprint, by which publishing knows that
    neither cells nor areas have changed since.

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
    cells, areas = _subject(session, plan)
    report = check(cells, areas, crs=CRS.from_user_input(scheme.working_crs))
    table = report.findings
    plan.findings = {
        "valid": report.valid,
        "summary": report.summary(),
        "findings": [
            {"kind": kind, "severity": severity, "codes": codes, "area_m2": float(area), "detail": detail}
            for kind, severity, codes, area, detail in zip(
                *(table[column].head(KEPT_FINDINGS) for column in table.columns[:-1]), strict=True
            )
        ],
        "fingerprint": _fingerprint(cells, areas),
    }
    plan.checked_at = datetime.now(UTC)
    plan.version += 1
    session.flush()
    return report


def compared_cells(session: Session, old: Plan, new: Plan) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
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
    before = _on_ground(session, plan_cells(session, old.id), new)
    after = _on_ground(session, plan_cells(session, new.id), old)
    if before.empty or after.empty:
        raise InputError(f"Plans {old.id} and {new.id} divide different ground.")
    return before, after


def _on_ground(session: Session, cells: gpd.GeoDataFrame, plan: Plan) -> gpd.GeoDataFrame:
    """Return the cells of a plan's area, of those beneath, and of wider ones that reach into it."""
    if plan.area_code is None:
        return cells
    ground = read_ground(session)
    inside = cells["area_code"].isin(ground.below(plan.area_code)).to_numpy(dtype=bool, copy=True)
    wider = cells["area_code"].isna() | cells["area_code"].isin(ground.above(plan.area_code))
    asked = np.flatnonzero(~inside & wider.to_numpy(dtype=bool))
    if len(asked):
        crs = CRS.from_user_input(session.get_one(Scheme, plan.scheme_id).working_crs)
        area = area_shapes(session, {plan.area_code}).to_crs(crs).geometry.iloc[0]
        shapes = gpd.GeoSeries(cells.geometry.to_numpy()[asked], crs=LONLAT).to_crs(crs).to_numpy()
        shared = polygonal(shapely.intersection(shapes, area))
        inside[asked[~_HAIRLINE.holds(shared)]] = True
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
    cells, areas = _subject(session, plan)
    if plan.findings["fingerprint"] != _fingerprint(cells, areas):
        raise ConflictError(
            f"The cells or areas of plan {plan.id} have changed since its check; check again."
        )
    return cells


def _subject(session: Session, plan: Plan) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None]:
    """Return the cells of a draft and the areas that they must fill, None where there are no areas."""
    cells = plan_cells(session, plan.id)
    ground = read_ground(session)
    named = [code for code in cells["area_code"] if code is not None]
    codes = ground.partition(plan.area_code, named)
    return cells, area_shapes(session, codes) if codes else None


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


def _columns(
    session: Session, scheme: Scheme, cells: gpd.GeoDataFrame, area_code: str | None
) -> dict[str, list[Any]]:
    """Make the rows of a draft's cells, by columns, without the plan."""
    frame = _tidy(cells)
    crs = CRS.from_user_input(scheme.working_crs)
    frame = measure(frame, crs)
    frame["area_code"] = _area_codes(session, frame, crs, area_code)
    extra = [column for column in frame.columns if column not in {*_OWN_COLUMNS, "geometry"}]
    told = ("code", "name", "kind", "parent", "area_code", "area_m2", "perimeter_m", "geometry")
    return {
        "scheme_id": [scheme.id] * len(frame),
        **{column: frame[column].to_numpy(dtype=object).tolist() for column in told},
        "attributes": _attributes(frame, extra),
    }


def _tidy(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return cells with text in the standard columns and two-dimensional polygons in EPSG:4326."""
    if not len(cells):
        raise InputError("A plan needs at least one cell.")
    if "code" not in cells.columns:
        raise InputError("The cells have no column 'code'; name the field that holds it.")
    codes = required_codes(cells["code"])
    twice = np.flatnonzero(pd.Series(codes).duplicated().to_numpy())
    if len(twice):
        raise InputError(f"Record {twice[0] + 1} uses the code '{codes[twice[0]]}' again; codes are unique.")
    lonlat = to_lonlat(cells)
    shapes = np.asarray(shapely.force_2d(lonlat.geometry.to_numpy()), dtype=object)
    for fault, bad in (
        ("has no geometry", shapely.is_missing(shapes) | shapely.is_empty(shapes)),
        ("is no polygon", ~np.isin(shapely.get_type_id(shapes), (3, 6))),
        ("has coordinates that are not finite", ~np.isfinite(shapely.bounds(shapes)).all(axis=1)),
    ):
        rows = np.flatnonzero(bad)
        if len(rows):
            raise InputError(f"Record {rows[0] + 1} (code '{codes[rows[0]]}') {fault}.")
    columns = [column for column in lonlat.columns if column != lonlat.geometry.name]
    frame = gpd.GeoDataFrame(
        {column: lonlat[column].to_numpy() for column in columns}, geometry=shapes, crs=LONLAT
    )
    frame["code"] = codes
    for column, missing in (("name", codes), ("kind", ""), ("parent", None), ("area_code", None)):
        texts = (
            code_texts(frame[column]) if column in frame.columns else np.full(len(frame), "", dtype=object)
        )
        bare = texts == ""
        texts[bare] = missing[bare] if isinstance(missing, np.ndarray) else missing
        frame[column] = texts
    return frame


def _area_codes(
    session: Session, cells: gpd.GeoDataFrame, crs: CRS, area_code: str | None
) -> NDArray[np.object_]:
    """Return the area of each cell: the one it names, else the smallest with the largest share of it."""
    codes: NDArray[np.object_] = cells["area_code"].to_numpy(dtype=object, copy=True)
    inside = read_ground(session).below(area_code)
    nameless = np.flatnonzero(cells["area_code"].isna().to_numpy())
    if len(nameless) and inside:
        areas = read_records(area_shapes(session, inside), crs)
        polygons = read_records(cells.iloc[nameless], crs).polygons
        rows = parents(polygons, areas, np.full(len(polygons), "", dtype=object))
        found = rows >= 0
        codes[nameless[found]] = areas.codes[rows[found]]
    return codes


def _attributes(frame: gpd.GeoDataFrame, extra: list[str]) -> list[dict[str, Any]]:
    """Return the attributes of each cell: those given as dictionaries, and its other columns."""
    given: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    if "attributes" in frame.columns:
        given = [dict(value) if isinstance(value, dict) else {} for value in frame["attributes"]]
    for column in extra:
        for attributes, value in zip(given, frame[column].tolist(), strict=True):
            if isinstance(value, list | dict) or not pd.isna(value):
                attributes[str(column)] = (
                    value if isinstance(value, bool | int | float | str | list | dict) else str(value)
                )
    return given


def _insert(session: Session, plan: Plan, columns: dict[str, list[Any]]) -> None:
    connection, table = session.connection(), Cell.metadata.tables["cells"]
    embedded = not is_postgresql(session)
    with geopackage.appending(connection, table.name) if embedded else nullcontext():
        insert_columns(session, table, {**columns, "plan_id": [plan.id] * len(columns["code"])})
