"""What the READMEs tell a newcomer to type, typed."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.plain_http import NO_CERTIFICATES, get
from tests.service.processes import run_wangge

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("wangge")


@dataclass(frozen=True)
class Served:
    """The folder in which `make demo` was typed, of a smaller district, and what it printed."""

    folder: Path
    said: str

    @property
    def link(self) -> str:
        return re.findall(r"http://\S+/#link=\w+", self.said)[0]

    @property
    def token(self) -> str:
        return re.findall(r"wg_\w+", self.said)[0]

    @property
    def curl(self) -> str:
        return re.findall(r"curl .*", self.said)[0]

    @property
    def address(self) -> str:
        return self.link.partition("/#")[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration while it serves; Ctrl-C ends it in peace."""
    folder = tmp_path_factory.mktemp("readme")
    command = [PROGRAM, "demo", "-o", "demo", "--scale", "0.2", "--port", "0"]
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Ctrl-C"):
                    break
            else:
                log.seek(0)
                pytest.fail(log.read())
            yield Served(folder, "".join(lines))
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0
        finally:
            process.kill()


def tour(readme: str, language: str) -> str:
    text = (REPOSITORY / readme).read_text(encoding="utf-8")
    found = re.search(rf"<!-- tour: {language} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


def commands(readme: str, language: str) -> list[str]:
    """The commands of a tour without their comments."""
    lines = tour(readme, language).replace("\\\n", " ").splitlines()
    told = [re.sub(r"\s+# .*$", "", line).strip() for line in lines]
    return [line for line in told if line and not line.startswith("#")]


def shell(script: str, folder: Path, **variables: str) -> str:
    """Run a script by bash, which ends at the first command that fails, and return what it wrote."""
    path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def test_the_tour_by_command_line(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "typed"
    database = shutil.ignore_patterns("wangge.gpkg*")
    shutil.copytree(served.folder / "demo", folder / "demo", ignore=database)
    told = commands("README.md", "shell")
    assert len(told) >= 9
    for command in told:
        name, *arguments = command.split()
        assert name == "wangge"
        run_wangge(folder, *arguments, codes={0, 1} if arguments[0] == "locate" else {0}, logs=tmp_path)
    made = {path.name for path in folder.iterdir()}
    assert made == {
        "demo", "cells.gpkg", "enterprises.gpkg", "areas.gpkg", "diff.gpkg", "gaps.geojson", "map.html",
        "crosswalk.csv", "units.gpkg", "mismatches.gpkg",
    }  # fmt: skip


def test_the_ways_to_divide(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "typed"
    shutil.copytree(served.folder / "demo" / "sample", folder / "demo" / "sample")
    told = commands("README.md", "division")
    assert [command.split()[1] for command in told] == ["divide", "divide", "rebalance"]
    for command in told:
        run_wangge(folder, *command.split()[1:], logs=tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        "demo", "blocks.gpkg", "patrols.gpkg", "evened.gpkg", "moves.csv",
    }  # fmt: skip


def test_real_streets_are_divided_as_told(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "monaco" / "monaco.osm.pbf", tmp_path)
    told, told_in_chinese = (
        [shlex.split(command) for command in commands(readme, "streets")]
        for readme in ("README.md", "README.zh-CN.md")
    )
    assert [command[1] for command in told] == ["divide", "divide", "check", "map"]
    # Only the maps are in two languages.
    assert told[:-1] == told_in_chinese[:-1]
    said = [run_wangge(tmp_path, *command[1:]) for command in told[:-1]]
    assert "197 blocks of 6 areas" in said[0]
    assert "buildings cut: 18 of 1,207" in said[0]
    assert "197 units in 30 cells" in said[1]
    assert "valid" in said[2]
    for command in (told[-1], told_in_chinese[-1]):
        run_wangge(tmp_path, *command[1:])
        drawn = tmp_path / "map.html"
        assert drawn.stat().st_size > 100_000
        drawn.unlink()


def test_the_tour_in_python(served: Served) -> None:
    program = tour("README.md", "python")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=served.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "4,000 of 4,000 records are assigned." in result.stdout
    assert (served.folder / "map.html").stat().st_size > 100_000


def test_the_tour_over_http(served: Served) -> None:
    first, *told = commands("README.md", "http")
    assert first == "export URL=http://127.0.0.1:8000 TOKEN=wg_..."
    said = shell("\n".join(told), served.folder, URL=served.address, TOKEN=served.token)
    people = _people(served.folder / "demo" / "sample" / "officers.csv")
    assert len(people) > 20
    for person in people:
        assert person["name"] not in said
        assert person["phone"] not in said
    answers: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    everywhere, past = answers[:2]
    assert [each["scheme"] for each in everywhere["owners"]] == ["community", "environment", "responsibility"]
    assert (past["at"], len(past["owners"])) == ("2025-03-01", 1)
    with (served.folder / "owners.csv").open(encoding="utf-8", newline="") as file:
        owners = list(csv.DictReader(file))
    assert len(owners) == 4_000
    assert all(row["cell_code"] for row in owners)
    assert json.loads((served.folder / "gaps.geojson").read_text(encoding="utf-8"))["features"]
    assert json.loads((served.folder / "check.json").read_text(encoding="utf-8"))["valid"]
    assert said.count('"state":"done"') == 2
    assert any(each.get("plan", {}).get("state") == "published" for each in answers)
    before, after = (each["owners"][0]["cell"]["code"] for each in answers[-2:])
    assert before != after


def test_what_the_demonstration_prints_lets_one_in(served: Served) -> None:
    asked = json.loads(shell(f"{served.curl} --silent", served.folder))
    assert all(owner["cell"]["code"] for owner in asked["owners"])
    page, _, secret = served.link.partition("#link=")
    assert get(page, timeout=60).status_code == 200
    with httpx.Client(base_url=served.address, timeout=60, verify=NO_CERTIFICATES) as browser:
        assert browser.post("/v1/session/link", json={"secret": secret}).status_code == 201
        assert browser.get("/v1/session").json()["name"] == "demo"
        assert browser.post("/v1/session/link", json={"secret": secret}).status_code == 401


def test_a_database_that_is_served_is_not_taken_away(served: Served) -> None:
    result = subprocess.run(
        [PROGRAM, "demo", "-o", "demo", "--scale", "0.05", "--no-serve"],
        cwd=served.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert "open in another program" in result.stderr


def test_own_files_become_a_map_in_six_commands(served: Served, tmp_path: Path) -> None:
    (tmp_path / "demo").symlink_to(served.folder / "demo")
    own = commands("README.md", "own")
    assert (len(own), own[-1]) == (6, "wangge serve")
    export, migrate, account, link = commands("README.md", "database")
    # It is also the database that commands take without being told.
    assert export == "export WANGGE_DATABASE=sqlite:///wangge.gpkg"
    exported, began = "wangge export cells --scheme community -o cells.csv", date.today()
    said = [run_wangge(tmp_path, *migrate.split()[1:]), shell(account, tmp_path)]
    told = [link, *own[:-1], *commands("README.md", "more"), exported]
    said += [run_wangge(tmp_path, *shlex.split(command)[1:]) for command in told]
    assert re.fullmatch(r"http://127.0.0.1:8000/#link=\w{43}", said[2])
    assert "plan 1 is valid" in said
    # The commands take a while, in which midnight may pass.
    days = {began, date.today()}
    assert any(each.startswith(f"plan 1 is in force from {day}") for day in days for each in said)
    assert any(each.startswith("4,000 records: 4,000 inserted, 0 updated, 0 unchanged") for each in said)
    with (tmp_path / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) > 100


@pytest.mark.parametrize("language", ["shell", "division", "http", "database", "own", "more"])
def test_both_readmes_show_the_same_commands(language: str) -> None:
    assert commands("README.md", language) == commands("README.zh-CN.md", language)


def test_links_lead_somewhere() -> None:
    for page in [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").glob("*.md"),
        *REPOSITORY.glob("benchmarks/*.md"),
    ]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _people(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
