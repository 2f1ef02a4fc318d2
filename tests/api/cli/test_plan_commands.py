"""The commands `scheme` and `plan`: from a file of areas to a plan in force, with the words of HTTP."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from api.cli.open_database import read_all
from gis.crs import LONLAT
from layers.db.database import Database
from layers.formats import read_layer, write_layer
from layers.models import AuditEntry, Cell, Scheme
from layers.plans.schemes import list_schemes
from tests.api.conftest import Run

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def district(tmp_path: Path) -> Path:
    """A town of two villages."""
    west, east = shapely.box(113.9, 22.5, 113.905, 22.505), shapely.box(113.905, 22.5, 113.91, 22.505)
    path = tmp_path / "district.geojson"
    columns = {
        "code": ["440305001", "440305001001", "440305001002"],
        "level": ["town", "village", "village"],
        "parent": [None, "440305001", "440305001"],
    }
    whole = shapely.union_all([west, east])
    write_layer(path, gpd.GeoDataFrame(columns, geometry=[whole, west, east], crs=LONLAT))
    return path


@pytest.fixture
def url(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database that commands use by default."""
    path = tmp_path / "wangge.gpkg"
    path.write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("WANGGE_DATABASE", f"sqlite:///{path}")
    return f"sqlite:///{path}"


def test_own_areas_become_a_plan_in_force(wangge: Run, district: Path, shops: Path, url: str) -> None:
    assert wangge("load", "areas", district).code == 0
    assert wangge("load", "entities", shops).code == 0
    made = wangge("scheme", "create", "community", "社区网格", "--max-distance", 50, "--json").summary
    assert (made["working_crs"], made["rules"]) == ("EPSG:4547", {"max_distance_m": 50})
    draft = wangge("plan", "divide", "community", "--name", "2026", "--size", 200, "--json").summary
    assert (draft["state"], draft["created_by"], draft["scheme"]) == ("draft", "command line", "community")
    refused = wangge("plan", "publish", draft["id"])
    assert (refused.code, "has not been checked; check it first" in refused.err) == (2, True)
    checked = wangge("plan", "check", draft["id"])
    assert (checked.code, checked.out) == (0, "plan 1 is valid\n")
    published = wangge("plan", "publish", 1, "--on", "2026-01-01", "--json").summary
    assert (published["begun"], published["plan"]["valid_from"]) == (draft["cells"], "2026-01-01")
    # An assignment also says of an entity that it is in no cell.
    assert published["assignments_begun"] == 4
    assert wangge("plan", "list").out == "1\tcommunity\tpublished\tfrom 2026-01-01\tall areas\t2026\n"
    with closing(Database(url)) as database, database.read() as session:
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["record changed", "record changed", "plan published"]


def test_a_plan_may_keep_to_a_level(wangge: Run, district: Path, url: str) -> None:
    del url
    wangge("load", "areas", district)
    wangge("scheme", "create", "environment", "环境网格")
    draft = wangge("plan", "divide", "environment", "--name", "t", "--level", "town", "--size", 200, "--json")
    assert draft.code == 0
    assert wangge("plan", "check", 1).code == 0
    wrong = wangge("plan", "divide", "environment", "--name", "t", "--level", "county")
    assert "No area has the level 'county' (levels: town, village)." in wrong.err


def test_a_file_of_cells_is_checked_and_refused_with_what_is_wrong(
    wangge: Run, district: Path, url: str, tmp_path: Path
) -> None:
    del url
    wangge("load", "areas", district)
    wangge("scheme", "create", "community", "社区网格")
    path = tmp_path / "cells.gpkg"
    half = shapely.box(113.9, 22.5, 113.905, 22.505)
    write_layer(path, gpd.GeoDataFrame({"nr": ["440305001001001"]}, geometry=[half], crs=LONLAT))
    assert "with --code-field" in wangge("plan", "load", "community", path, "--name", "x").err
    loaded = wangge("plan", "load", "community", path, "--name", "x", "--code-field", "nr")
    assert loaded.out.startswith("plan 1 of community: a draft of 1 cells\n")
    checked = wangge("plan", "check", 1)
    assert (checked.code, checked.out.splitlines()[:2]) == (1, ["plan 1 is not valid", "  blank: 1"])
    refused = wangge("plan", "publish", 1)
    assert (refused.code, "is not valid; mend what its check found" in refused.err) == (2, True)
    assert wangge("plan", "withdraw", 1).out == "plan 1 is withdrawn\n"
    assert "only a draft, submitted or approved plan is checked" in wangge("plan", "check", 1).err
    assert wangge("plan", "list", "--state", "draft").out == "no plans\n"
    assert [each["state"] for each in wangge("plan", "list", "--json").summary["plans"]] == ["withdrawn"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scheme", "create", "a", "b"), "There are no areas to choose a working CRS from"),
        (("scheme", "create", "a", "b", "--crs", "EPSG:4326"), "must be projected in metres"),
        (("scheme", "create", "", "b", "--crs", "EPSG:4547"), "needs a code and a name"),
        (("scheme", "create", "a", "b", "--crs", "EPSG:4547", "--max-distance", "-1"), "max_distance_m"),
        (("plan", "divide", "a", "--name", "x"), "There is no scheme 'a'"),
        (("plan", "check", "7"), "There is no plan number 7"),
        (("plan", "publish", "7", "--on", "tomorrow"), "'tomorrow' is no date"),
        (("plan", "withdraw", "7"), "There is no plan number 7"),
    ],
)
def test_what_cannot_be_done_says_why(wangge: Run, url: str, arguments: tuple[str, ...], said: str) -> None:
    del url
    outcome = wangge(*arguments)
    assert outcome.code == 2
    assert said in outcome.err


def test_parents_are_made_from_their_children_on_request(
    wangge: Run, district: Path, url: str, tmp_path: Path
) -> None:
    del url
    frame = gpd.read_file(district)
    frame.geometry = [frame.geometry.iloc[0].buffer(-1e-4), *frame.geometry.iloc[1:]]
    torn = tmp_path / "torn.geojson"
    write_layer(torn, frame)
    refused = wangge("load", "areas", torn)
    assert (refused.code, "parents made from their children" in refused.err) == (2, True)
    made = wangge("load", "areas", torn, "--parents-from-children")
    assert made.code == 0
    assert made.out.startswith("1 areas made of those beneath them; the most changed is 440305001, by ")


def test_lists_are_read_page_by_page(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli.open_database._PAGE_SIZE", 2)
    with closing(Database(url)) as database, database.write() as session:
        for code in "abcde":
            session.add(
                Scheme(code=code, name=code, working_crs="EPSG:4547", rules={}, created_at=_NOON, version=1)
            )
        session.flush()
        assert [each.code for each in read_all(lambda page: list_schemes(session, page))] == list("abcde")


def test_fields_of_cells_can_be_declared_personal(
    wangge: Run, district: Path, url: str, tmp_path: Path
) -> None:
    wangge("load", "areas", district)
    wangge("scheme", "create", "community", "社区网格")
    villages = read_layer(district, role="areas").iloc[1:].assign(nickname="老王", colour="red")
    path = tmp_path / "cells.geojson"
    write_layer(path, villages[["code", "nickname", "colour", "geometry"]])
    wrong = wangge("plan", "load", "community", path, "--name", "2026", "--personal", "nick")
    assert (wrong.code, "nick" in wrong.err, "Traceback" in wrong.err) == (2, True, False)
    assert wangge("plan", "load", "community", path, "--name", "2026", "--personal", "nickname").code == 0
    with closing(Database(url)) as database, database.read() as session:
        cells = session.scalars(select(Cell)).all()
    assert [each.personal for each in cells] == [{"nickname": "老王"}] * 2
    assert all("nickname" not in each.attributes and each.attributes["colour"] == "red" for each in cells)


def test_a_table_of_units_makes_a_plan_that_follows_its_units(
    wangge: Run, district: Path, url: str, tmp_path: Path
) -> None:
    wangge("load", "areas", district)
    wangge("scheme", "create", "unit", "单元网格")
    refused = wangge("scheme", "create", "x", "x", "--units-of", "nowhere")
    assert (refused.code, refused.err) == (2, "wangge: There is no scheme 'nowhere'.\n")
    rules = tmp_path / "rules.toml"
    rules.write_text("[units]\nmax = 5\n")
    made = wangge(
        "scheme", "create", "m", "管理网格", "--units-of", "unit", "--rules", rules, "--json"
    ).summary
    assert (made["unit_scheme"], made["unit_rule"]["max"], made["coverage"]) == ("unit", 5, "whole")
    assert "m\t管理网格\tEPSG:4547\tunits of unit\twhole\n" in wangge("scheme", "list").out
    wangge("plan", "divide", "unit", "--name", "u", "--size", 200)
    wangge("plan", "check", 1)
    wangge("plan", "publish", 1, "--on", "2026-01-01")
    with closing(Database(url)) as database, database.read() as session:
        units = list(session.scalars(select(Cell.code).order_by(Cell.code)))
    rows = [f"{unit},{unit[:12]}-{int(unit[12:]) % 3}" for unit in units]
    table = tmp_path / "units.csv"
    table.write_text("\n".join(["unit,cell", *rows]))
    draft = wangge("plan", "load", "m", table, "--name", "m", "--units", "--units-on", "2026-01-01", "--json")
    assert draft.summary["units_on"] == "2026-01-01"
    table.write_text("\n".join(["unit,cell", *rows, f"{units[0]},other"]))
    refused = wangge("plan", "load", "m", table, "--name", "m", "--units")
    assert refused.code == 2
    assert f"units.csv: Unit '{units[0]}' is in several cells" in refused.err
    table.write_text("\n".join(["unit,cell", *(f"{unit},{unit[:12]}" for unit in units)]))
    wangge("plan", "load", "m", table, "--name", "whole", "--units")
    found = wangge("plan", "check", 3)
    assert found.code == 1
    assert "unit_count: 2" in found.out
    assert "at most 5 must be." in found.out


def test_cells_that_cover_in_part_are_checked_for_overlaps_alone(wangge: Run, tmp_path: Path) -> None:
    # A ring of cells around a blank.
    shapes = [shapely.box(113.9 + 0.001 * x, 22.5 + 0.001 * y, 113.901 + 0.001 * x, 22.501 + 0.001 * y)
              for x in range(3) for y in range(3) if (x, y) != (1, 1)]  # fmt: skip
    path = tmp_path / "ring.geojson"
    write_layer(path, gpd.GeoDataFrame({"code": [str(n) for n in range(8)]}, geometry=shapes, crs=LONLAT))
    assert wangge("check", path).code == 1
    assert wangge("check", path, "--coverage", "part").code == 0
