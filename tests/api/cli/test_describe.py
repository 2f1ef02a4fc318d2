"""The command `describe`, on files as users bring them."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from api.cli import app

STEP = 0.001


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two cells of two areas, with a street in the south, a railway in the north and a lake in the east."""
    shapes = [shapely.box(114 + STEP * x, 22.5, 114 + STEP * (x + 1), 22.5 + STEP) for x in range(2)]
    cells = gpd.GeoDataFrame({"code": ["a", "b"], "load": [1, 2]}, geometry=shapes, crs=4326)
    cells.to_crs(4547).to_file(tmp_path / "cells.gpkg")
    areas = gpd.GeoDataFrame({"code": ["1", "2"], "name": ["东村", "西村"]}, geometry=shapes, crs=4326)
    areas.to_file(tmp_path / "areas.geojson")
    street = shapely.LineString([(113.99, 22.5), (114.01, 22.5)])
    railway = shapely.LineString([(113.99, 22.5 + STEP), (114.01, 22.5 + STEP)])
    lines = gpd.GeoDataFrame(
        {"name": ["滨河路", None, None], "railway": [None, "rail", None], "label": ["R1", "R2", "R3"]},
        geometry=[street, railway, shapely.LineString([(114, 22.4), (114, 22.6)])],
        crs=4326,
    )
    lines.to_file(tmp_path / "lines.gpkg")
    lake = shapely.box(114 + 2 * STEP, 22.49, 114.1, 22.51)
    gpd.GeoDataFrame({"NAME": ["镜湖"]}, geometry=[lake], crs=4326).to_file(tmp_path / "lake.geojson")
    return tmp_path


def run(files: Path, output: str, *arguments: str) -> tuple[int, str, str]:
    given = [str(files / "cells.gpkg"), "-o", str(files / output), *arguments]
    result = CliRunner().invoke(app, ["describe", *given])
    return result.exit_code, result.stdout, result.stderr


def test_a_table_in_chinese(files: Path) -> None:
    lines = ("--streets", str(files / "lines.gpkg"), "--streets", f"water={files / 'lake.geojson'}")
    code, told, notes = run(files, "d.csv", *lines, "--areas", str(files / "areas.geojson"), "--lang", "zh")
    assert code == 0, notes
    table = pd.read_csv(files / "d.csv", dtype=str)
    assert list(table.columns) == ["code", "north", "east", "south", "west", "description"]
    assert table["description"].tolist() == [
        "东至西村，南至滨河路，西至外边界，北至铁路。",
        "东至镜湖，南至滨河路，西至东村，北至铁路。",
    ]
    assert "2 cells, 5 of 8 sides by streets, railways or rivers" in told
    assert "4 条线中有 1 条是没有名称的道路" in notes


def test_a_layer_in_english_by_another_field(files: Path) -> None:
    lines = ("--streets", f"roads={files / 'lines.gpkg'}", "--streets-name-field", "label")
    code, told, notes = run(files, "d.gpkg", *lines, "--lang", "en", "--json")
    assert code == 0, notes
    assert json.loads(told)["sides_by_lines"] == 5
    found = gpd.read_file(files / "d.gpkg")
    assert found["load"].tolist() == [1, 2]
    assert found["description"][0] == "north: R2; east: cell b; south: R1; west: R3."


@pytest.mark.parametrize(
    ("streets", "more", "sentence"),
    [
        ("rivers=lines.gpkg", (), "There is no kind of lines 'rivers' (there are: roads, railway, water)"),
        ("lines.gpkg", ("--streets-name-field", "lable"), "lines.gpkg has no field 'lable' (near it: label)"),
        ("nowhere.gpkg", (), "there is no such file"),
        ("far.geojson", (), "No line lies near the cells: one lies at 2.0000, 48.0000, a cell at 114.0"),
        ("points.geojson", (), "No record of the lines is a line or a polygon"),
        ("lines.gpkg", ("--tolerance", "-1"), "The tolerance is -1 m"),
    ],
)
def test_what_cannot_be_used(
    files: Path, streets: str, more: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    far = gpd.GeoDataFrame({"name": ["R"]}, geometry=[shapely.LineString([(2, 48), (3, 49)])], crs=4326)
    far.to_file("far.geojson")
    far.assign(geometry=[shapely.Point(114, 22.5)]).to_file("points.geojson")
    code, _, told = run(files, "d.csv", "--streets", streets, *more)
    assert code == 2
    assert sentence in told
    assert len(told.strip().splitlines()) <= 2
    assert not (files / "d.csv").exists()
