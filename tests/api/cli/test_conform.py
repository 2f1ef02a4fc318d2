"""The command `conform`: the certificate in two languages, as JSON and as a table, and what it refuses."""

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from layers.formats import write_layer
from tests.api.conftest import Run

OWN = """
[title]
zh = "六位社区"
en = "own standard"
[code]
separator = "/"
[[code.segments]]
name = "area"
from = "area"
[[code.segments]]
name = "sequence"
from = "sequence"
length = 2
[code.numbering]
last = 98
"""


@pytest.fixture
def dated(cells: Path, tmp_path: Path) -> Path:
    """Cells with the initial date of their record."""
    path = tmp_path / "dated.gpkg"
    write_layer(path, gpd.read_file(cells).assign(initial_date="2026-07-01"))
    return path


def rewrite(path: Path, **columns: object) -> Path:
    write_layer(path, gpd.read_file(path).assign(**columns))
    return path


def test_cells_conform(wangge: Run, dated: Path, areas: Path) -> None:
    outcome = wangge("conform", dated, "--profile", "gbt47678", "--areas", areas, "--lang", "en")
    assert outcome.code == 0
    first, *lines = outcome.out.splitlines()
    assert first == f"conforms: GB/T 47678 unit grid (gbt47678), {len(gpd.read_file(dated))} cells"
    assert "  passed: Form of codes [GB/T 47678 (as implemented in software)]" in lines
    assert any(
        line.startswith("  not looked at: No building is cut: no buildings are given [") for line in lines
    )
    assert not [line for line in lines if line.startswith("  fault")]


def test_what_breaks_a_clause_is_listed_and_written(
    wangge: Run, dated: Path, areas: Path, tmp_path: Path
) -> None:
    codes = gpd.read_file(dated)["code"].tolist()
    rewrite(dated, code=[codes[1], *codes[1:]], initial_date=["soon", *["2026-07-01"] * (len(codes) - 1)])
    table, book = tmp_path / "faults.csv", tmp_path / "faults.xlsx"
    given = ("conform", dated, "--profile", "gbt47678", "--areas", areas)
    outcome = wangge(*given, "--lang", "zh", "-o", table)
    assert outcome.code == 1
    assert outcome.out.splitlines()[0].startswith("不符合：GB/T 47678 单元网格（gbt47678）")
    assert f"    {codes[1]} 2 个网格使用同一编码" in outcome.out.splitlines()
    written = pd.read_csv(table, dtype=str)
    assert written.columns.tolist() == ["条款", "名称", "结果", "网格", "说明", "依据"]
    assert set(written["条款"]) == {"unique", "record"}
    told = wangge(*given, "--json", "--lang", "en", "-o", book).summary
    assert zipfile.is_zipfile(book)
    assert told["conforms"] is False
    (record,) = (each for each in told["clauses"] if each["clause"] == "record")
    assert record["offences"] == [{"codes": [codes[1]], "detail": "its initial date 'soon' is no date"}]


def test_a_missing_name_is_not_taken_from_the_code(wangge: Run, dated: Path) -> None:
    frame = gpd.read_file(dated)
    write_layer(dated, frame.drop(columns="name"))
    outcome = wangge("conform", dated, "--profile", "gbt47678", "--lang", "en")
    assert outcome.code == 1
    assert f"    {frame['code'][0]} its name is missing" in outcome.out.splitlines()


def test_every_other_file(wangge: Run, dated: Path, tmp_path: Path) -> None:
    cells = gpd.read_file(dated)
    house, units = tmp_path / "houses.geojson", tmp_path / "units.gpkg"
    across = shapely.box(*cells.geometry[0].centroid.coords[0], *cells.geometry[1].centroid.coords[0])
    write_layer(house, gpd.GeoDataFrame({"id": [1]}, geometry=[across.buffer(1e-5)], crs=cells.crs))
    write_layer(units, cells)
    given = ("--buildings", house, "--units", units, "--ended", dated, "--lang", "en")
    outcome = wangge("conform", dated, "--profile", "gbt47678", *given)
    assert outcome.code == 1
    told = [line.partition(" [")[0] for line in outcome.out.splitlines()]
    assert f"  fault: Codes of ended cells are not used again ({len(cells)})" in told
    assert "  fault: No building is cut (1)" in told
    # Each cell is made of one unit: itself.
    assert "  passed: Levels" in told
    outcome = wangge("conform", dated, "--profile", "gbt47678", *given, "--units-code-field", "x")
    assert outcome.code == 2
    assert "units.gpkg: has no field 'x' for --units-code-field" in outcome.err


def test_a_profile_of_the_user(wangge: Run, dated: Path, tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(OWN, encoding="utf-8")
    assert wangge("conform", dated, "--profile", profile).code == 1
    frame = gpd.read_file(dated)
    rewrite(dated, code=[f"{code[:12]}/{code[13:]}" for code in frame["code"]])
    assert wangge("conform", dated, "--profile", profile).code == 0
    profile.write_text(OWN.replace("last = 98", "last = 'x'"), encoding="utf-8")
    outcome = wangge("conform", dated, "--profile", profile)
    assert outcome.code == 2
    assert outcome.err == f"wangge: {profile}: 'code.numbering.last' must be a whole number, not 'x'.\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--profile", "gb"), "There is no profile 'gb'; there are gbt47678, gbt30428, db11-2157, cjt349"),
        (
            ("--profile", "no.toml"),
            "no.toml cannot be read: No such file or directory; a profile is",
        ),
        (("--profile", "gbt47678", "-o", "faults.pdf"), "faults.pdf: give it the extension .xlsx or .csv."),
    ],
)
def test_what_cannot_run(wangge: Run, dated: Path, options: tuple[str, ...], says: str) -> None:
    outcome = wangge("conform", dated, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1
