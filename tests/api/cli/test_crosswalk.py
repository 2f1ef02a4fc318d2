"""The commands `crosswalk` and `unify`: what they write, say and refuse."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.formats import read_table, write_layer
from tests.api.conftest import Run


@pytest.fixture
def other(wangge: Run, areas: Path, tmp_path: Path) -> Path:
    """The ground of the cells in larger squares, under another name of the code."""
    path = tmp_path / "other.gpkg"
    assert wangge("divide", areas, "-o", tmp_path / "made.gpkg", "--size", 130).code == 0
    frame = gpd.read_file(tmp_path / "made.gpkg").rename(columns={"code": "ZONE"})
    frame["ZONE"] = [f"Z{number}" for number in range(len(frame))]
    write_layer(path, frame[["ZONE", "geometry"]])
    return path


def test_a_crosswalk_adds_up_in_every_format(
    wangge: Run, cells: Path, other: Path, shops: Path, tmp_path: Path
) -> None:
    given = ("crosswalk", cells, other, "--second-code-field", "ZONE", "--code-field", "code")
    table = tmp_path / "table.csv"
    outcome = wangge(*given, "-o", table, "--count", f"shops={shops}", "--json")
    assert outcome.code == 0, outcome.err
    rows = pd.read_csv(table, dtype={"from_code": str, "to_code": str})
    inside = rows[rows["from_code"].notna()]
    assert set(inside["from_code"]) == set(gpd.read_file(cells)["code"])
    for column in ("area_share", "shops_share"):
        assert inside.groupby("from_code")[column].sum().to_numpy() == pytest.approx(1)
    assert rows["shops"].sum() == outcome.summary["loads"]["shops"]
    assert outcome.summary["loads"]["shops"] + outcome.summary["outside_both"]["shops"] == len(
        pd.read_csv(shops)
    )
    book = tmp_path / "table.xlsx"
    assert wangge(*given, "-o", book).code == 0
    sheet = read_table(book)
    assert list(sheet) == ["from_code", "to_code", "area_m2", "area_share"]
    assert sheet["from_code"].tolist() == rows["from_code"].where(rows["from_code"].notna(), None).tolist()


def test_units_of_two_schemes_make_up_both(wangge: Run, cells: Path, other: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "zones.gpkg"
    write_layer(renamed, gpd.read_file(other).rename(columns={"ZONE": "code"}))
    units, misfits = tmp_path / "units.gpkg", tmp_path / "misfits.geojson"
    outcome = wangge("unify", cells, renamed, "-o", units, "--mismatches", misfits, "--json")
    assert outcome.code == 0, outcome.err
    found = gpd.read_file(units)
    assert outcome.summary["units"] == len(found)
    assert shapely.coverage_is_valid(found.geometry.to_numpy())
    assert set(found["cells"]) == set(gpd.read_file(cells)["code"])
    assert set(found["zones"]) == set(gpd.read_file(renamed)["code"])
    assert len(gpd.read_file(misfits)) == outcome.summary["slivers"]
    assert wangge("check", units).code == 0


def test_two_files_of_one_name_are_two_schemes(wangge: Run, cells: Path, tmp_path: Path) -> None:
    outcome = wangge("unify", cells, cells, "-o", tmp_path / "units.gpkg")
    assert outcome.code == 0, outcome.err
    assert {"cells", "cells_2"} <= set(gpd.read_file(tmp_path / "units.gpkg").columns)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("crosswalk {cells} {other} -o {out}.csv --code-field no", "has no field"),
        ("crosswalk {cells} {cells} -o {out}.gpkg", "give it the extension .csv or .xlsx or .parquet"),
        ("crosswalk {cells} {cells} -o {out}.csv --count shops", "'shops' is not NAME=FILE"),
        ("crosswalk {cells} {cells} -o {out}.csv --count a={shops} --count a={shops}", "'a' a second time"),
        ("crosswalk {cells} {cells} -o {out}.csv --sum name={shops}", "has no field 'name' to add up"),
        ("unify {cells} -o {out}.gpkg", "at least two schemes"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    wangge: Run, cells: Path, other: Path, shops: Path, tmp_path: Path, command: str, sentence: str
) -> None:
    places = {"cells": cells, "other": other, "shops": shops, "out": tmp_path / "out"}
    outcome = wangge(*(word.format(**places) for word in command.split()))
    assert outcome.code == 2
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(tmp_path.glob("out*"))
