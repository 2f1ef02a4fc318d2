"""The map of a scheme on a day, read from the database: the frames that both kinds of map are drawn from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import LimitError, NotFoundError
from layers.areas.hierarchy import read_ground
from layers.db.bbox import Box, in_box
from layers.db.bulk import decode, in_force, raw
from layers.entities.counts import counts_of, read_counts
from layers.gaps.runs import newest_run
from layers.maps.leaders import with_leaders
from layers.models import Area, Assignment, BaseFeature, Cell, Entity, Gap, GapRun, Officer, Plan, Post
from layers.plans.cells import cells_as_of
from layers.plans.schemes import find_scheme

MOST_CELLS = 20_000
"""The most cells that are drawn within a request; larger maps are drawn from files by `wangge map`."""

KEY_UNITS = "service_point"
"""The kind of entities that a map marks one by one."""

UNITS_LAYER = "service_points"
"""What they are called on a map: as the cells' count of them, which is the same."""


@dataclass(frozen=True, eq=False)
class StoredMap:
    """What a map shows; every frame is in EPSG:4326.

    Attributes
    ----------
    scheme
        The scheme's name.
    plan
        The names of the plans that brought the cells.
    cells
        In force on the day, with counts by kind of entity and the number of their `leader`.
    areas
        The areas that hold them and those above.
    gaps
        Of the newest run up to the day, as `layers.gaps.runs` knows it; None where none was made.
    units
        Entities of the kind `KEY_UNITS`: id, kind, class_name, cell_code.
    base
        Features of the base map by kind: class_name.
    """

    scheme: str
    plan: str
    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    gaps: gpd.GeoDataFrame | None
    units: gpd.GeoDataFrame
    base: Mapping[str, gpd.GeoDataFrame]


def read_map(session: Session, scheme_code: str, day: date, area_code: str | None) -> StoredMap:
    """Read what a map shows.

    Parameters
    ----------
    scheme_code
        Code of a scheme.
    day
        The day whose cells are shown.
    area_code
        Only the cells of this area and those beneath it; all when not given.

    Raises
    ------
    NotFoundError
        If there is no such scheme or area, or no cell of it is in force on the day.
    LimitError
        If there are more than `MOST_CELLS` cells.
    """
    scheme = find_scheme(session, scheme_code)
    ground = read_ground(session)
    beneath = None if area_code is None else ground.below(area_code)
    held = (Cell.scheme_id == scheme.id, in_force(Cell.valid_from, Cell.valid_to, day))
    if beneath is None and (session.scalar(select(func.count()).where(*held)) or 0) > MOST_CELLS:
        raise _too_many()
    cells = cells_as_of(session, scheme.id, day, area_code=area_code)
    if not len(cells):
        raise NotFoundError(f"Scheme '{scheme_code}' has no cells in force on {day} there.")
    if len(cells) > MOST_CELLS:
        raise _too_many()
    codes = cells["code"].to_numpy(dtype=object)
    counts = counts_of(read_counts(session, scheme.id, day), codes)
    # As their tiles tell them, so that their classes are those of the page.
    sizes = {size: cells[size].astype(float).round(1) for size in ("area_m2", "perimeter_m")}
    cells = with_leaders(cells.assign(**sizes, **counts), _leaders(session, scheme.id, day))
    plans = session.scalars(
        select(Plan.name).where(Plan.id.in_(map(int, cells["plan_id"].unique()))).order_by(Plan.id)
    )
    box = Box(*map(float, cells.total_bounds))
    return StoredMap(
        scheme=scheme.name,
        plan=" · ".join(dict.fromkeys(plans)),
        cells=cells.drop(columns=["id", "plan_id", "parent", "attributes", "valid_from", "valid_to"]),
        areas=_areas(session, cells["area_code"].dropna().unique()),
        gaps=_gaps(session, scheme.id, day, area_code, beneath),
        units=_units(session, scheme.id, day, beneath),
        base=_base(session, box),
    )


def _too_many() -> LimitError:
    return LimitError(
        f"More than {MOST_CELLS:,} cells; name an area, or export the cells and draw them with wangge map."
    )


def _frame(session: Session, asked: Select[Any], columns: Collection[str]) -> gpd.GeoDataFrame:
    """Read rows whose last column is an undecoded geometry."""
    rows = session.execute(asked).all()
    values = {
        name: pd.Series([row[place] for row in rows], dtype=object) for place, name in enumerate(columns)
    }
    return gpd.GeoDataFrame(values, geometry=decode(session, [row[-1] for row in rows]), crs=LONLAT)


def _leaders(session: Session, scheme_id: int, day: date) -> pd.DataFrame:
    asked = (
        select(Officer.external_id, Post.duty, Post.rank, Post.cell_code)
        .join(Officer, Officer.id == Post.officer_id)
        .where(
            Post.scheme_id == scheme_id,
            Post.duty == "leader",
            in_force(Post.valid_from, Post.valid_to, day),
        )
        .order_by(Officer.external_id)
    )
    return pd.DataFrame(session.execute(asked).all(), columns=["officer_id", "role", "rank", "cell_code"])


def _areas(session: Session, codes: Collection[str]) -> gpd.GeoDataFrame:
    """Read areas and all that lie above them."""
    parents = {code: parent for code, parent in session.execute(select(Area.code, Area.parent))}  # noqa: C416
    shown: set[str] = set()
    for code in codes:
        at: str | None = code
        while at is not None and at not in shown:
            shown.add(at)
            at = parents.get(at)
    asked = select(Area.code, Area.name, Area.parent, raw(session, Area.geometry)).order_by(Area.code)
    frame = _frame(session, asked, ("code", "name", "parent"))
    return frame[frame["code"].isin(shown)].reset_index(drop=True)


def _gaps(
    session: Session, scheme_id: int, day: date, area_code: str | None, beneath: Collection[str] | None
) -> gpd.GeoDataFrame | None:
    part = true() if beneath is None else GapRun.area_code.in_(sorted(beneath))
    last = newest_run(session, scheme_id, area_code, until=day, part=part)
    if last is None:
        return None
    columns = ("kind", "severity", "cell_code", "area_code", "area_m2", "households", "enterprises", "rule")
    chosen = [getattr(Gap, column) for column in columns]
    asked = select(*chosen, raw(session, Gap.geometry)).where(Gap.run_id == last.id).order_by(Gap.id)
    frame = _frame(session, asked, columns)
    frame = frame.astype({"area_m2": float, "households": "int64", "enterprises": "int64"})
    return frame if beneath is None else frame[frame["area_code"].isin(beneath)].reset_index(drop=True)


def _units(session: Session, scheme_id: int, day: date, beneath: Collection[str] | None) -> gpd.GeoDataFrame:
    asked = (
        select(
            Entity.external_id,
            Entity.kind,
            Entity.class_name,
            Entity.area_code,
            Assignment.cell_code,
            raw(session, Entity.geometry),
        )
        .join(Assignment, Assignment.entity_id == Entity.id)
        .where(
            Entity.kind == KEY_UNITS,
            Assignment.scheme_id == scheme_id,
            in_force(Assignment.valid_from, Assignment.valid_to, day),
        )
        .order_by(Entity.id)
    )
    frame = _frame(session, asked, ("id", "kind", "class_name", "area_code", "cell_code"))
    return frame if beneath is None else frame[frame["area_code"].isin(beneath)].reset_index(drop=True)


def _base(session: Session, box: Box) -> dict[str, gpd.GeoDataFrame]:
    asked = select(BaseFeature.kind, BaseFeature.class_name, raw(session, BaseFeature.geometry)).where(
        in_box(session, BaseFeature, box)
    )
    frame = _frame(session, asked.order_by(BaseFeature.id), ("kind", "class_name"))
    kinds = frame.pop("kind")
    return {str(kind): frame[kinds == kind].reset_index(drop=True) for kind in kinds.unique()}
