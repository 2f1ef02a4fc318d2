"""Every command on a small plan: what it writes, what it says, and the exit code."""

import importlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pypdf import PdfReader

from api.cli import raise_interrupt
from gis.classes import ClassificationMethod, class_ranges, upper_bounds
from gis.crs import LONLAT
from gis.measures import MEASURES
from layers.formats import read_layer, write_layer
from tests.api.conftest import Run


def test_divide_fills_the_areas_with_15_digit_codes(wangge: Run, areas: Path, tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    outcome = wangge("divide", areas, "-o", path, "--method", "square", "--size", 50, "--json")
    cells = gpd.read_file(path)
    assert outcome.code == 0
    assert outcome.summary["cells"] == len(cells)
    assert outcome.summary["areas"] == 2
    assert outcome.summary["working_crs"] == "EPSG:4547"
    assert cells["code"].str.fullmatch(r"44030500100[12]\d{3}").all()
    assert cells["code"].is_unique
    assert list(cells.columns) == ["code", "name", "kind", "area_code", "area_m2", "perimeter_m", "geometry"]
    assert cells.crs == LONLAT
    assert wangge("check", path, "--areas", areas).code == 0


def test_divide_never_gives_an_ended_code_again(
    wangge: Run, areas: Path, cells: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.gpkg"
    assert wangge("divide", areas, "-o", again, "--ended", cells).code == 0
    assert not set(gpd.read_file(again)["code"]) & set(gpd.read_file(cells)["code"])


def test_check_tells_a_blank_and_an_overlap_with_code_1(
    wangge: Run, areas: Path, cells: Path, tmp_path: Path
) -> None:
    broken = gpd.read_file(cells)
    lost = broken["code"].iat[5]
    doubled = broken.iloc[[0]].assign(code="440305001001999")
    path, findings = tmp_path / "broken.gpkg", tmp_path / "findings.geojson"
    write_layer(path, pd.concat([broken[broken["code"] != lost], doubled], ignore_index=True))
    outcome = wangge("check", path, "--areas", areas, "-o", findings, "--json")
    assert outcome.code == 1
    assert outcome.summary["valid"] is False
    assert outcome.summary["findings"]["blank"]["count"] == 1
    assert outcome.summary["findings"]["overlap"]["count"] == 1
    assert set(gpd.read_file(findings)["kind"]) >= {"blank", "overlap"}
    assert "overlap" in wangge("check", path).out


def test_repair_gives_what_check_passes(wangge: Run, cells: Path, areas: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(cells).to_crs(4547)
    moved = frame.geometry.copy()
    moved.iat[7] = shapely.affinity.translate(moved.iat[7], 2.0, -3.0)
    broken, fixed, changes = tmp_path / "broken.shp", tmp_path / "fixed.gpkg", tmp_path / "changes.csv"
    write_layer(broken, frame.set_geometry(moved).to_crs(4326))
    assert wangge("check", broken).code == 1
    outcome = wangge("repair", broken, "-o", fixed, "--areas", areas, "--changes", changes, "--json")
    assert outcome.code == 0
    assert outcome.summary["largest_change"]["code"] in set(frame["code"])
    assert wangge("check", fixed, "--areas", areas).code == 0
    assert sorted(gpd.read_file(fixed)["code"]) == sorted(frame["code"])
    assert len(pd.read_csv(changes)) == len(frame)


def test_repair_refuses_damage_with_code_1_and_writes_nothing(wangge: Run, tmp_path: Path) -> None:
    big = shapely.box(113.9, 22.5, 113.91, 22.51)
    path, out = tmp_path / "stacked.gpkg", tmp_path / "out.gpkg"
    thirds = [shapely.box(113.9 + i / 300, 22.5, 113.9 + (i + 1) / 300, 22.51) for i in range(3)]
    write_layer(path, gpd.GeoDataFrame({"code": list("abcd")}, geometry=[big, *thirds], crs=LONLAT))
    outcome = wangge("repair", path, "-o", out)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert not out.exists()


def test_inspect_names_the_datum_and_what_is_suspect(
    wangge: Run, areas: Path, shops: Path, tmp_path: Path
) -> None:
    suspects = tmp_path / "suspects.csv"
    outcome = wangge("inspect", shops, "--areas", areas, "-o", suspects, "--json")
    assert outcome.code == 0
    assert outcome.summary["records"] == 5
    assert outcome.summary["usable"] == 3
    assert outcome.summary["id_field"] == "id"
    assert len(outcome.summary["hypotheses"]) == 6
    assert outcome.summary["completeness"]["households"] == 0
    assert {"003", "004", "005"} <= set(pd.read_csv(suspects, dtype=str)["id"])


def test_assign_keeps_every_record_and_gives_reasons(
    wangge: Run, cells: Path, shops: Path, tmp_path: Path
) -> None:
    path, report, listed = tmp_path / "out.csv", tmp_path / "report.json", tmp_path / "unassigned.csv"
    outcome = wangge("assign", shops, "--cells", cells, "-o", path, "--report", report)
    assert outcome.code == 0
    out = pd.read_csv(path, dtype=str)
    assert list(out["id"]) == ["001", "002", "003", "004", "005"]
    assert list(out["assign_method"]) == ["inside", "inside", "none", "none", "none"]
    assert list(out["reason"].iloc[2:]) == ["outside", "empty_geometry", "invalid_coordinates"]
    assert out["cell_code"].iloc[:2].str.len().eq(15).all()
    account = json.loads(report.read_text(encoding="utf-8"))
    assert account["unassigned"] == 3
    assert [record["id"] for record in account["records"]] == ["003", "004", "005"]
    near = wangge(
        "assign", shops, "--cells", cells, "-o", path, "--max-distance", 20000, "--report", listed, "--json"
    )
    assert near.summary["methods"]["nearest"] == 1
    assert list(pd.read_csv(listed, dtype=str)["id"]) == ["004", "005"]


def test_locate_agrees_with_assign(wangge: Run, cells: Path, shops: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    wangge("assign", shops, "--cells", cells, "-o", path)
    owner = pd.read_csv(path, dtype=str)["cell_code"].iat[0]
    outcome = wangge("locate", "--cells", cells, 113.9011, 22.5011)
    assert (outcome.code, outcome.out.split("\t")[0]) == (0, owner)
    assert wangge("locate", "--cells", cells, 113.9011, 22.5011, "--json").summary["code"] == owner
    missing = wangge("locate", "--cells", cells, -58.4, -34.6)
    assert (missing.code, missing.err) == (1, "in no cell\n")


def test_a_gcj02_location_is_converted(wangge: Run, cells: Path) -> None:
    from gis.datum import convert_coordinates

    lon, lat = convert_coordinates(113.9011, 22.5011, "wgs84", "gcj02")
    here = wangge("locate", "--cells", cells, 113.9011, 22.5011).out
    assert wangge("locate", "--cells", cells, float(lon), float(lat), "--datum", "gcj02").out == here


def test_diff_tells_what_changed(wangge: Run, cells: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(cells)
    merged = frame.geometry.iloc[0].union(frame.geometry.iloc[1])
    after = frame.drop(index=1).set_geometry(
        frame.drop(index=1).geometry.where(frame.drop(index=1).index != 0, merged)
    )
    new, out, table = tmp_path / "new.gpkg", tmp_path / "diff.gpkg", tmp_path / "codes.csv"
    write_layer(new, after)
    outcome = wangge("diff", cells, new, "-o", out, "--table", table, "--json")
    assert outcome.code == 0
    ground = gpd.read_file(out)
    assert set(ground["old_code"]) == {frame["code"].iat[1]}
    assert set(ground["new_code"]) == {frame["code"].iat[0]}
    assert len(pd.read_csv(table)) > 0
    same = wangge("diff", cells, cells, "-o", out)
    assert same.code == 0
    assert f"{len(frame)} unchanged" in same.out
    assert gpd.read_file(out).empty


def test_diff_reads_two_files_of_different_form(wangge: Run, cells: Path, tmp_path: Path) -> None:
    old, new, table = tmp_path / "old.gpkg", tmp_path / "new.gpkg", tmp_path / "codes.parquet"
    frame = gpd.read_file(cells).rename(columns={"code": "BFS_2015"})[["BFS_2015", "geometry"]]
    frame.to_file(old, layer="gemeinden", driver="GPKG")
    frame.iloc[:1].to_file(old, layer="lakes", driver="GPKG")
    again = frame.rename(columns={"BFS_2015": "BFS_2026"}).to_crs(4547)
    again.geometry = again.translate(0.4, 0.3)
    again.to_file(new, layer="municipalities", driver="GPKG")
    again.iloc[:1].to_file(new, layer="canton", driver="GPKG")
    outcome = wangge(
        *("diff", old, new, "-o", tmp_path / "diff.geojson", "--table", table, "--min-width", 1, "--json"),
        *("--code-field", "BFS_2015", "--new-code-field", "BFS_2026"),
        *("--layer", "gemeinden", "--new-layer", "municipalities"),
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["codes"]["redrawn"] == len(frame)
    lists = pd.read_parquet(table)["before"]
    assert [list(each) for each in lists] == [[code] for code in sorted(frame["BFS_2015"])]


def test_diff_tells_which_entities_move(wangge: Run, cells: Path, shops: Path, tmp_path: Path) -> None:
    renamed = gpd.read_file(cells)
    code = wangge("locate", "--cells", cells, 113.9011, 22.5011).out.split()[0]
    renamed.loc[renamed["code"] == code, "code"] = "NEW"
    new, out, moved = tmp_path / "new.gpkg", tmp_path / "diff.geojson", tmp_path / "moved.csv"
    write_layer(new, renamed)
    outcome = wangge("diff", cells, new, "-o", out, "--entities", shops, "--moved", moved, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.summary["moved_entities"] == 1
    table = pd.read_csv(moved, dtype=str)
    assert table[["id", "from_code", "to_code"]].to_numpy().tolist() == [["001", code, "NEW"]]
    assert gpd.read_file(out)["moved_enterprise"].tolist() == [1]
    refused = wangge("diff", cells, new, "-o", out, "--moved", moved)
    assert (refused.code, "--moved needs --entities" in refused.err) == (2, True)


def test_gaps_finds_what_is_missing(
    wangge: Run, areas: Path, cells: Path, shops: Path, tmp_path: Path
) -> None:
    services, rules, out = tmp_path / "service.csv", tmp_path / "rules.toml", tmp_path / "gaps.geojson"
    services.write_text("id,lon,lat\ns1,113.9011,22.5011\n")
    rules.write_text("[out_of_reach]\ndistance_m = 300\n")
    outcome = wangge(
        "gaps", "--cells", cells, "--areas", areas, "--entities", shops, "--service-points", services,
        "--rules", rules, "-o", out, "--json",
    )  # fmt: skip
    assert outcome.code == 0
    kinds = outcome.summary["kinds"]
    assert (kinds["blank"]["gaps"], kinds["overlap"]["gaps"]) == (0, 0)
    assert kinds["unassigned"]["gaps"] == 3
    assert kinds["out_of_reach"]["enterprises"] == 1
    assert kinds["out_of_reach"]["area_m2"] > 100_000
    assert "300" in gpd.read_file(out)["rule"].str.cat()
    alone = wangge(
        "gaps", "--cells", cells, "--entities", f"household={shops}", "--only", "unassigned", "-o", out
    )
    assert "3 households" in alone.out


def test_map_is_one_file(wangge: Run, areas: Path, cells: Path, shops: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    outcome = wangge(
        "map", "--cells", cells, "--areas", areas, "--entities", shops, "-o", out, "--title", "试点"
    )
    assert outcome.code == 0
    text = out.read_text(encoding="utf-8")
    assert "试点" in text
    assert "<script src" not in text
    assert "<link" not in text


def test_map_of_an_area_to_print(wangge: Run, areas: Path, cells: Path, tmp_path: Path) -> None:
    officers = tmp_path / "officers.csv"
    first = gpd.read_file(cells)["area_code"].min()
    officers.write_text(
        f"officer_id,name,role,rank,area_code\nG07,甄有名,leader,A,{first}\n", encoding="utf-8"
    )
    outcome = wangge(
        "map", "--cells", cells, "--areas", areas, "--officers", officers, "--area", first,
        "--date", "2026-03-01", "--plan", "2026 spring", "--language", "en", "-o", tmp_path / "map.pdf",
    )  # fmt: skip
    assert (outcome.code, outcome.err) == (0, "")
    words = PdfReader(tmp_path / "map.pdf").pages[0].extract_text()
    assert "2026 spring · 2026-03-01" in words
    assert "G07" in words
    assert "甄有名" not in words
    elsewhere = wangge("map", "--cells", cells, "--area", "nowhere", "-o", tmp_path / "none.png")
    assert elsewhere.code == 2
    assert "No cell lies in an area 'nowhere'" in elsewhere.err
    assert not (tmp_path / "none.png").exists()


def test_map_of_a_search_that_found_nothing(wangge: Run, cells: Path, tmp_path: Path) -> None:
    columns = {"kind": [], "severity": [], "cell_code": []}
    gpd.GeoDataFrame(columns, geometry=[], crs=LONLAT).to_file(tmp_path / "gaps.gpkg", layer="gaps")
    for name in ("map.html", "map.png"):
        outcome = wangge("map", "--cells", cells, "--gaps", tmp_path / "gaps.gpkg", "-o", tmp_path / name)
        assert (outcome.code, outcome.err) == (0, "")
    refused = wangge("map", "--cells", tmp_path / "gaps.gpkg", "-o", tmp_path / "none.html")
    assert "holds no records" in refused.err


@pytest.mark.parametrize("method", ClassificationMethod)
def test_map_of_a_measure_in_classes(
    wangge: Run, cells: Path, tmp_path: Path, method: ClassificationMethod
) -> None:
    out = tmp_path / "map.pdf"
    outcome = wangge(
        "map", "--cells", cells, "--measure", "area_m2", "--method", method, "--classes", 3,
        "--language", "en", "-o", out,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    words = PdfReader(out).pages[0].extract_text()
    measure = MEASURES["area_m2"]
    areas = measure.round(gpd.read_file(cells)["area_m2"].to_numpy())
    for low, high in class_ranges(areas, upper_bounds(areas, 3, method)).tolist():
        low, high = (measure.format(value) for value in (low, high))
        assert (low if low == high else f"{low} – {high}") in words.splitlines()


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys, api.cli; print(sorted({'numpy', 'shapely', 'folium', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["demo", "divide", "check", "repair", "inspect", "assign", "diff", "gaps", "map", "locate"]
)
def test_every_command_explains_itself(wangge: Run, command: str) -> None:
    outcome = wangge(command, "--help")
    assert outcome.code == 0
    assert f"wangge {command}" in outcome.out


def test_a_pipe_gets_no_progress_bar_and_the_result_alone(areas: Path, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("wangge")
    result = subprocess.run(
        [program, "divide", areas, "-o", tmp_path / "cells.gpkg", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert json.loads(result.stdout)["areas"] == 2
    assert len(read_layer(tmp_path / "cells.gpkg", role="cells")) == json.loads(result.stdout)["cells"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Signals are handled as the command line does."""
    numbers = (signal.SIGINT, signal.SIGALRM)
    before = [signal.signal(number, raise_interrupt) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("interruptible")
def test_an_import_does_not_lose_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "losing_module.py").write_text(
        "import signal\ntry:\n    signal.raise_signal(signal.SIGINT)\n    lost = False\n"
        "except KeyboardInterrupt:\n    lost = True\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        assert not importlib.import_module("losing_module").lost
        time.sleep(10)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
