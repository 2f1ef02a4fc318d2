"""The command `kinds`, on files as users bring them."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from api.cli import app

STEP = 0.001


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three cells, homes in the first, a school among the buildings of the second; a home outside."""
    shapes = [shapely.box(114 + STEP * x, 22.5, 114 + STEP * (x + 1), 22.5 + STEP) for x in range(3)]
    table = {"code": list("abc"), "kind": ["square"] * 3, "note": list("xyz")}
    gpd.GeoDataFrame(table, geometry=shapes, crs=4326).to_file(tmp_path / "cells.gpkg")
    lons = [*(114.0001 + STEP * place / 50 for place in range(30)), 120]
    homes = gpd.GeoDataFrame({"id": range(31)}, geometry=gpd.points_from_xy(lons, [22.5003] * 31), crs=4326)
    homes.to_crs(4547).to_file(tmp_path / "homes.gpkg")
    buildings = gpd.GeoDataFrame({"class": ["学校"]}, geometry=[shapes[1].buffer(-STEP / 4)], crs=4326)
    buildings.to_file(tmp_path / "buildings.geojson")
    return tmp_path


def run(files: Path, *arguments: str) -> tuple[int, str, str]:
    output = ("-o", str(files / "out.gpkg"))
    result = CliRunner().invoke(app, ["kinds", str(files / "cells.gpkg"), *output, *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_kinds_by_the_rules_of_the_program(files: Path) -> None:
    given = ("--entities", f"household={files / 'homes.gpkg'}", "--base", str(files / "buildings.geojson"))
    code, told, notes = run(files, *given, "--lang", "zh")
    assert code == 0, notes
    found = gpd.read_file(files / "out.gpkg")
    assert found["kind"].tolist() == ["residential", "school", "rural"]
    assert found["kind_rule"].tolist() == ["residential: households", "school", "rural"]
    assert found["note"].tolist() == ["x", "y", "z"]
    assert "1 学校网格: school" in told
    assert "31 条 household 记录中有 1 条不在任何网格内" in notes
    assert "commercial (enterprise)" in notes
    code, told, _ = run(files, *given, "--json")
    assert json.loads(told)["rules"][0] == {"rule": "school", "kind": "school", "label": "School", "cells": 1}


def test_kinds_by_own_rules(files: Path) -> None:
    rules = files / "rules.toml"
    rules.write_text(
        """
        [kinds]
        dense = {zh = "密集网格", en = "Dense"}
        [[rule]]
        name = "full of homes"
        kind = "dense"
        all = [{of = "lamp", at_least = 20}]
        """,
        encoding="utf-8",
    )
    code, told, notes = run(files, "--rules", str(rules), "--entities", f"lamp={files / 'homes.gpkg'}")
    assert code == 0, notes
    assert gpd.read_file(files / "out.gpkg")["kind"].tolist() == ["dense", "square", "square"]
    assert "2 cells where no rule holds" in told
    (files / "out.gpkg").unlink()
    code, _, notes = run(files, "--rules", str(rules), "--entities", f"household={files / 'homes.gpkg'}")
    assert code == 2
    assert f"{rules}, line 4: 'rule[1].all[1].of' is 'lamp', which is unknown" in notes
    assert not (files / "out.gpkg").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "No rule can be tried; they ask about service_point, enterprise"),
        (["--entities", "homes.gpkg"], "has no field 'kind'; say what its records are as KIND=homes.gpkg"),
        (["--base", "bricks=buildings.geojson"], "There is no kind 'bricks'"),
        (["--base", "homes.gpkg"], "name them as KIND=homes.gpkg with one of roads, railway, water, green"),
        (["--rules", "nowhere.toml"], "cannot be read"),
    ],
)
def test_what_cannot_be_used(
    files: Path, given: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    code, _, told = run(files, *given)
    assert code == 2
    assert sentence in told
    assert not (files / "out.gpkg").exists()
