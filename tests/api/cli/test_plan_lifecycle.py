"""The commands by which plans are copied, reviewed, taken back and gone back to."""

from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.crs import LONLAT
from layers.formats import write_layer
from tests.api.conftest import Run

SOON = str(date.today() + timedelta(days=10))


@pytest.fixture
def wangge_with_plan(
    wangge: Run, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The program with a database in which plan 1, of one cell, is checked."""
    database = tmp_path / "wangge.gpkg"
    database.write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("WANGGE_DATABASE", f"sqlite:///{database}")
    town = shapely.box(113.9, 22.5, 113.91, 22.505)
    areas, cells = tmp_path / "areas.geojson", tmp_path / "cells.geojson"
    columns = {"code": ["440305001"], "level": ["town"]}
    write_layer(areas, gpd.GeoDataFrame(columns, geometry=[town], crs=LONLAT))
    write_layer(cells, gpd.GeoDataFrame({"code": ["A1"]}, geometry=[town], crs=LONLAT))
    rules = tmp_path / "rules.toml"
    rules.write_text("approval = true\n")
    for command in (
        ("load", "areas", areas),
        ("scheme", "create", "community", "社区", "--rules", rules),
        ("plan", "load", "community", cells, "--name", "first"),
        ("plan", "check", 1),
    ):
        assert wangge(*command).code == 0, command
    return wangge


def test_a_plan_goes_its_way_and_back(wangge_with_plan: Run) -> None:
    wangge = wangge_with_plan
    refused = wangge("plan", "publish", 1)
    assert (refused.code, "its scheme publishes only what is approved; submit it" in refused.err) == (
        2,
        True,
    )
    assert wangge("plan", "submit", 1, "--comment", "Ready.").out == "plan 1 is submitted\n"
    assert wangge("plan", "reject", 1, "--comment", "Not yet.").out == "plan 1 is a draft again\n"
    wangge("plan", "submit", 1)
    assert wangge("plan", "approve", 1).out == "plan 1 is approved\n"
    assert wangge("plan", "publish", 1, "--on", SOON).code == 0
    assert wangge("plan", "withdraw", 1).out == "plan 1 is a draft again\n"
    history = wangge("plan", "history", 1)
    rows = [line.split("\t")[1:] for line in history.out.splitlines()]
    assert [row[0] for row in rows] == [
        "submit", "reject", "submit", "approve", "publish", "take-back",
    ]  # fmt: skip
    assert [row[1:] for row in rows[:2]] == [["command line", "Ready."], ["command line", "Not yet."]]
    assert wangge("plan", "delete", 1).code == 2


def test_copies_are_made_named_and_deleted(wangge_with_plan: Run) -> None:
    wangge = wangge_with_plan
    copied = wangge("plan", "copy", 1, "--name", "second")
    assert copied.out.startswith("plan 2 of community: a draft of 1 cells\n")
    assert wangge("plan", "rename", 2, "other").out == "plan 2 is named other\n"
    assert wangge("plan", "delete", 2).out == "plan 2 (other) is deleted\n"
    assert "There is no plan number 2" in wangge("plan", "delete", 2).err
    assert "has no cells in force on" in wangge("plan", "copy", "--scheme", "community", "--name", "x").err
    assert "Give either the number" in wangge("plan", "copy", "--name", "x").err
    assert "was never in force; copy it instead" in wangge("plan", "revert", 1).err
    for command in (("submit", 1), ("approve", 1), ("publish", 1, "--on", "2026-01-01")):
        assert wangge("plan", *command).code == 0
    assert wangge("plan", "copy", "--scheme", "community", "--name", "now", "--json").summary["cells"] == 1
    assert "there is nothing to go back to" in wangge("plan", "revert", 1).err
