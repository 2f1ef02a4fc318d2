"""`/v1/locate` in the running service: who may ask, and that it follows a publishing."""

import csv
from time import monotonic, sleep

import httpx
import pyarrow as pa
from fastapi import FastAPI

from api.routes.locate import router
from api.security.requirements import route_requirements
from layers.models import Post
from layers.staff.officers import create_officer
from tests.api.locate.plans import good
from tests.layers.snapshot.published import DAYS, coded, lattice, publish


def test_every_route_says_who_may_call_it():
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    listed = {(method, each.path): each.rule for each in route_requirements(app) for method in each.methods}
    assert listed["GET", "/v1/locate"].right == "read"
    assert listed["POST", "/v1/locate"].right == "bulk"


def test_a_running_service_follows_a_publish_and_keeps_to_areas(ground, client):
    towns = ("440305001", "440305002")
    everywhere, here = client("integrator"), client("integrator", "440305002")
    viewer = client("viewer")
    place = {"lon": [114.0001, 114.0011], "lat": [22.5001, 22.5001]}
    for start in (1, 101):
        day = DAYS[0] if start == 1 else DAYS[1]
        publish(ground, "community", coded(lattice(2, 1), start=start), day, areas=towns)
        deadline = monotonic() + 60.0
        expected = [f"{start:03d}", f"{start + 1:03d}"]
        while True:
            told = good(everywhere.post("/v1/locate", json=place)).json()["schemes"]
            if told and told["community"]["code"] == expected:
                break
            assert monotonic() < deadline, told
            sleep(0.02)
        bound_to = good(here.post("/v1/locate", json=place)).json()["schemes"]["community"]
        assert bound_to["code"] == [None, expected[1]]
        assert bound_to["reason"] == ["forbidden", None]
    assert viewer.post("/v1/locate", json=place).status_code == 403
    one = good(viewer.get("/v1/locate", params={"lon": 114.0001, "lat": 22.5001})).json()
    assert one["owners"][0]["cell"]["code"] == "101"
    assert httpx.get(f"{viewer.base_url}/v1/locate?lon=114&lat=22", trust_env=False).status_code == 401


def test_who_is_responsible_is_told_for_each_day_in_each_form(ground, client):
    towns = ("440305001", "440305002")
    integrator, bound = client("integrator"), client("viewer", "440305002")
    publish(ground, "community", coded(lattice(2, 1)), DAYS[0], areas=towns)
    publish(ground, "community", coded(lattice(2, 1), start=101), DAYS[1], areas=towns)
    with ground.write() as session:
        for place, rank, published in (("01", "A", {}), ("01", "B", {"公示姓名": "值班室"}), ("02", "A", {})):
            officer = create_officer(
                session,
                f"0{place}{rank}",
                area_code="440305",
                attributes=published,
                personal={"name": "李雷", "phone": "13800001234"},
                on=DAYS[0],
                confirmed=True,
            )
            for code, on in ((f"0{place}", DAYS[0]), (f"1{place}", DAYS[1])):
                session.add(
                    Post(
                        officer_id=officer.id,
                        scheme_id=1,
                        cell_code=code,
                        duty="leader",
                        rank=rank,
                        valid_from=on,
                        version=1,
                    )
                )
    place = {"lon": [114.0001, 114.0011, 115.0], "lat": [22.5001, 22.5001, 22.5001]}
    expected = [("001A", "李*"), ("001B", "值班室")]
    deadline = monotonic() + 60.0
    while "101" not in good(integrator.post("/v1/locate", json=place)).text:
        assert monotonic() < deadline
        sleep(0.02)
    for day, codes in ((DAYS[0], ["001", "002"]), (DAYS[1], ["101", "102"])):
        params = {"at": str(day), "officers": "true", "scheme": "community"}
        one = good(bound.get("/v1/locate", params={"lon": 114.0011, "lat": 22.5001, **params})).json()
        (officer,) = one["owners"][0]["officers"]
        assert (officer["external_id"], officer["name"], officer["phone"]) == ("002A", "李*", "*********34")
        hidden = good(bound.get("/v1/locate", params={"lon": 114.0001, "lat": 22.5001, **params})).json()
        assert hidden["owners"] == [
            {"scheme": "community", "cell": None, "reason": "forbidden", "officers": []}
        ]
        columns = good(integrator.post("/v1/locate", json=place, params=params)).json()
        told = columns["schemes"]["community"]["officers"]
        assert list(told) == codes
        assert [(each["external_id"], each["name"]) for each in told[codes[0]]] == expected
        records = [{"lon": lon, "lat": 22.5001} for lon in place["lon"]]
        assert good(integrator.post("/v1/locate", json=records, params=params)).json()["officers"] == {
            "community": told
        }
        text = "lon,lat\n" + "".join(f"{lon},22.5001\n" for lon in place["lon"])
        answer = good(
            integrator.post("/v1/locate", content=text, headers={"content-type": "text/csv"}, params=params)
        )
        rows = list(csv.DictReader(answer.text.splitlines()))
        assert [(row["cell_code"], row["officer_id"], row["officer_name"]) for row in rows] == [
            (codes[0], "001A", "李*"), (codes[1], "002A", "李*"), ("", "", ""),
        ]  # fmt: skip
        stream = pa.BufferOutputStream()
        table = pa.table(place)
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
        answer = good(
            integrator.post(
                "/v1/locate", content=stream.getvalue().to_pybytes(), params=params,
                headers={"content-type": "application/vnd.apache.arrow.stream"},
            )
        )  # fmt: skip
        assert pa.ipc.open_stream(answer.content).read_all().column("officer_id").to_pylist() == [
            "001A", "002A", None,
        ]  # fmt: skip
    refused = integrator.get("/v1/locate", params={"lon": 114, "lat": 22, "officers": "perhaps"})
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "officers='perhaps' is neither true nor false.",
    )
    assert "officers" not in good(integrator.get("/v1/locate", params={"lon": 114.0001, "lat": 22.5001})).text
