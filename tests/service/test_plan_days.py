"""Plans for days to come, past days and back, asked of two servers and after a restart: who answers where."""

import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import shapely

from tests.layers import squares
from tests.layers.squares import COUNTY, SQUARES
from tests.plain_http import NO_CERTIFICATES
from tests.service import dataset
from tests.service.dataset import ALL_SQUARES, Owners
from tests.service.processes import Server, serving

SEEN_S = 60.0
"""Seconds after which an answer of another server is no longer waited for; it is there within one."""

Answers = dict[str, dict[tuple[int, int], tuple[str | None, str | None]]]
"""By the day, for each square the code of its cell and who answers for it."""

COLUMNS: Owners = {square: "abcd"[square[0]] for square in ALL_SQUARES}
PAIRS: Owners = {square: "w" if square[0] < 2 else "e" for square in ALL_SQUARES}
WHOLE: Owners = dict.fromkeys(ALL_SQUARES, "all")
LEADERS = {"a": "A", "b": "B", "c": "C", "d": "D"}
# Households decide, and the second and the fourth column have more.
LEADERS_OF_PAIRS, LEADER_OF_WHOLE = {"w": "B", "e": "D"}, {"all": "D"}
HOUSEHOLDS = {0: 1, 1: 2, 2: 1, 3: 3}

TURNS = 5
"""How often each of two people edits at once."""


class Days:
    """The days that are asked about, and what is right on each."""

    def __init__(self, today: date) -> None:
        self.past, self.yesterday, self.today = today - timedelta(90), today - timedelta(1), today
        self.earlier, self.soon = today + timedelta(5), today + timedelta(10)

    def answers(self, *plans: tuple[date, Owners, Mapping[str, str]]) -> Answers:
        """Play plans in the order of their days."""
        found: Answers = {}
        for day in (self.yesterday, self.today, self.earlier, self.soon - timedelta(1), self.soon):
            _, owners, leaders = max((plan for plan in plans if plan[0] <= day), key=lambda plan: plan[0])
            found[str(day)] = {square: (code, leaders[code]) for square, code in owners.items()}
        return found


def first_of(officers: list[dict[str, Any]]) -> str | None:
    """The number of the first; a process that knows less than the database yet finds nobody in its cells."""
    return officers[0]["external_id"] if officers else None


def ask(client: httpx.Client, days: Answers) -> Answers:
    """Ask one by one, and all at once, who answers on some days."""
    found: Answers = {}
    points = [squares.spot(square) for square in ALL_SQUARES]
    for day in days:
        query: dict[str, Any] = {"scheme": "community", "at": day, "officers": True}
        single, revisions = [], set()
        for point in points[::3]:
            place = {"lon": repr(point.x), "lat": repr(point.y)}
            told = client.get("/v1/locate", params=query | place).raise_for_status().json()
            (owner,) = told["owners"]
            revisions.add(told["revision"])
            single.append((owner["cell"] and owner["cell"]["code"], first_of(owner["officers"])))
        asked = {"lon": [point.x for point in points], "lat": [point.y for point in points]}
        many = client.post("/v1/locate", params=query, json=asked).raise_for_status().json()
        columns = many["schemes"]["community"]
        answers = [(code, first_of(columns["officers"].get(code, []))) for code in columns["code"]]
        # Otherwise the process has learnt of a change between two answers.
        if revisions == {many["revision"]}:
            assert answers[::3] == single
        found[day] = dict(zip(ALL_SQUARES, answers, strict=True))
    return found


def require(servers: tuple[Server, ...], expected: Answers) -> None:
    """Fail if a server does not come to answer so; the first has made the change and does at once."""
    assert ask(servers[0].client, expected) == expected
    for server in servers[1:]:
        began = time.monotonic()
        while ask(server.client, expected) != expected:
            assert time.monotonic() - began < SEEN_S


def take(client: httpx.Client, plan: int, step: str, body: Any = None) -> dict[str, Any]:
    """Take a step of a plan in its present version."""
    tag = client.get(f"/v1/plans/{plan}").raise_for_status().headers["ETag"]
    done = client.post(f"/v1/plans/{plan}/{step}", json=body, headers={"If-Match": tag})
    found: dict[str, Any] = done.raise_for_status().json()
    return found


def put_in_force(client: httpx.Client, plan: int, on: date) -> None:
    assert take(client, plan, "check", {"on": str(on)})["publishable"]
    take(client, plan, "publish", {"on": str(on), "confirm": True})


def draw(client: httpx.Client, owners: Owners) -> int:
    cells = json.loads(squares.cells(owners, parent=COUNTY).to_json())
    body = {"scheme": "community", "name": "plan", "cells": cells}
    return int(client.post("/v1/plans", json=body).raise_for_status().json()["id"])


def begin(client: httpx.Client, days: Days) -> int:
    """Put the columns in force in the past, with households and a leader in each."""
    client.post("/v1/schemes", json={"code": "community", "name": "社区"}).raise_for_status()
    for square in SQUARES:
        point = squares.spot(square)
        for number in range(HOUSEHOLDS[square[0]]):
            place = {"type": "Point", "coordinates": [point.x, point.y]}
            body = {"kind": "household", "external_id": f"{square} {number}", "geometry": place}
            client.post("/v1/entities", json=body | {"on": str(days.past)}).raise_for_status()
    first = draw(client, COLUMNS)
    put_in_force(client, first, days.past)
    for code, name in LEADERS.items():
        officer = client.post("/v1/officers", json={"external_id": name, "on": str(days.past)})
        post = {"scheme": "community", "cell_code": code, "duty": "leader", "on": str(days.past)}
        number = officer.raise_for_status().json()["id"]
        client.post(f"/v1/officers/{number}/posts", json=post).raise_for_status()
    return first


def test_two_servers_and_a_restarted_one_tell_every_day_as_it_is(
    copy_of: Callable[[str], str], tmp_path: Path, today: date
) -> None:
    url, days = copy_of("migrated"), Days(today)
    token = dataset.prepare_database(url, dataset.county_and_towns())
    columns, pairs = (days.past, COLUMNS, LEADERS), (days.soon, PAIRS, LEADERS_OF_PAIRS)
    with serving(tmp_path, url, token) as one, serving(tmp_path, url, token) as other:
        first = begin(one.client, days)
        require((one, other), days.answers(columns))
        to_come = draw(one.client, PAIRS)
        put_in_force(one.client, to_come, days.soon)
        require((one, other), days.answers(columns, pairs))
        take(other.client, to_come, "withdraw")
        require((other, one), days.answers(columns))
        put_in_force(other.client, to_come, days.soon)
        put_in_force(one.client, draw(one.client, WHOLE), days.earlier)
        between = (days.earlier, WHOLE, LEADER_OF_WHOLE)
        require((one, other), days.answers(columns, between, pairs))
        put_in_force(other.client, draw(other.client, PAIRS), days.yesterday)
        slip = (days.yesterday, PAIRS, LEADERS_OF_PAIRS)
        require((other, one), days.answers(slip, between, pairs))
        back = one.client.post(f"/v1/plans/{first}/revert").raise_for_status().json()["id"]
        put_in_force(one.client, back, days.today)
        # The leaders of yesterday's cells answer for what became of these.
        reverted = (days.today, COLUMNS, {"a": "B", "b": "B", "c": "D", "d": "D"})
        expected = days.answers(slip, reverted, between, pairs)
        require((one, other), expected)
        edit_at_once(one, other, draw(one.client, COLUMNS))
    with serving(tmp_path, url, token) as again:
        require((again,), expected)


class Editor:
    """Somebody who edits a plan through one server and reads it again when told to."""

    def __init__(self, server: Server, plan: int, name: str) -> None:
        self._server, self._plan, self._name = server, plan, name
        self.done, self.stale = 0, 0
        with self._client() as client:
            self._tag = client.get(f"/v1/plans/{plan}").raise_for_status().headers["ETag"]

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._server.token}"}
        return httpx.Client(
            base_url=self._server.address, headers=headers, timeout=None, verify=NO_CERTIFICATES
        )

    def edit(self, bodies: list[dict[str, Any]]) -> None:
        """Make edits one by one; each counts once it is done."""
        with self._client() as client:
            for body in bodies:
                while True:
                    headers = {"If-Match": self._tag}
                    answer = client.post(f"/v1/plans/{self._plan}/edits", json=body, headers=headers)
                    if answer.status_code == 200:
                        self._tag = answer.headers["ETag"]
                        self.done += 1
                        break
                    if answer.status_code == 503:
                        time.sleep(float(answer.headers["Retry-After"]))
                        continue
                    assert answer.status_code == 412, answer.text
                    assert re.search("have been changed by .* since version", answer.json()["detail"])
                    self.stale += 1
                    self._tag = client.get(f"/v1/plans/{self._plan}").raise_for_status().headers["ETag"]


def across(column: int, to: str) -> dict[str, Any]:
    """Give a cell ground on both sides of the eastern border of a column, in the middle of its rows."""
    east = squares.WEST + (column + 1) * squares.SIZE
    middle = squares.SOUTH + squares.ROWS * squares.SIZE / 2
    reach = squares.SIZE / 4
    region = shapely.box(east - reach, middle - reach, east + reach, middle + reach)
    return {"command": "transfer", "to": to, "region": shapely.geometry.mapping(region)}


def edit_at_once(one: Server, other: Server, plan: int) -> None:
    """Two people edit a draft through two servers at once: what is disjoint meets, the rest is told."""
    anna, ben = Editor(one, plan, "anna"), Editor(other, plan, "ben")
    apart = [
        [across(column, code) for _ in range(TURNS) for code in codes]
        for column, codes in ((0, "ba"), (2, "dc"))
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Editor.edit, (anna, ben), apart))
    assert (anna.done, anna.stale, ben.done, ben.stale) == (2 * TURNS, 0, 2 * TURNS, 0)
    names = [
        [{"command": "update", "cell": "a", "name": f"{who} {turn}"} for turn in range(TURNS)] for who in "xy"
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Editor.edit, (anna, ben), names))
    steps = (
        other.client.get(f"/v1/plans/{plan}/edits", params={"limit": 1000}).raise_for_status().json()["items"]
    )
    assert len(steps) == anna.done + ben.done == 6 * TURNS
    assert [step["version"] for step in steps] == list(range(2, 2 + 6 * TURNS))
    # Each of two who edit the same cell has read what the other did before.
    assert anna.stale + ben.stale >= 1
    for _ in steps:
        take(one.client, plan, "undo")
    assert take(other.client, plan, "check")["valid"]
