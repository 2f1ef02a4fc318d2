"""On which days cells of a scheme came into force, and what changed between two, over HTTP."""

from typing import Any

from layers.db.database import Database
from tests.api.routes.conftest import Client
from tests.api.routes.grid import DAY, EAST_TOWN, LATER, WEST_TOWN, cells, publish_cells
from tests.layers.snapshot.published import publish

SCHEME = "/v1/schemes/community"


def test_changes_are_those_between_the_lists_of_both_days(ground: Database, client: Client) -> None:
    publish_cells(ground, DAY)
    publish_cells(ground, LATER, height=2)

    def naive(of: Any, since: Any, at: Any) -> dict[str, int]:
        then, now = (
            {each["code"]: each["valid_from"] for each in of.get(f"{SCHEME}/cells?at={day}").json()["items"]}
            for day in (since, at)
        )
        both = then.keys() & now.keys()
        return {
            "begun": len(now.keys() - both),
            "ended": len(then.keys() - both),
            "changed": sum(then[code] != now[code] for code in both),
        }

    for caller in (client(), client("viewer", WEST_TOWN)):
        for since, at in (("2025-01-01", DAY), (DAY, DAY), (DAY, LATER), ("2025-01-01", LATER)):
            days = {"since": str(since), "at": str(at)}
            answer = caller.get(f"{SCHEME}/changes", params={**days, "limit": 1000}).json()
            items, unstaffed = answer.pop("items"), answer.pop("unstaffed")
            assert answer == {"scheme": "community", **days, **naive(caller, since, at)}
            for change in ("begun", "ended", "changed"):
                assert sum(each["change"] == change for each in items) == answer[change]
            assert [each["code"] for each in items] == sorted(each["code"] for each in items)
            for each in items:
                assert (each["area_m2_before"] is None) == (each["change"] == "begun")
                assert (each["area_m2"] is None) == (each["change"] == "ended")
                assert len(each["box"]) == 4
            # Nobody holds a post here; the number opens its list.
            vacant = caller.get(f"{SCHEME}/cells", params={"at": str(at), "staffed": False}).json()["items"]
            assert unstaffed == len(vacant)
            assert (
                caller.get(f"{SCHEME}/cells", params={"at": str(at), "staffed": True}).json()["items"] == []
            )
            assert caller.get(f"{SCHEME}/changes", params=days).json()["items"] == []
    assert client("viewer", WEST_TOWN).get(f"{SCHEME}/changes?since={DAY}").json()["changed"] == 2
    wrong = client().get(f"{SCHEME}/changes?since={LATER}&at={DAY}")
    assert wrong.status_code == 422
    assert "give the former day as since" in wrong.json()["detail"]
    assert client().get(f"/v1/schemes/none/changes?since={DAY}").status_code == 404


def test_the_days_are_those_that_brought_cells_where_the_caller_sees(
    ground: Database, client: Client
) -> None:
    publish_cells(ground, DAY)
    # A plan that brings cells to one town alone: a viewer of the other sees nothing new.
    west = [(code, shape) for code, shape in cells(2) if code.startswith(WEST_TOWN)]
    publish(ground, "community", west, LATER, areas=(WEST_TOWN,))
    assert client("viewer", EAST_TOWN).get(f"{SCHEME}/days").json()["days"] == [str(DAY)]
    for caller in (client(), client("viewer", WEST_TOWN)):
        began = {
            each["valid_from"]
            for day in (DAY, LATER)
            for each in caller.get(f"{SCHEME}/cells?at={day}").json()["items"]
        }
        told = caller.get(f"{SCHEME}/days").json()
        assert told == {"scheme": "community", "days": sorted(began, reverse=True)}
    assert client().get("/v1/schemes/none/days").status_code == 404
