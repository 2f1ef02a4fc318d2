"""The command `measure`, on files as users bring them."""

import json
import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from api.cli import app

SIDE = 100.0


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Four squares and an oblong in EPSG:4547, one square with a hole, the last of two parts."""
    shapes = [shapely.box(x, 2_490_000, x + SIDE, 2_490_000 + SIDE) for x in (500_000, 500_100, 500_200)]
    shapes[2] = shapes[2].difference(shapes[2].buffer(-40))
    shapes.append(shapely.MultiPolygon([shapely.box(0, 0, 50, 100), shapely.box(80, 0, 130, 100)]))
    shapes[3] = shapely.affinity.translate(shapes[3], 500_300, 2_490_000)
    shapes.append(shapely.box(500_430, 2_490_000, 500_830, 2_490_100))
    table = {
        "code": list("abcde"),
        "households": [90, 110, 100, 100, 100],
        "note": [None, "x", "x", "x", "x"],
    }
    path = tmp_path / "cells.gpkg"
    gpd.GeoDataFrame(table, geometry=shapes, crs=4547).to_file(path)
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["measure", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_cells_and_the_whole_plan(cells: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    weights = ("--weight", "households:0.1", "--weight", "area_m2")
    code, told, _ = run(cells, "-o", table, *weights, "--walking-speed", "6", "--json")
    assert code == 0
    found = pd.read_csv(table).set_index("code")
    assert "geometry" not in found
    assert found.loc["a", "area_m2"] == pytest.approx(SIDE**2, rel=1e-4)
    sizes = [(1e4, 400, 2), (1e4, 400, 2), (9600, 480, 2), (1e4, 600, 1.3**2 + 1), (4e4, 1000, 17)]
    assert found["polsby_popper"].tolist() == pytest.approx(
        [4 * math.pi * area / perimeter**2 for area, perimeter, _ in sizes], abs=1e-3
    )
    assert found["reock"].tolist() == pytest.approx(
        [area / (math.pi * squared * SIDE**2 / 4) for area, _, squared in sizes], abs=1e-3
    )
    assert found["parts"].tolist() == [1, 1, 1, 2, 1]
    # 6 km/h are 100 m a minute; the way is the diagonal.
    assert found["walk_minutes"].tolist() == [1.4, 1.4, 1.4, 1.6, 4.1]
    assert found["households_deviation"].tolist() == [-0.1, 0.1, 0, 0, 0]
    figures = json.loads(told)
    assert (figures["cells"], figures["in_parts"], figures["out_of_tolerance"]) == (5, 1, 5)
    assert [each["out_of_tolerance"] for each in figures["loads"]] == [0, 5]
    assert figures["loads"][0]["balance"] == pytest.approx(98)


def test_twice_and_as_a_layer(cells: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.gpkg", tmp_path / "twice.parquet"
    code, told, note = run(cells, "-o", once, "--weight", "households")
    assert (code, note) == (0, "")
    assert "households: 500 in all, ideal 100, from 90 to 110; balance 98.0 of 100" in told
    code, _, note = run(once, "-o", twice, "--weight", "households")
    assert code == 0
    assert "recomputed: area_m2, perimeter_m" in note
    first, second = gpd.read_file(once), gpd.read_parquet(twice)
    assert sorted(first.columns) == sorted(second.columns)
    pd.testing.assert_frame_equal(
        first[["code", "reock", "households_deviation"]], second[["code", "reock", "households_deviation"]],
        check_dtype=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ("housholds", "has no column 'housholds' (near it: households)"),
        ("note", "record 1 (code 'a'): column 'note' has no value"),
        ("code", "record 1 (code 'a'): 'a' in column 'code' is no number"),
        ("households:-1", "tolerance"),
    ],
)
def test_what_is_no_weight(cells: Path, tmp_path: Path, weight: str, sentence: str) -> None:
    output = tmp_path / "table.csv"
    code, _, told = run(cells, "-o", output, "--weight", weight)
    assert code == 2
    assert sentence in told
    assert len(told.splitlines()) == 1
    assert not output.exists()
