"""Areas of a day over HTTP: an import that is told, taken, read on both sides of the day, and undone."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import shapely

from tests.api.routes.conftest import Client, square
from tests.api.routes.grid import EAST_TOWN, WEST_TOWN, address, codes, eventually, told
from tests.api.routes.test_imported_files import job_of

MERGED, DAY = "440305601", date.today() + timedelta(days=20)


def write_areas(path: Path, areas: Iterable[tuple[str, shapely.Geometry]]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": code, "level": "town", "parent": "440305"},
            "geometry": shapely.geometry.mapping(shape),
        }
        for code, shape in areas
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_two_towns_merge_on_a_day_and_are_two_again(client: Client, tmp_path: Path) -> None:
    admin, west = client(), client("viewer", WEST_TOWN)
    file = write_areas(tmp_path / "towns.geojson", [(MERGED, square(0, 0, 4, 2))])
    refused = job_of(admin, "/v1/imports/areas", file)
    assert (refused["state"], "2 areas would end" in refused["error"]) == ("failed", True)
    assert refused["error"].endswith("name the first day of the new ones (on).")
    tried = job_of(admin, "/v1/imports/areas", file, on=f"{DAY}", dry_run="true")["result"]
    assert (tried["inserted"], tried["ended"], tried["adjustment"]) == (1, 2, None)
    assert {each["from"] for each in tried["ground"]} == {WEST_TOWN, EAST_TOWN}
    assert tried["effects"]["accounts"] == ["viewer 1"]
    assert admin.get("/v1/area-adjustments").json()["items"] == []
    officer = admin.post("/v1/officers", json={"external_id": "G1", "area_code": "440305"}).json()["id"]
    post = {"area_code": WEST_TOWN, "duty": "leader", "rank": "A"}
    assert admin.post(f"/v1/officers/{officer}/posts", json=post).status_code == 201

    done = job_of(admin, "/v1/imports/areas", file, on=f"{DAY}")["result"]

    def listed(**query: str) -> set[str]:
        return {each["code"] for each in admin.get("/v1/areas", params=query).json()["items"]}

    assert done["effects"]["posts"] == [{"area_code": WEST_TOWN, "successor": MERGED, "posts": 1}]

    def led(day: date, area: str) -> list[str]:
        sheet = admin.get(f"/v1/areas/{area}/sheet", params={"at": f"{day}"}).json()
        return [each["external_id"] for level in sheet["responsible"] for each in level["officers"]]

    eventually(lambda: led(DAY, MERGED) == ["G1"])
    assert led(DAY - timedelta(days=1), WEST_TOWN) == ["G1"]
    refused_post = admin.post(f"/v1/officers/{officer}/posts", json=post | {"duty": "inspector"})
    assert (refused_post.status_code, f"ends on {DAY}" in refused_post.json()["detail"]) == (409, True)
    assert listed() == {"440305", WEST_TOWN, EAST_TOWN}
    assert listed(at=f"{DAY}") == {"440305", MERGED}
    gone = admin.get(f"/v1/areas/{WEST_TOWN}", params={"at": f"{DAY}"})
    assert (gone.status_code, f"became {MERGED}" in gone.json()["detail"]) == (404, True)
    read = admin.get(f"/v1/areas/{MERGED}", params={"at": f"{DAY}"}).json()
    assert (read["valid_from"], read["change"]) == (f"{DAY}", "merged")
    sheet = admin.get("/v1/areas/440305/sheet", params={"at": f"{DAY}"}).json()
    assert [each["code"] for each in sheet["beneath"]] == [MERGED]
    history = admin.get(f"/v1/areas/{WEST_TOWN}/history").json()
    assert [each["code"] for each in history["successors"]] == [MERGED]
    # Who is bound to one of the two may prepare what it becomes.
    assert west.get(f"/v1/areas/{MERGED}", params={"at": f"{DAY}"}).status_code == 200
    assert west.get(f"/v1/areas/{EAST_TOWN}").status_code == 404
    place = address(1.5, 0.5)
    eventually(lambda: codes(told(admin, "areas", place, at=f"{DAY}"), "areas") == {"440305", MERGED})
    assert WEST_TOWN in codes(told(admin, "areas", place), "areas")

    assert admin.get("/v1/area-adjustments/999").status_code == 404
    undone = admin.post(f"/v1/area-adjustments/{done['adjustment']}/undo")
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert admin.post(f"/v1/area-adjustments/{done['adjustment']}/undo").status_code == 409
    eventually(lambda: led(DAY, WEST_TOWN) == ["G1"])
    rows = admin.get("/v1/lists/posts", params={"at": f"{DAY}"}).json()["items"]
    assert [row["person_number"] for row in rows] == ["G1"]
    assert listed(at=f"{DAY}") == {"440305", WEST_TOWN, EAST_TOWN}
