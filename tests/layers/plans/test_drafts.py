"""Schemes, drafts and their check: what is stored, what is found, and what is refused."""

from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.database import Database
from layers.models import Area, Plan
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme, find_scheme, used_codes
from tests.layers.squares import COUNTY, EAST_TOWN, SQUARES, SQUARES_OF, WEST_TOWN, add_areas, cells, draft

MARCH = date(2026, 3, 1)
TOWNS = {square: "a" if square[0] < 2 else "b" for square in SQUARES}


@pytest.fixture
def scheme(database: Database) -> int:
    with database.write() as session:
        add_areas(session)
        return create_scheme(session, "community", "社区网格").id


def test_a_scheme_chooses_its_working_crs_from_the_areas(database: Database, scheme: int) -> None:
    with database.write() as session:
        found = find_scheme(session, "community")
        assert (found.id, found.working_crs) == (scheme, "EPSG:4547")
        with pytest.raises(ConflictError, match="a scheme 'community' already"):
            create_scheme(session, "community", "again")
        with pytest.raises(InputError, match="max_distance_m"):
            create_scheme(session, "safety", "安全", rules={"max_distance_m": -1})
        with pytest.raises(InputError, match="stretches"):
            create_scheme(session, "safety", "安全", working_crs="EPSG:3857")
        with pytest.raises(NotFoundError, match="no scheme 'fire'"):
            find_scheme(session, "fire")


def test_a_draft_keeps_what_it_is_given(database: Database, scheme: int) -> None:
    given = cells(TOWNS, name=["西", "东"], leader=["x", None], households=np.array([3, 4]))
    with database.write() as session:
        created = create_draft(session, scheme, given, name="p", created_by="t")
        assert created.version == 1
        plan = created.id
    with database.read() as session:
        kept = plan_cells(session, plan)
        assert list(kept["code"]) == ["a", "b"]
        assert list(kept["name"]) == ["西", "东"]
        assert list(kept["area_code"]) == [WEST_TOWN, EAST_TOWN]
        assert list(kept["attributes"]) == [{"households": 3}, {"households": 4}]
        # Who leads is a person.
        assert list(kept["personal"]) == [{"leader": "x"}, {}]
        assert kept["area_m2"].tolist() == pytest.approx([4 * 11_386] * 2, rel=0.01)
        assert shapely.equals_exact(kept.geometry.to_numpy(), given.geometry.to_numpy()).all()


@pytest.mark.parametrize(
    ("shapes", "codes", "message"),
    [
        ([], [], "at least one cell"),
        ([shapely.Point(0, 0)], ["a"], "is no polygon"),
        ([None], ["a"], "has no geometry"),
        ([shapely.Polygon([(0, 0), (1, 0), (np.inf, 1)])], ["a"], "not finite"),
        ([shapely.box(0, 0, 1, 1)] * 2, ["a", "a"], "again"),
        ([shapely.box(0, 0, 1, 1)], [None], "code"),
    ],
)
def test_what_is_no_plan_is_refused(
    database: Database, scheme: int, shapes: list[shapely.Geometry], codes: list[str], message: str
) -> None:
    given = gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:4326")
    with database.write() as session:
        with pytest.raises(InputError, match=message):
            create_draft(session, scheme, given, name="p", created_by="t")
        assert not session.query(Plan).count()


def test_the_check_is_stored_and_becomes_stale(database: Database, scheme: int) -> None:
    with database.write() as session:
        holed = draft(session, scheme, {square: code for square, code in TOWNS.items() if square != (0, 0)})
        assert holed.findings is not None
        assert not holed.findings["valid"]
        assert holed.findings["findings"][0]["kind"] == "blank"
        whole = create_draft(session, scheme, cells(TOWNS), name="p", created_by="t")
        assert whole.checked_at is None
        assert check_plan(session, whole.id).is_valid
        town = session.query(Area).filter_by(code=WEST_TOWN).one()
        town.geometry = shapely.segmentize(town.geometry, 1e-4)
        session.flush()
        with pytest.raises(ConflictError, match="changed since its check"):
            publish(session, whole.id, MARCH)


def test_a_cell_across_areas_must_say_so(database: Database, scheme: int) -> None:
    across = {square: "a" if square[0] < 3 else "b" for square in SQUARES}
    with database.write() as session:
        silent, outspoken = draft(session, scheme, across), draft(session, scheme, across, parent=COUNTY)
        assert silent.findings is not None
        assert silent.findings["summary"]["crossed_parent"]["count"] > 0
        assert outspoken.findings is not None
        assert outspoken.findings["valid"]


def test_a_plan_stays_on_its_ground(database: Database, scheme: int) -> None:
    with database.write() as session:
        wide = draft(session, scheme, TOWNS, area_code=EAST_TOWN)
        assert wide.findings is not None
        assert not wide.findings["valid"]
        with pytest.raises(NotFoundError, match="no area '9'"):
            draft(session, scheme, TOWNS, area_code="9")


def test_without_areas_a_plan_is_its_own_ground(database: Database) -> None:
    with database.write() as session:
        scheme = create_scheme(session, "community", "社区", working_crs="EPSG:4547").id
        publish(session, draft(session, scheme, TOWNS).id, MARCH)
        plan = draft(session, scheme, dict.fromkeys(TOWNS, "a"))
        assert len(publish(session, plan.id, MARCH).superseded) == 1
        assert used_codes(session, scheme) == {"a", "b"}


def test_a_published_plan_is_not_checked_again(database: Database, scheme: int) -> None:
    with database.write() as session:
        plan = draft(session, scheme, dict.fromkeys(SQUARES_OF[WEST_TOWN], "a"), area_code=WEST_TOWN)
        publish(session, plan.id, MARCH)
        with pytest.raises(ConflictError, match="is published"):
            check_plan(session, plan.id)


def test_an_attribute_to_keep_as_personal_must_be_there(database: Database, scheme: int) -> None:
    with database.write() as session:
        for columns, known in (({"tel": ["1", "2"], "lamps": [3, 4]}, "lamps, tel"), ({}, "none")):
            with pytest.raises(InputError, match=rf"'phone' to keep as personal \(they have: {known}\)"):
                create_draft(
                    session,
                    scheme,
                    cells(TOWNS, **columns),
                    name="p",
                    created_by="t",
                    personal=["phone"],
                )
