"""The data of a map, read from the database: the frames of a scheme on a day."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import LimitError, NotFoundError
from gis.gaps import GapAnalysis, gap_outcomes
from gis.measures import CellFigures, CellShapes, computed_measures
from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.versions import areas_in_force
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, in_force, raw_geometry
from layers.entities.counts import align_counts, read_counts
from layers.gaps.gap_grounds import GapGround, gaps_within, grounds_seen
from layers.gaps.gap_words import visible_figures
from layers.gaps.runs import newest_run
from layers.maps.leaders import join_leaders
from layers.models import Area, Assignment, BasemapFeature, Entity, Gap, GapRun, Plan, Post, Scheme
from layers.plans.cells import cells_as_of, cells_in_force
from layers.plans.schemes import border_colour, find_scheme, publishes_leaders
from layers.staff.published import PublishedPost
from layers.staff.responsible import read_held

MAX_REQUEST_CELLS = 20_000
"""The most cells drawn within a request; `wangge map` draws larger maps from files."""

KEY_ENTITY_KIND = "service_point"
"""The kind of entities that a map marks one by one."""

KEY_ENTITY_LAYER = "service_points"
"""Their layer on a map has the name of the cells' column that counts them."""


@dataclass(frozen=True, eq=False)
class MapData:
    """What a map shows; every frame is in EPSG:4326.

    Attributes
    ----------
    scheme
        The scheme's name.
    plan
        The names of the plans that the cells come from.
    cells
        In force on the day, with all measures computed for them, and the number or published name of their
        `leader`.
    areas
        The areas that hold them and those above.
    units
        Those of which the cells are made; None where they are not.
    border
        The colour of cells' borders by the scheme's profile; None where it has none.
    gaps
        Of the newest run up to the day, as `layers.gaps.runs` knows it; None where none was made.
    gap_analysis
        What is known of each kind of gap.
    key_entities
        Entities of the kind `KEY_ENTITY_KIND`: id, kind, class_name, cell_code.
    base
        Features of the base map by kind: class_name.
    """

    scheme: str
    plan: str
    cells: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    units: gpd.GeoDataFrame | None
    border: str | None
    gaps: gpd.GeoDataFrame | None
    gap_analysis: GapAnalysis
    key_entities: gpd.GeoDataFrame
    base: Mapping[str, gpd.GeoDataFrame]


def read_map_data(
    session: Session, scheme_code: str, day: date, area_code: str | None, *, scope: str | None = None
) -> MapData:
    """Read what a map shows.

    Parameters
    ----------
    scheme_code
        Code of a scheme.
    day
        The day whose cells are shown.
    area_code
        Only the cells of this area and those beneath it; all when not given.
    scope
        The caller's area: gaps name no cells outside it.

    Raises
    ------
    NotFoundError
        If there is no such scheme or area, or no cell of it is in force on the day.
    LimitError
        If there are more than `MAX_REQUEST_CELLS` cells.
    """
    scheme = find_scheme(session, scheme_code)
    hierarchy = read_hierarchy(session, day)
    area_codes = None if area_code is None else hierarchy.subtree(area_code)
    if (
        area_codes is None
        and (session.scalar(select(func.count()).where(cells_in_force(scheme.id, day))) or 0)
        > MAX_REQUEST_CELLS
    ):
        raise _too_many_cells_error()
    cells = cells_as_of(session, scheme.id, day, area_code=area_code)
    if not len(cells):
        raise NotFoundError(f"Scheme '{scheme_code}' has no cells in force on {day} there.")
    if len(cells) > MAX_REQUEST_CELLS:
        raise _too_many_cells_error()
    codes = cells["code"].to_numpy(dtype=object)
    figures = CellFigures(
        cells["area_m2"].to_numpy(dtype=float),
        cells["perimeter_m"].to_numpy(dtype=float),
        align_counts(read_counts(session, scheme.id, day), codes),
        CellShapes(cells.geometry.to_numpy()),
    )
    # As their tiles tell them, so that their classes are those of the page.
    measures = {each.key: each.values(figures) for each in computed_measures()}
    cells = join_leaders(cells.assign(**measures), _read_leaders(session, scheme, day))
    plans = session.scalars(
        select(Plan.name).where(Plan.id.in_(map(int, cells["plan_id"].unique()))).order_by(Plan.id)
    )
    run = _find_gap_run(session, scheme.id, day, area_code, area_codes)
    gaps = None if run is None else _read_gaps(session, run, area_code, scope)
    bbox = BBox(*map(float, cells.total_bounds))
    return MapData(
        scheme=scheme.name,
        plan=" · ".join(dict.fromkeys(plans)),
        cells=cells.drop(
            columns=["id", "plan_id", "parent", "attributes", "personal", "valid_from", "valid_to"]
        ),
        areas=_read_areas(session, cells["area_code"].dropna().unique(), hierarchy, day),
        units=_read_units(session, scheme, day, area_code),
        border=border_colour(scheme),
        gaps=gaps,
        gap_analysis=_describe_gaps(session, run, gaps, area_code),
        key_entities=_read_key_entities(session, scheme.id, day, area_codes),
        base=_read_basemap(session, bbox),
    )


def read_map_ground(
    session: Session, day: date, *cells: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame | None, dict[str, gpd.GeoDataFrame]]:
    """Read the areas of a day that hold cells, None without any, and the base map around them."""
    codes = {code for frame in cells for code in frame["area_code"].dropna()}
    areas = _read_areas(session, codes, read_hierarchy(session, day), day)
    bounds = np.array([frame.total_bounds for frame in cells if len(frame)])
    bbox = BBox(*map(float, (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))))
    return areas if len(areas) else None, _read_basemap(session, bbox)


def _too_many_cells_error() -> LimitError:
    return LimitError(
        f"More than {MAX_REQUEST_CELLS:,} cells; name an area, "
        "or export the cells and draw them with wangge map."
    )


def _read_frame(session: Session, query: Select[Any], columns: Collection[str]) -> gpd.GeoDataFrame:
    """Read rows whose last column is an undecoded geometry."""
    rows = session.execute(query).all()
    values = {
        name: pd.Series([row[place] for row in rows], dtype=object) for place, name in enumerate(columns)
    }
    return gpd.GeoDataFrame(
        values, geometry=decode_geometries(session, [row[-1] for row in rows]), crs=LONLAT
    )


def _read_leaders(session: Session, scheme: Scheme, day: date) -> pd.DataFrame:
    """Read who leads cells and areas on a day, without those who are away.

    They are named by their numbers; by what they publish where the scheme wants that.
    """
    by_name = publishes_leaders(scheme)
    of_scheme = (Post.scheme_id == scheme.id) | (Post.scheme_id.is_(None) & Post.area_code.is_not(None))
    rows = [
        (
            (PublishedPost(post.officer, post).name() if by_name else None) or post.officer.external_id,
            *(post.duty, post.rank, post.cell_code, post.area_code),
        )
        for post in read_held(session, of_scheme & (Post.duty == "leader"), day)
        if not post.absent
    ]
    frame = pd.DataFrame(rows, columns=["officer_id", "role", "rank", "cell_code", "area_code"])
    return frame.sort_values("officer_id", kind="stable")


def _read_areas(
    session: Session, codes: Collection[str], hierarchy: AreaHierarchy, day: date
) -> gpd.GeoDataFrame:
    """Read areas and all that lie above them; of one that has ended those that it became."""
    present = {each for code in codes for each in hierarchy.successors(code)}
    shown = {each for code in present for each in (code, *hierarchy.ancestors(code))}
    query = (
        select(Area.code, Area.name, Area.parent, raw_geometry(session, Area.geometry))
        .where(areas_in_force(day))
        .order_by(Area.code)
    )
    frame = _read_frame(session, query, ("code", "name", "parent"))
    return frame[frame["code"].isin(shown)].reset_index(drop=True)


def _read_units(
    session: Session, scheme: Scheme, day: date, area_code: str | None
) -> gpd.GeoDataFrame | None:
    """Read the units of a scheme over another; None where it has none, or more than a map can show."""
    if scheme.unit_scheme_id is None:
        return None
    units = cells_as_of(
        session, scheme.unit_scheme_id, day, area_code=area_code, columns=("code", "area_code")
    )
    return units if 0 < len(units) <= MAX_REQUEST_CELLS else None


def _find_gap_run(
    session: Session, scheme_id: int, day: date, area_code: str | None, area_codes: Collection[str] | None
) -> GapRun | None:
    part = true() if area_codes is None else GapRun.area_code.in_(sorted(area_codes))
    return newest_run(session, scheme_id, area_code, until=day, partial_runs=part)


def _describe_gaps(
    session: Session, run: GapRun | None, gaps: gpd.GeoDataFrame | None, area_code: str | None
) -> GapAnalysis:
    """Return what a run says of each kind, counted on the ground of the map."""
    if run is None or gaps is None:
        return GapAnalysis(gap_outcomes(None))
    counts = {str(kind): int(count) for kind, count in gaps["kind"].value_counts().items()}
    wider = run.area_code is None or run.area_code == area_code
    if not wider and area_code is not None:
        wider = run.area_code in read_hierarchy(session, run.on).ancestors(area_code)
    return GapAnalysis(gap_outcomes(run.summary, counts), run.on, None if wider else run.area_code)


def _read_gaps(session: Session, run: GapRun, area_code: str | None, scope: str | None) -> gpd.GeoDataFrame:
    columns = (
        "id",
        "kind",
        "severity",
        "cell_code",
        "area_code",
        "area_m2",
        "households",
        "enterprises",
        "rule",
        "figures",
    )
    chosen = [getattr(Gap, column) for column in columns]
    query = select(*chosen, raw_geometry(session, Gap.geometry)).where(Gap.run_id == run.id)
    query = query.where(gaps_within(session, [run.id], area_code)).order_by(Gap.id)
    frame = _read_frame(session, query, columns)
    frame = frame.astype({"area_m2": float, "households": "int64", "enterprises": "int64"})
    gaps = list(zip(frame["kind"], frame["figures"], strict=True))
    figures = [each or {} for each in visible_figures(session, scope, run.scheme_id, gaps)]
    frame["figures"] = pd.Series(figures, index=frame.index, dtype=object)
    grounds = grounds_seen(session, scope, run, list(frame.itertuples(index=False)))
    for column in GapGround._fields:
        frame[column] = pd.Series([getattr(each, column) for each in grounds], frame.index, dtype=object)
    return frame.drop(columns="id")


def _read_key_entities(
    session: Session, scheme_id: int, day: date, area_codes: Collection[str] | None
) -> gpd.GeoDataFrame:
    query = (
        select(
            Entity.external_id,
            Entity.kind,
            Entity.class_name,
            Entity.area_code,
            Assignment.cell_code,
            raw_geometry(session, Entity.geometry),
        )
        .join(Assignment, Assignment.entity_id == Entity.id)
        .where(
            Entity.kind == KEY_ENTITY_KIND,
            Assignment.scheme_id == scheme_id,
            in_force(Assignment.valid_from, Assignment.valid_to, day),
        )
        .order_by(Entity.id)
    )
    frame = _read_frame(session, query, ("id", "kind", "class_name", "area_code", "cell_code"))
    return frame if area_codes is None else frame[frame["area_code"].isin(area_codes)].reset_index(drop=True)


def _read_basemap(session: Session, bbox: BBox) -> dict[str, gpd.GeoDataFrame]:
    query = select(
        BasemapFeature.kind, BasemapFeature.class_name, raw_geometry(session, BasemapFeature.geometry)
    ).where(bbox_intersects(session, BasemapFeature, bbox))
    frame = _read_frame(session, query.order_by(BasemapFeature.id), ("kind", "class_name"))
    kinds = frame.pop("kind")
    return {str(kind): frame[kinds == kind].reset_index(drop=True) for kind in kinds.unique()}
