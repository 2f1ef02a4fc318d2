"""Plans over units: cells made from a table or from polygons, and what is refused."""

from datetime import date

import pytest
import shapely

from layers.db.database import Database
from layers.plans.cells import plan_cells
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from layers.plans.units import members_by_code
from tests.layers.squares import COUNTY, SQUARES, SQUARES_OF, add_areas, draft, join

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def unit(square: tuple[int, int]) -> str:
    return f"u{square[0]}{square[1]}"


@pytest.fixture
def schemes(database: Database) -> tuple[int, int]:
    """A scheme of units, each a square and in force from March on, and one of cells over them."""
    with database.write() as session:
        add_areas(session)
        units = create_scheme(session, "unit", "单元网格").id
        owners = {square: unit(square) for square in SQUARES_OF[COUNTY]}
        publish(session, draft(session, units, owners).id, MARCH)
        return units, create_scheme(session, "management", "管理网格", unit_scheme="unit").id


def test_a_table_makes_cells_that_are_unions(database: Database, schemes: tuple[int, int]) -> None:
    table = {unit(square): f"m{square[0]}" for square in SQUARES_OF[COUNTY]}
    with database.write() as session:
        plan = create_draft(session, schemes[1], None, name="m", created_by="t", units=table, units_on=MARCH)
        cells = plan_cells(session, plan.id)
        members = members_by_code(session, cells)
    assert dict(zip(members["unit"], members["cell"], strict=True)) == table
    for code, shape in zip(cells["code"], cells.geometry, strict=True):
        expected = join([square for square in sorted(SQUARES) if f"m{square[0]}" == code])
        assert shapely.equals_identical(shapely.normalize(shape), shapely.normalize(expected))
    assert set(cells["area_code"]) == {"440304001", "440304002"}
    assert plan.units_on == MARCH
