"""Ground for the tests of plans: a strip of small squares, of which areas, cells and plans are made."""

from collections.abc import Mapping
from datetime import date

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy.orm import Session

from layers.models import Area, Assignment, Entity, Plan
from layers.plans.assignments import assignment_history
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft

WEST, SOUTH, SIZE = 114.05, 22.54, 0.001
COLUMNS, ROWS = 4, 2
COUNTY = "440304"
WEST_TOWN, EAST_TOWN = "440304001", "440304002"

SQUARES = {
    (i, j): shapely.box(WEST + i * SIZE, SOUTH + j * SIZE, WEST + (i + 1) * SIZE, SOUTH + (j + 1) * SIZE)
    for i in range(COLUMNS)
    for j in range(ROWS)
}
"""The squares by column and row: columns 0 and 1 are the west town, 2 and 3 the east town."""

SQUARES_OF = {
    COUNTY: sorted(SQUARES),
    WEST_TOWN: sorted(square for square in SQUARES if square[0] < 2),
    EAST_TOWN: sorted(square for square in SQUARES if square[0] >= 2),
}

Owners = Mapping[tuple[int, int], str]


def join(squares: list[tuple[int, int]]) -> shapely.Geometry:
    """Unite squares; every corner stays a vertex, so that neighbours share all of theirs."""
    return shapely.coverage_union_all([SQUARES[square] for square in squares])


def add_areas(session: Session) -> None:
    """Add the county and its two towns."""
    for code, parent, level in (
        (COUNTY, None, "county"),
        (WEST_TOWN, COUNTY, "town"),
        (EAST_TOWN, COUNTY, "town"),
    ):
        session.add(Area(code=code, name=code, level=level, parent=parent, geometry=join(SQUARES_OF[code])))
    session.flush()


def cells(owners: Owners, *, parent: str | None = None, **columns: object) -> gpd.GeoDataFrame:
    """Make cells of squares, one for each code, that name `parent` as their area."""
    codes = sorted(set(owners.values()))
    shapes = [join([square for square in sorted(owners) if owners[square] == code]) for code in codes]
    return gpd.GeoDataFrame({"code": codes, "area_code": parent, **columns}, geometry=shapes, crs="EPSG:4326")


def draft(
    session: Session,
    scheme_id: int,
    owners: Owners,
    *,
    area_code: str | None = None,
    parent: str | None = None,
    **columns: object,
) -> Plan:
    """Draw a plan and check it."""
    drawn = cells(owners, parent=parent, **columns)
    plan = create_draft(session, scheme_id, drawn, name="plan", created_by="test", area_code=area_code)
    check_plan(session, plan.id)
    return plan


def spot(square: tuple[int, int]) -> shapely.Geometry:
    """Return a location inside a square."""
    return shapely.Point(WEST + (square[0] + 0.4) * SIZE, SOUTH + (square[1] + 0.6) * SIZE)


def add_entity(session: Session, name: str, place: shapely.Geometry | None, since: date) -> Entity:
    """Add an entity without assigning it."""
    entity = Entity(
        kind="sensor",
        external_id=name,
        attributes={},
        personal={},
        valid_from=since,
        version=1,
        geometry=place,
    )
    session.add(entity)
    session.flush()
    return entity


def by_square(frame: gpd.GeoDataFrame) -> dict[tuple[int, int], str]:
    """Return the code of each square that cells cover, by brute force."""
    shapes = np.asarray(frame.geometry, dtype=object)
    return {
        square: code
        for square in SQUARES
        for code, shape in zip(frame["code"], shapes, strict=True)
        if shapely.contains(shape, spot(square))
    }


def owner_on(session: Session, entity_id: int, scheme_id: int, on: date) -> Assignment | None:
    """Return the assignment of an entity that holds on a date, looked for in all of its history."""
    rows = assignment_history(session, entity_id, scheme_id)
    return next(
        (row for row in rows if row.valid_from <= on and (row.valid_to is None or on < row.valid_to)), None
    )
