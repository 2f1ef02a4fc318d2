"""The demonstration: what it writes holds together, in both languages, and its report tells the truth."""

import json
from pathlib import Path

import geopandas as gpd
import pytest

from tests.api.conftest import Run


@pytest.fixture(scope="module", params=["zh", "en"])
def demo(
    request: pytest.FixtureRequest, wangge: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    outcome = wangge("demo", "-o", folder, "--scale", 0.1, "--language", request.param)
    assert outcome.code == 0
    assert "map.html" in outcome.out
    assert "NOT VALID" not in outcome.err
    return folder, request.param


def test_the_demonstration_makes_everything(demo: tuple[Path, str], wangge: Run) -> None:
    folder, language = demo
    made = {path.name for path in folder.iterdir()}
    assert made == {
        "sample", "cells.gpkg", "assigned.gpkg", "gaps.gpkg", "areas_repaired.gpkg", "map.html", "report.md",
    }  # fmt: skip
    cells = gpd.read_file(folder / "cells.gpkg")
    manifest = json.loads((folder / "sample" / "manifest.json").read_text(encoding="utf-8"))
    assert int(cells["households"].sum()) == manifest["counts"]["households"]
    assert int(cells["enterprises"].sum()) == manifest["counts"]["enterprises"]
    assert wangge("check", folder / "cells.gpkg", "--areas", folder / "sample" / "areas.gpkg").code == 0
    assert (
        wangge("check", folder / "areas_repaired.gpkg", "--areas", folder / "sample" / "areas.gpkg").code == 0
    )
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert f"{len(cells):,}" in report
    assert ("合成数据" if language == "zh" else "synthetic data") in report
    assert "GCJ-02" in report


def test_the_map_of_the_demonstration_holds_no_person(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    text = (folder / "map.html").read_text(encoding="utf-8")
    officers = (folder / "sample" / "officers.csv").read_text(encoding="utf-8").splitlines()
    head = officers[0].split(",")
    people = [dict(zip(head, line.split(","), strict=True)) for line in officers[1:]]
    assert len(people) > 20
    for person in people:
        assert person["name"] not in text
        assert person["phone"] not in text


def test_another_run_replaces_the_files(wangge: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert wangge("demo", "-o", tmp_path / "demo", "--scale", 0.05).code == 0


def test_bad_settings_are_told(wangge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "none"))
    outcome = wangge("demo", "-o", tmp_path / "demo")
    assert outcome.code == 2
    assert "set WANGGE_DATA" in outcome.err
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("WANGGE_DATA")
    assert "is a file; name a folder" in wangge("demo", "-o", tmp_path / "file").err
