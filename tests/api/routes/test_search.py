"""Search over HTTP: what people know by name, number, address, coordinates; each on their own ground."""

from collections.abc import Callable
from datetime import date
from typing import Any

import geopandas as gpd
import httpx
import pytest
import shapely

from gis.crs import LONLAT
from gis.datum import convert_coordinates
from layers.basemap import replace_basemap
from layers.db.database import Database
from layers.models import Officer, Post
from tests.api.routes.conftest import SOUTH, STEP, WEST, Client
from tests.api.routes.grid import DAY, EAST_TOWN, WEST_TOWN, add_run, publish_cells

Find = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def town(client: Client, ground: Database) -> httpx.Client:
    """Cells, roads, enterprises, a household and officers in both towns; the client of an administrator."""
    publish_cells(ground, DAY)
    roads = [("海滨路", 0.1), ("海滨路", 0.3), ("海滨路北段", 0.6), (None, 0.8)]
    replace_basemap(
        ground,
        {
            "roads": gpd.GeoDataFrame(
                {"class_name": ["main"] * len(roads), "name": [name for name, _ in roads]},
                geometry=[
                    shapely.LineString([(WEST, SOUTH + row * STEP), (WEST + STEP, SOUTH + row * STEP)])
                    for _, row in roads
                ],
                crs=LONLAT,
            )
        },
    )
    admin = client()
    for number, (kind, name, column, attributes, personal) in enumerate(
        [
            ("enterprise", "晨光面包房", 0.5, {"address": "海滨路12号", "floors": 3}, {"contact": "张伟三"}),
            ("enterprise", "海滨路", 1.5, {"详细地址": "中心大道\"甲\"7号"}, {}),
            ("enterprise", "440305001000000", 2.5, {}, {}),
            ("household", None, 2.5, {}, {"户主姓名": "李青青", "phone": "13900007788"}),
        ]
    ):  # fmt: skip
        answer = admin.post(
            "/v1/entities",
            json={
                "kind": kind,
                "external_id": f"X{number:03d}",
                "name": name,
                "attributes": attributes,
                "personal": personal,
                "geometry": {"type": "Point", "coordinates": [WEST + column * STEP, SOUTH + 0.5 * STEP]},
                "on": DAY.isoformat(),
            },
        )
        assert answer.status_code == 201, answer.text
    with ground.write() as session:
        for number, area in (("G-7", WEST_TOWN), ("G-77", EAST_TOWN)):
            officer = Officer(
                external_id=number,
                area_code=area,
                personal={"姓名": "欧阳娜", "联系电话": "13800001234"},
                attributes={},
                valid_from=DAY,
                version=1,
            )
            session.add(officer)
            session.flush()
            post = {"scheme_id": 1, "cell_code": f"{area}000000", "duty": "leader", "rank": "A", "version": 1}
            session.add(Post(officer_id=officer.id, valid_from=DAY, **post))
    return admin


def find(client: httpx.Client, text: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/search", params={"text": text, "scheme": "community", **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def names(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["type"], each["name"] or each["code"]) for each in found]


def test_names_come_before_what_contains_them_and_addresses_are_found(town: httpx.Client) -> None:
    found = find(town, "海滨路")
    # The road and the shop of that name, then a road whose name begins so, then what stands at the road.
    assert names(found) == [
        ("feature", "海滨路"),
        ("feature", "海滨路北段"),
        ("entity", "海滨路"),
        ("entity", "晨光面包房"),
    ]
    assert [each["rank"] for each in found] == [0, 1, 0, 5]
    assert found[3]["detail"] == "海滨路12号"
    assert (found[3]["cell_code"], found[3]["area"]) == ("440305001000000", "地440305001 · 地440305")
    # Both parts of the road are in its box.
    assert found[0]["box"] == pytest.approx([WEST, SOUTH + 0.1 * STEP, WEST + STEP, SOUTH + 0.3 * STEP])
    assert names(find(town, "面包房 12号")) == [("entity", "晨光面包房")]
    # The address may be named otherwise and hold what JSON escapes; numbers count, keys do not.
    assert names(find(town, '中心大道"甲"7号')) == [("entity", "海滨路")]
    assert names(find(town, "floors")) == names(find(town, "不存在")) == []


def test_an_exact_code_comes_before_codes_that_contain_it(town: httpx.Client) -> None:
    code = "440305001000000"
    found = find(town, code)
    assert [(each["type"], each["rank"]) for each in found] == [("cell", 0), ("entity", 0)]
    assert find(town, "440305001")[0]["type"] == "area"
    assert [each["code"] for each in find(town, "G-7")] == ["G-7", "G-77"]


def test_people_are_found_by_name_only_where_that_is_allowed_and_recorded(
    town: httpx.Client, client: Client
) -> None:
    viewer, publisher = client("viewer"), client("publisher")
    for text in ("李青青", "13900007788", "欧阳娜", "13800001234", "张伟三"):
        assert find(viewer, text) == find(publisher, text) == []
        assert viewer.get("/v1/search", params={"text": text, "reveal": True}).status_code == 403
    masked = find(viewer, "G-7")[0]
    assert (masked["name"], masked["personal"]["联系电话"]) == ("欧**", "*********34")
    assert audited(town) == []
    (household,) = find(publisher, "李青青", reveal=True)
    assert (household["code"], household["personal"]["户主姓名"]) == ("X003", "李青青")
    assert [each["name"] for each in find(publisher, "欧阳娜", reveal=True)] == ["欧阳娜", "欧阳娜"]
    assert [entry["subject"] for entry in audited(town)] == ["1 entity", "2 officer"]
    assert "李青青" not in town.get("/v1/audit").text
    # One bound to a town sees only its people.
    assert [each["code"] for each in find(client("publisher", WEST_TOWN), "欧阳娜", reveal=True)] == ["G-7"]
    assert find(client("publisher", WEST_TOWN), "李青青", reveal=True) == []


def audited(admin: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get("/v1/audit", params={"action": "personal data revealed"}).json()[
        "items"
    ]
    return found


def test_each_caller_searches_their_own_ground(town: httpx.Client, client: Client) -> None:
    east = client("viewer", EAST_TOWN)
    assert names(find(east, "海滨路")) == [("feature", "海滨路"), ("feature", "海滨路北段")]
    assert {each["area_code"] for each in find(east, "440305001")} <= {EAST_TOWN}
    assert [each["code"] for each in find(east, "G-7")] == ["G-77"]
    assert east.get("/v1/areas/440305001/sheet").status_code == 404


def test_coordinates_are_read_in_each_datum(town: httpx.Client) -> None:
    for text in ("114.05, 22.55", "22°33′N 114°03′E"):
        readings = town.get("/v1/search", params={"text": text}).json()["locations"]
        assert [each["datum"] for each in readings] == ["wgs84", "gcj02", "bd09"]
        for each in readings:
            lon, lat = convert_coordinates(114.05, 22.55, each["datum"], "wgs84")
            assert (each["lon"], each["lat"]) == pytest.approx((float(lon), float(lat)), abs=1e-7)
    abroad = town.get("/v1/search", params={"text": "-46.63, -23.55"}).json()["locations"]
    assert [each["datum"] for each in abroad] == ["wgs84"]


def test_the_sheet_of_a_town(town: httpx.Client, client: Client, ground: Database) -> None:
    query = {"scheme": "community", "at": DAY.isoformat()}
    sheet = client("publisher").get(f"/v1/areas/{WEST_TOWN}/sheet", params=query).json()
    assert (sheet["cells"], sheet["counts"]["enterprise"], sheet["counts"]["household"]) == (4, 2, 0)
    assert sheet["box"] == pytest.approx([WEST, SOUTH, WEST + 2 * STEP, SOUTH + 2 * STEP])
    assert [each["code"] for each in sheet["areas"]] == ["440305"]
    assert (sheet["gap_run"], sheet["gaps"]) == (None, None)
    (officer,) = sheet["officers"]
    assert (officer["name"], officer["phone"]) == ("欧**", "*********34")
    plain = client("publisher").get(f"/v1/areas/{WEST_TOWN}/sheet", params={**query, "reveal": True}).json()
    assert plain["officers"][0]["phone"] == "13800001234"
    assert audited(town)[-1]["subject"] == "1 officer"
    add_run(ground, None, DAY, ["blank", "blank", "overlap"])
    counted = client("viewer", WEST_TOWN).get(f"/v1/areas/{WEST_TOWN}/sheet", params=query).json()
    assert counted["gaps"] == {"high": 2, "medium": 0, "low": 0}
    # What a post publishes is for everybody, also to be found by.
    with ground.write() as session:
        published = session.query(Officer).filter_by(external_id="G-7").one()
        published.attributes = {"published_phone": "0755-26001234", "公示姓名": "小欧"}
    shown = client("viewer").get(f"/v1/areas/{WEST_TOWN}/sheet", params=query).json()["officers"][0]
    assert (shown["name"], shown["phone"]) == ("小欧", "0755-26001234")
    assert [each["code"] for each in find(client("viewer"), "小欧")] == ["G-7"]
    # Before its day nobody answers for it.
    before = town.get(f"/v1/areas/{WEST_TOWN}/sheet", params={"at": date(2025, 1, 1).isoformat()}).json()
    assert (before["officers"], before["counts"]["enterprise"], before["cells"]) == ([], 0, None)
