"""Nothing in a user's table stops a command, and its fields come out as they went in, however often."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gis.crs import LONLAT
from layers.formats import read_layer, write_layer
from tests.api.conftest import Outcome, Run

BOXES = [shapely.box(114 + row / 256, 22.5, 114 + (row + 1) / 256, 22.5 + 1 / 256) for row in range(4)]

# What commands call by the same names, spells in other cases, and values of every kind.
FIELDS: dict[str, Any] = {
    "code": ["1", "2", "3", "4"],
    "Code": [1, 2, 3, 4],
    "WARD": ["w1", "w2", "w3", "w4"],
    "id": [9, 8, 7, 6],
    "ID": ["a", None, "c", "d"],
    "name": ["n", None, "m", "o"],
    "NAME": [1, 2, 3, 4],
    "area_code": [["a"], ["b"], None, None],
    "source_code": ["s"] * 4,
    "source_id": ["s"] * 4,
    "kind": [["k"], {"a": 1}, None, "k"],
    "class_name": [{"a": 1}] * 4,
    "level": [{"l": 1}, None, 2, "3"],
    "reason": ["r", None, "q", "q"],
    "cell_code": [1, 2, 3, 4],
    "area_m2": ["big", "small", None, "x"],
    "fid": [7.5, 7.5, 8, 9],
    "geom": ["g"] * 4,
    "row": [1, 2, 3, 4],
    "lon": ["west"] * 4,
    "a\"b'c": [1, 2, 3, 4],
    "😀": ["é"] * 4,
    "long" * 60: [1, 2, 3, 4],
    "yes": pd.array([True, None, False, True], dtype="boolean"),
    "capacity": [None, "many", {"a": 1}, 3],
    "households": pd.array([None, 440305199901010011, 3, 4], dtype="Int64"),
    "endless": [float("inf"), 1.0, float("nan"), -float("inf")],
    "": [1, 2, 3, 4],
}


def fields(path: Path) -> pd.DataFrame:
    return pd.DataFrame(read_layer(path, role="cells").drop(columns="geometry")).astype(object)


@pytest.fixture(params=[".geojson", ".gpkg", ".parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Cells and records with that table."""
    cells, records = tmp_path / f"cells{request.param}", tmp_path / f"records{request.param}"
    frame = gpd.GeoDataFrame(FIELDS, geometry=BOXES, crs=LONLAT)
    write_layer(cells, frame)
    write_layer(records, frame.set_geometry(gpd.GeoSeries([box.centroid for box in BOXES], crs=LONLAT)))
    return cells, records


def repeat(run: Callable[[Path, Path], Outcome], first: Path) -> list[Path]:
    """Run a command on its own result, three times."""
    results = [first]
    for number in range(3):
        results.append(first.with_name(f"result{number}{first.suffix}"))
        assert run(results[-2], results[-1]).code == 0
    return results[1:]


def test_cells_repaired_again_and_again_keep_every_field(files: tuple[Path, Path], wangge: Run) -> None:
    cells, _ = files
    once, _, thrice = repeat(
        lambda source, result: wangge("repair", source, "--code-field", "WARD", "-o", result), cells
    )
    before, after = fields(cells), fields(once)
    assert fields(thrice).equals(after)
    assert after["code"].tolist() == FIELDS["WARD"]
    # The codes of the result need the name; the file's own go by another.
    ours = {column for column in before if column.lower().startswith("code")}
    kept = [column for column in before if column not in ours]
    assert [column for column in after if column in kept] == kept
    assert after[kept].equals(before[kept])
    values = [column.tolist() for _, column in after.items()]
    assert all(before[column].tolist() in values for column in ours)


def test_records_assigned_again_and_again_keep_every_field(files: tuple[Path, Path], wangge: Run) -> None:
    cells, records = files

    def assign(source: Path, result: Path) -> Outcome:
        return wangge(
            *("assign", source, "--cells", cells, "--code-field", "WARD", "--id-field", "WARD", "-o", result)
        )

    once, _, thrice = repeat(assign, records)
    before, after = fields(records), fields(once)
    assert fields(thrice).equals(after)
    assert after["cell_code"].tolist() == FIELDS["WARD"]
    assert after["reason"].isna().all()
    assert after["source_cell_code"].tolist() == FIELDS["cell_code"]
    assert after["source_reason"].dropna().tolist() == ["r", "q", "q"]
    kept = [column for column in before if column not in {"cell_code", "reason"}]
    assert [column for column in after if column in kept] == kept
    assert after[kept].equals(before[kept])


@pytest.mark.parametrize(
    "command",
    [
        ("check", "{cells}"),
        ("divide", "{cells}", "-o", "{out}"),
        (
            "gaps",
            "--cells",
            "{cells}",
            "--entities",
            "{records}",
            "--entities",
            "shop={records}",
            "-o",
            "{out}",
        ),
        ("gaps", "--cells", "{cells}", "--areas", "{cells}", "--service-points", "{records}", "-o", "{out}"),
        ("diff", "{cells}", "{cells}", "-o", "{out}"),
        ("inspect", "{records}", "--areas", "{cells}", "-o", "{out}"),
        ("map", "--cells", "{cells}", "--entities", "{records}", "-o", "{html}"),
        ("locate", "114.001", "22.501", "--cells", "{cells}"),
    ],
    ids=lambda command: command[0],
)
def test_no_command_stops_at_a_field(files: tuple[Path, Path], wangge: Run, command: tuple[str, ...]) -> None:
    cells, records = files
    names = {
        "cells": cells,
        "records": records,
        "out": cells.with_name(f"out{cells.suffix}"),
        "html": cells.with_suffix(".html"),
    }
    outcome = wangge(*(word.format(**names) for word in command))
    assert (outcome.code, "error of the program" in outcome.err) == (0, False)


def test_an_identity_stays_a_number(tmp_path: Path, wangge: Run) -> None:
    """It is text only within the command and in its report."""
    cells, records, report = tmp_path / "cells.gpkg", tmp_path / "records.gpkg", tmp_path / "report.json"
    write_layer(cells, gpd.GeoDataFrame({"code": ["1"]}, geometry=BOXES[:1], crs=LONLAT))
    points = [BOXES[0].centroid, shapely.Point(0, 0)]
    write_layer(records, gpd.GeoDataFrame({"n": ["a", "b"], "id": [7, 8]}, geometry=points, crs=LONLAT))
    output = tmp_path / "out.gpkg"
    assert wangge("assign", records, "--cells", cells, "-o", output, "--report", report).code == 0
    read = read_layer(output, role="entities")
    assert read.columns[:2].tolist() == ["n", "id"]
    assert read["id"].tolist() == [7, 8]
    assert read["id"].dtype == "int64"
    assert [record["id"] for record in json.loads(report.read_text())["records"]] == ["8"]


def test_the_parent_of_a_map_portal_is_an_object(tmp_path: Path, wangge: Run) -> None:
    path = tmp_path / "counties.geojson"
    counties = {"adcode": [440303, 440304], "parent": [{"adcode": 440300}] * 2}
    write_layer(path, gpd.GeoDataFrame(counties, geometry=BOXES[:2], crs=LONLAT))
    outcome = wangge("divide", path, "-o", tmp_path / "cells.gpkg")
    sentence = "2 areas name a parent that is not among the areas (440300), and are taken as the top"
    assert outcome.err.splitlines()[0] == f"note: {path}: {sentence}"


def test_no_import_stops_at_a_field(files: tuple[Path, Path], wangge: Run, tmp_path: Path) -> None:
    cells, records = files
    where = ("--database", f"sqlite:///{tmp_path}/wangge.gpkg")
    output = cells.with_name(f"exported{cells.suffix}")
    assert wangge("migrate", *where).code == 0
    assert wangge("load", "areas", cells, "--code-field", "WARD", *where).code == 0
    load = ("load", "entities", records, "--kind", "shop", "--id-field", "WARD", *where, "--json")
    assert wangge(*load).summary["inserted"] == 4
    assert wangge(*load).summary["unchanged"] == 4
    officers = wangge("load", "officers", records, "--id-field", "WARD", *where, "--json")
    assert officers.summary["records"] == 4
    assert wangge("export", "entities", "-o", output, *where).code == 0
    assert 440305199901010011 in fields(output)["households"].dropna().tolist()
