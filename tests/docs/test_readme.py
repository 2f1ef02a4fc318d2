"""What the READMEs tell a newcomer to type, typed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.demonstration import demonstrate
from api.settings import DataSettings

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with demo/ in it, as `make demo` leaves it, of a smaller district."""
    folder = tmp_path_factory.mktemp("readme")
    said: list[str] = []
    demonstrate(folder / "demo", DataSettings().tables(), say=said.append, seed=20250101, scale=0.2)
    return folder


def tour(readme: str, language: str) -> str:
    text = (REPOSITORY / readme).read_text(encoding="utf-8")
    found = re.search(rf"<!-- tour: {language} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_tour_by_command_line(demonstration: Path, tmp_path: Path, readme: str) -> None:
    shutil.copytree(demonstration / "demo", tmp_path / "demo")
    commands = tour(readme, "shell").replace("\\\n", " ").strip().splitlines()
    assert len(commands) >= 9
    program = Path(sys.executable).with_name("wangge")
    for command in commands:
        name, *arguments = command.split()
        assert name == "wangge"
        result = subprocess.run(
            [program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        allowed = {0, 1} if arguments[0] == "locate" else {0}
        assert result.returncode in allowed, f"{command}: {result.stderr}"
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        "demo", "cells.gpkg", "enterprises.gpkg", "areas.gpkg", "diff.gpkg", "gaps.geojson", "map.html",
    }  # fmt: skip


def test_the_tour_in_python(demonstration: Path) -> None:
    program = tour("README.md", "python")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=demonstration,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "4,000 of 4,000 records are assigned." in result.stdout
    assert (demonstration / "map.html").stat().st_size > 100_000


def test_both_readmes_show_the_same_commands() -> None:
    assert tour("README.md", "shell") == tour("README.zh-CN.md", "shell")


def test_links_lead_somewhere() -> None:
    for page in [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").glob("*.md"),
        *REPOSITORY.glob("benchmarks/*.md"),
    ]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
