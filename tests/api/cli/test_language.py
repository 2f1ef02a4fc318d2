"""Sentences of gaps in the language that is asked for, on the screen and in files."""

from pathlib import Path

import pandas as pd
import pytest

from gis.gaps import gap_label
from tests.api.conftest import Run


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def found(wangge: Run, cells: Path, areas: Path, shops: Path, tmp_path: Path) -> list[object]:
    """A call of `gaps` that finds entities in no cell."""
    del tmp_path
    return ["gaps", "--cells", cells, "--areas", areas, "--entities", shops, "--only", "unassigned", "-o"]


@pytest.mark.parametrize(
    ("environment", "options", "language"),
    [
        ({}, [], "en"),
        ({"LANG": "zh_CN.UTF-8"}, [], "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, [], "en"),
        ({"LANG": "zh_CN.UTF-8"}, ["--lang", "en"], "en"),
        ({"LANG": "C"}, ["--lang", "zh"], "zh"),
    ],
)
def test_gaps_are_told_in_the_language_of_the_caller(
    wangge: Run,
    found: list[object],
    tmp_path: Path,
    plain_environment: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: list[str],
    language: str,
) -> None:
    for name, value in environment.items():
        plain_environment.setenv(name, value)
    output = tmp_path / "gaps.csv"
    told = wangge(*found, output, *options)
    assert told.code == 0
    label = getattr(gap_label("unassigned"), language)
    assert label in told.out
    sentences = pd.read_csv(output)[["rule", "detail"]].to_numpy().ravel()
    is_chinese = [any("\u4e00" <= character <= "\u9fff" for character in each) for each in sentences]
    assert all(is_chinese) if language == "zh" else not any(is_chinese)
