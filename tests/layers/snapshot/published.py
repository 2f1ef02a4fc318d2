"""Plans in a database, written row by row: what the tests of the snapshot start from."""

from datetime import UTC, date, datetime

import numpy as np
import shapely
from sqlalchemy import select

from layers.db.database import bump_revision
from layers.models import Area, Cell, Plan, PlanState, Scheme

WEST, SOUTH, STEP = 114.0, 22.5, 2.0**-10
AREAS = (
    ("440305", "南山区", "district", None),
    ("440305001", "南头街道", "street", "440305"),
    ("440305001001", "大新社区", "community", "440305001"),
    ("440305001002", "田厦社区", "community", "440305001"),
    ("440306", "宝安区", "district", None),
    ("440306001", "新安街道", "street", "440306"),
)


def lattice(columns, rows, *, west=WEST, south=SOUTH, step=STEP):
    """Squares, west to east in rows from north to south."""
    return [
        shapely.box(west + i * step, south + j * step, west + (i + 1) * step, south + (j + 1) * step)
        for j in reversed(range(rows))
        for i in range(columns)
    ]


def add_areas(session):
    """The tree of AREAS; their ground does not matter here."""
    for code, name, level, parent in AREAS:
        session.add(
            Area(code=code, name=name, level=level, parent=parent, geometry=shapely.box(114, 22, 115, 23))
        )


def publish(database, scheme, cells, on, *, areas=("440305001001",), name="网格"):
    """End the cells of a scheme on a day and put others in force; `cells` are (code, polygon) pairs."""
    now = datetime.now(UTC)
    with database.write() as session:
        held = session.scalar(select(Scheme).where(Scheme.code == scheme))
        if held is None:
            if session.scalar(select(Area.id).limit(1)) is None:
                add_areas(session)
            held = Scheme(
                code=scheme, name=scheme.title(), working_crs="EPSG:4547", rules={}, created_at=now, version=1
            )
            session.add(held)
            session.flush()
        plan = Plan(
            scheme_id=held.id,
            name=f"of {on}",
            state=PlanState.published,
            area_code=None,
            valid_from=on,
            valid_to=None,
            created_by="test",
            created_at=now,
            published_at=now,
            checked_at=now,
            findings=None,
            version=1,
        )
        session.add(plan)
        session.flush()
        for old in session.scalars(
            select(Cell).where(Cell.scheme_id == held.id, Cell.valid_from <= on, Cell.valid_to.is_(None))
        ):
            old.valid_to = on
        session.add_all(
            Cell(
                scheme_id=held.id,
                plan_id=plan.id,
                code=code,
                name=f"{name} {code}",
                kind="square",
                parent=None,
                area_code=areas[number % len(areas)],
                area_m2=10_000.0,
                perimeter_m=400.0,
                attributes={},
                valid_from=on,
                valid_to=None,
                geometry=polygon,
            )
            for number, (code, polygon) in enumerate(cells)
        )
        bump_revision(session)


def note_publishing(session):
    """Leave what publishing leaves beside cells: a later moment, and a greater revision."""
    for plan in session.scalars(select(Plan)):
        plan.published_at = datetime.now(UTC)
    bump_revision(session)


def coded(polygons, start=1, width=3, prefix=""):
    """Pair polygons with running codes."""
    return [(f"{prefix}{number:0{width}d}", polygon) for number, polygon in enumerate(polygons, start)]


def telling_points(cells, count=200, seed=7):
    """Vertices, exact midpoints of edges, and locations in and around the cells; shape (n, 2)."""
    random = np.random.default_rng(seed)
    shapes = np.array([polygon for _, polygon in cells], dtype=object)
    vertices, owner = shapely.get_coordinates(shapes, return_index=True)
    middles = ((vertices[1:] + vertices[:-1]) / 2)[owner[1:] == owner[:-1]]
    west, south, east, north = shapely.total_bounds(shapes)
    loose = random.uniform((west - STEP, south - STEP), (east + STEP, north + STEP), (count, 2))
    return np.concatenate([vertices, middles, loose])


DAYS = (date(2024, 1, 1), date(2024, 3, 1), date(2024, 6, 1))
