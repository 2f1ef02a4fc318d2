"""`/v1/locate` in the running service: who may ask, and that it follows a publishing."""

from time import monotonic, sleep

import httpx
from fastapi import FastAPI

from api.routes.locate import router
from api.security.requirements import route_requirements
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
