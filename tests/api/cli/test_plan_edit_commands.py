"""The commands that redraw a draft, lock its cells, and waive rules for them."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.crs import LONLAT
from layers.formats import write_layer
from tests.api.conftest import Run

WEST, EAST = shapely.box(113.9, 22.5, 113.905, 22.505), shapely.box(113.905, 22.5, 113.91, 22.505)


@pytest.fixture
def program(wangge: Run, migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program with a draft of two cells, and another scheme with the same two in force."""
    database = tmp_path / "wangge.gpkg"
    database.write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("WANGGE_DATABASE", f"sqlite:///{database}")
    areas, cells, rules = (tmp_path / name for name in ("areas.geojson", "cells.geojson", "rules.toml"))
    town = shapely.coverage_union_all([WEST, EAST])
    write_layer(
        areas, gpd.GeoDataFrame({"code": ["440305001"], "level": ["town"]}, geometry=[town], crs=LONLAT)
    )
    write_layer(cells, gpd.GeoDataFrame({"code": ["A1", "A2"]}, geometry=[WEST, EAST], crs=LONLAT))
    rules.write_text("[sizes]\nmax_area_m2 = 300000\n")
    for command in (
        ("load", "areas", areas),
        ("scheme", "create", "safety", "安全"),
        ("scheme", "create", "community", "社区", "--rules", rules),
        ("plan", "load", "safety", cells, "--name", "safety"),
        ("plan", "check", 1),
        ("plan", "publish", 1),
        ("plan", "load", "community", cells, "--name", "spring"),
    ):
        assert wangge(*command).code == 0, command
    return wangge


def test_a_draft_is_redrawn_proposed_and_undone(program: Run, tmp_path: Path) -> None:
    region = tmp_path / "region.geojson"
    strip = gpd.GeoDataFrame(
        {"name": ["strip"]}, geometry=[shapely.box(113.904, 22.4, 113.905, 22.6)], crs=LONLAT
    )
    write_layer(region, strip)
    transfer = ("plan", "edit", 2, "transfer", "--to", "A2", "--drawn", region)
    seen = program(*transfer, "--preview")
    assert seen.code == 0, seen.err
    assert "  cell A1 of safety shares 553.7 m of the border" in seen.out.splitlines()
    done = json.loads(program(*transfer, "--propose", "--json").out)
    assert [each["area_m2"] > 0 for each in done["after"]] == [True, True]
    assert (done["version"], done["proposals"][0]["name"]) == (2, "spring (community 2)")
    assert program("plan", "check", 3).code == 0
    assert program("plan", "undo", 2).out.startswith("plan 2, version 3: undo (transfer)\n")
    assert program("plan", "redo", 2).code == 0
    numbered = program("plan", "edit", 2, "renumber")
    assert "440305001000001 (440305001000001): 227,885 m² (was A1)" in numbered.out, numbered.out
    again = program("plan", "edit", 2, "renumber")
    assert (again.code, again.err) == (1, "wangge: This changes nothing.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("melt", "A1"), "There is no edit 'melt' (there are: merge, split,"),
        (("merge",), "The edit merge needs its cells."),
        (("border", "A1"), "The edit border names 2 cells, not 1."),
        (("split", "A1"), "The edit split needs --drawn."),
        (("split-evenly", "A1", "--count", 1), "The edit split-evenly cannot take that for --count"),
        (("update", "A1", "--into", "A2"), "The edit update has no option --into."),
        (("merge", "A1", "x"), "There is no cell 'x' in this draft."),
        (("transfer", "--to", "A1", "--drawn", "nowhere.gpkg"), "nowhere.gpkg"),
    ],
)
def test_what_cannot_be_done_says_why(program: Run, arguments: tuple[object, ...], said: str) -> None:
    refused = program("plan", "edit", 2, *arguments)
    assert refused.code in (1, 2)
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert program("plan", "history", 2).out == "no steps\n"


def test_cells_are_locked_and_rules_waived(program: Run) -> None:
    assert program("plan", "lock", 2, "A1").out == "1 cell of plan 2 is locked now\n"
    assert program("plan", "lock", 2).err == "wangge: Give either codes of cells, or --all.\n"
    assert program("plan", "locks", 2).out.startswith("A1\tcommand line\t")
    assert (
        program("plan", "edit", 2, "merge", "A1", "A2").err
        == "wangge: Cell 'A1' is locked; unlock it first.\n"
    )
    assert program("plan", "unlock", 2, "--all").out == "1 cell of plan 2 is unlocked now\n"
    assert program("plan", "edit", 2, "merge", "A1", "A2").code == 0
    checked = program("plan", "check", 2)
    assert checked.code == 1
    assert checked.out.splitlines()[:2] == ["plan 2 is valid", "  rule sizes.max_area_m2: 1"]
    refused = program("plan", "submit", 2)
    assert "breaks rules of its scheme 1 times, first sizes.max_area_m2 in cell A1 (" in refused.err
    waive = ("plan", "waive", 2, "sizes.max_area_m2", "A1", "--reason")
    assert program(*waive, " ").err == "wangge: A waiver needs a reason.\n"
    assert program(*waive, "A park.").out == "waiver 1: cell A1 may break sizes.max_area_m2\n"
    assert program("plan", "check", 2).code == 0
    assert program("plan", "waivers", 2).out == "1\tholds\tsizes.max_area_m2\tA1\tcommand line\tA park.\n"
    assert program("plan", "end-waiver", 2, 1).code == 0
    assert program("plan", "submit", 2).code == 2
    assert program(*waive, "A park.").code == 0
    assert program("plan", "submit", 2).code == 0
