"""The database of the demonstration: the sample district with its plans, officers and gaps on two dates.

It loads and publishes with the functions behind the commands and routes. A database that no demonstration has
made is never touched.
"""

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.demo.draft import submit_draft
from api.demo.staff import staff_groups
from api.demo.workload import WORKLOAD, merge_workload
from api.security.accounts import create_account, create_token
from api.security.audit import Action, audit
from api.security.principal import SYSTEM, Role
from api.security.sign_in_links import create_link
from gis.areas import leaf_areas
from gis.crs import choose_working_crs
from gis.divide import divide_square
from gis.errors import InputError
from layers.basemap import BASEMAP_KINDS as BASE_KINDS
from layers.basemap import replace_basemap
from layers.db.database import Database
from layers.divisions import Division, divide_areas
from layers.fields.columns import standardise_basemap
from layers.formats import read_layer, read_table
from layers.gaps.runs import search_gaps
from layers.imports.areas import import_areas
from layers.imports.entities import import_entities
from layers.imports.officers import import_officers
from layers.models import Cell
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme, find_scheme
from layers.sample import SampleFiles
from layers.sample.code_tables import PROFILE

FIRST_DAY = date(2025, 1, 1)
"""The first day: areas, entities, officers, and a plan of each scheme."""

SECOND_DAY = date(2025, 7, 1)
"""The second day: community cells of one street are merged, all are grouped, the last service points open."""

COMMUNITY, ENVIRONMENT, RESPONSIBILITY = "community", "environment", "responsibility"
"""The schemes: cells of communities, the larger cells of streets, and groups of those of communities."""

ACCOUNT = "demo"
"""The account of the sign-in link: a publisher of the whole district."""

_DEMO_MARKER = "demonstration"
# The subject of the first audit entry, which marks a database as that of a demonstration.
_LINK_LIFETIME, _TOKEN_LIFETIME = timedelta(hours=12), timedelta(days=7)
_LATE_STEP = 5
# Every fifth service point opens on the second day.
_MAX_UNITS, _MEAN_UNITS = 5, 3.2
_TOLERANCE = 0.25
# Unit cells of a responsibility cell, and how far its hours may lie from the mean.


@dataclass(frozen=True)
class PublishedPlan:
    """A published plan: its scheme, name and day, its number of cells, and the gaps found then."""

    scheme: str
    name: str
    on: date
    cells: int
    gaps: int


@dataclass(frozen=True)
class DemoAccess:
    """The access to a demonstration, shown once: a link for a person, a token and a curl command."""

    link: str
    token: str
    curl: str


def build_database(
    path: Path,
    sample: SampleFiles,
    areas: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    size_m: float,
    on_step: Callable[[str], None],
) -> list[PublishedPlan]:
    """Build the database of a demonstration in place of an earlier one, completely or not at all.

    Parameters
    ----------
    path
        The file, a GeoPackage.
    sample
        The files of the sample district.
    areas
        The district's areas as `gis.areas.build_hierarchy` returns them.
    cells
        The communities divided into squares of `size_m`: the first plan.
    on_step
        Called after each step with what was done.

    Returns
    -------
    list of PublishedPlan
        In the order in which they were published.

    Raises
    ------
    InputError
        If there is a file that no demonstration has made, or a service has it open.
    """
    require_replaceable(path)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as folder:
        new_file = Path(folder) / path.name
        with closing(Database(f"sqlite:///{new_file}")) as database:
            database.migrate()
            with database.write() as session:
                audit(session, SYSTEM, Action.record, _DEMO_MARKER, synthetic=True)
            _load_sample(database, sample, areas, on_step)
            published = _publish_plans(database, sample, areas, cells, size_m, on_step)
            submit_draft(database, COMMUNITY, date.today(), on_step)
            with database.write() as session:
                create_account(session, SYSTEM, ACCOUNT, Role.publisher, None, secrets.token_urlsafe(24))
        # A file that was there keeps its permissions, and a link its target.
        if path.exists():
            shutil.copymode(path, new_file)
        new_file.replace(path.resolve())
    return published


def require_replaceable(path: Path) -> None:
    """Raise if a file exists that must not be lost.

    Raises
    ------
    InputError
        If the file is not the database of a demonstration, or is open elsewhere.
    """
    if not path.exists():
        return
    other = InputError(
        f"{path} is not a database that `wangge demo` has made; name another folder with -o, or move it away."
    )
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0)
        ) as connection:
            first = connection.execute("SELECT subject FROM audit_entries ORDER BY id LIMIT 1").fetchone()
            if first != (_DEMO_MARKER,):
                raise other
            # Leaving the write-ahead log needs exclusive access: it fails while another process has the file
            # open.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise InputError(
                f"{path} is open in another program, perhaps a service; end that first."
            ) from None
        raise other from None
    except sqlite3.DatabaseError:
        raise other from None


def create_demo_access(database: Database, address: str) -> DemoAccess:
    """Create a link, a token and a curl command for a demonstration served at an address."""
    with database.write() as session:
        _, secret = create_link(session, SYSTEM, ACCOUNT, _LINK_LIFETIME)
        _, token = create_token(session, SYSTEM, "demonstration", Role.admin, None, _TOKEN_LIFETIME)
        lon, lat = _point_in_cell(session)
    question = f"{address}/v1/locate?lon={lon:.5f}&lat={lat:.5f}"
    return DemoAccess(
        f"{address}/#link={secret}", token, f'curl -H "Authorization: Bearer {token}" "{question}"'
    )


def _load_sample(
    database: Database, sample: SampleFiles, areas: gpd.GeoDataFrame, on_step: Callable[[str], None]
) -> None:
    import_areas(database, areas, on=FIRST_DAY)
    late = _late_service_points(sample)
    late_ids = ", ".join(f"'{identity}'" for identity in late)
    entities = 0
    for kind, path, where in (
        ("household", sample.households, None),
        ("enterprise", sample.enterprises, None),
        ("sensor", sample.sensors, None),
        ("component", sample.components, None),
        ("service_point", sample.service_points, f"id NOT IN ({late_ids})"),
    ):
        entities += import_entities(database, path, kind=kind, where=where, on=FIRST_DAY).inserted
    on_step(
        f"{len(areas):,} areas and {entities:,} entities loaded into the database; "
        f"{len(late):,} more, service points, open on {SECOND_DAY}"
    )
    frames = {kind: standardise_basemap(read_layer(sample.district, role=kind), kind) for kind in BASE_KINDS}
    base = replace_basemap(database, frames)
    on_step(f"{sum(each.stored for each in base.values()):,} features of the base map loaded")


def _late_service_points(sample: SampleFiles) -> list[str]:
    """Return the identities of the service points that open later."""
    identities = sorted(read_layer(sample.service_points, role="entities")["id"].astype(str))
    return identities[::_LATE_STEP]


def _publish_plans(
    database: Database,
    sample: SampleFiles,
    areas: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    size_m: float,
    on_step: Callable[[str], None],
) -> list[PublishedPlan]:
    streets = areas[areas["level"] != "village"]
    officers = read_table(sample.officers)
    with database.write() as session:
        create_scheme(
            session,
            COMMUNITY,
            "社区网格",
            rules={
                "max_distance_m": 50,
                "profile": PROFILE.name,
                "rotation_months": 24,
                "publish_leaders": True,
            },
        )
        create_scheme(session, ENVIRONMENT, "环境网格", rules={"max_distance_m": 200})
        create_scheme(
            session,
            RESPONSIBILITY,
            "责任网格",
            rules={"max_distance_m": 50, "units": {"max": _MAX_UNITS}},
            unit_scheme=COMMUNITY,
        )

    def publish_plan(scheme: str, name: str, on: date, drawn: Division) -> PublishedPlan:
        with database.write() as session:
            plan = create_draft(
                session,
                find_scheme(session, scheme).id,
                drawn.cells,
                name=name,
                created_by=SYSTEM.label,
                units=drawn.units,
                units_on=drawn.units_on,
            )
            check_plan(session, plan.id)
            begun = publish(session, plan.id, on).begun
            audit(session, SYSTEM, Action.publish, f"plan {plan.id}", on=on.isoformat())
        import_officers(database, officers, scheme=scheme, on=on)
        run = search_gaps(database, scheme, created_by=SYSTEM.label, on=on)
        found = sum(kind["gaps"] for kind in run.summary["kinds"].values())
        on_step(f"{scheme}: {begun:,} cells in force from {on}, {found:,} gaps")
        return PublishedPlan(scheme, name, on, begun, found)

    squares = cells[["code", "name", "kind", "area_code", *WORKLOAD, "geometry"]]
    published = [
        publish_plan(COMMUNITY, "社区网格 2025", FIRST_DAY, Division(squares)),
        publish_plan(
            ENVIRONMENT,
            "环境网格 2025",
            FIRST_DAY,
            Division(divide_square(streets, size_m=2 * size_m)),
        ),
    ]
    import_entities(database, sample.service_points, kind="service_point", on=SECOND_DAY)
    street = min(leaf_areas(streets)["code"])
    name = areas.loc[areas["code"] == street, "name"].iloc[0]
    in_street = squares["area_code"].isin(areas.loc[areas["parent"] == street, "code"])
    redrawn = pd.concat(
        [squares[~in_street], _merge_cells(squares[in_street], 2 * size_m)], ignore_index=True
    )
    published.append(publish_plan(COMMUNITY, f"{name}调整", SECOND_DAY, Division(redrawn)))
    groups, posts = staff_groups(database, COMMUNITY, SECOND_DAY)
    on_step(f"{groups} groups of cells, with {posts} posts at them and at enterprises, from {SECOND_DAY}")
    with database.read() as session:
        grouped = divide_areas(
            session,
            find_scheme(session, RESPONSIBILITY),
            method="balanced",
            zones=round(len(redrawn) / _MEAN_UNITS),
            weights=[{"column": "officer_hours", "tolerance": _TOLERANCE}],
            on=SECOND_DAY,
        )
    for line in grouped.lines[:2]:
        on_step(line)
    return [*published, publish_plan(RESPONSIBILITY, "责任网格 2025", SECOND_DAY, grouped)]


def _merge_cells(cells: gpd.GeoDataFrame, size_m: float) -> gpd.GeoDataFrame:
    """Return cells in which those of one area within one larger square are merged under a new code.

    Neighbours keep all the vertices they share. A cell that is alone in its square is unchanged.
    """
    points = cells.geometry.representative_point().to_crs(choose_working_crs(cells))
    column, row = np.floor(points.x / size_m), np.floor(points.y / size_m)
    unchanged, begun = [], []
    for area_code, area_cells in cells.groupby("area_code", sort=True):
        width = len(area_cells["code"].iloc[0]) - len(str(area_code))
        number = max(int(code[-width:]) for code in area_cells["code"])
        for _, square in area_cells.groupby([column[area_cells.index], row[area_cells.index]], sort=True):
            inside = shapely.point_on_surface(square.geometry.to_numpy())
            for part in shapely.get_parts(shapely.coverage_union_all(square.geometry.to_numpy())):
                members = square[shapely.intersects(part, inside)]
                if len(members) == 1:
                    unchanged.append(members)
                    continue
                number += 1
                last = members["code"].iloc[0][-width:]
                begun.append(
                    {
                        "code": f"{area_code}{number:0{width}d}",
                        "name": members["name"].iloc[0].replace(last, f"{number:0{width}d}"),
                        "kind": "merged",
                        "area_code": area_code,
                        **merge_workload(members),
                        "geometry": part,
                    }
                )
    merged = gpd.GeoDataFrame(begun, columns=cells.columns, crs=cells.crs)
    return gpd.GeoDataFrame(pd.concat([*unchanged, merged], ignore_index=True), crs=cells.crs)


def _point_in_cell(session: Session) -> tuple[float, float]:
    """Return the longitude and latitude of a point inside a cell."""
    geometry = session.scalars(
        select(Cell.geometry).where(Cell.valid_to.is_(None)).order_by(Cell.code)
    ).first()
    assert geometry is not None
    point = shapely.point_on_surface(geometry)
    return point.x, point.y
