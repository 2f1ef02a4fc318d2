"""How the program is called: help, version, completion, settings, and mistakes in what is typed."""

import re
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

from api.cli import COMMANDS, GROUPS, main
from api.settings import ServiceSettings
from gis.errors import InputError
from layers.formats import write_bytes, write_layer
from tests.api.conftest import Outcome, Run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program as it is started, with what it says of mistakes in the call."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["wangge", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)

    return run


@pytest.mark.parametrize("group", [(), *((each,) for each in GROUPS)])
def test_a_group_without_a_command_shows_its_help_line_by_line(typed: Run, group: tuple[str, ...]) -> None:
    nothing, asked = typed(*group), typed(*group, "--help")
    assert (nothing.code, nothing.out, asked.code) == (2, "", 0)
    assert nothing.err == asked.out
    assert len(nothing.err.splitlines()) > 8
    assert not re.search(r"(…|\.\.\.)$", nothing.err.partition("\n")[2], re.MULTILINE)


def test_the_help_names_every_command(typed: Run) -> None:
    lines = [line.split()[0] for line in typed("--help").out.splitlines() if line.startswith("  ")]
    assert {*COMMANDS, *GROUPS, "--version"} <= set(lines)


def test_version(typed: Run) -> None:
    assert typed("--version").out == f"wangge {version('wangge')}\n"


def test_a_shell_completes_commands(typed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_WANGGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "wangge div")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert typed().out.split() == ["divide"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "--cells c.gpkg --code-feild X 1 2",
            "No such option: --code-feild (Possible options: --code-field)",
        ),
        ("1 2 --cells c.gpkg --datmu gcj02", "No such option: --datmu (Possible options: --datum)"),
        ("-1 -2 --cells=c.gpkg -x", "No such option: -x"),
        ("-113.9 -22.5 --cells c.gpkg", "c.gpkg: there is no such file"),
        ("--cells -c.gpkg -1e1 -.5", "-c.gpkg: there is no such file"),
        ("--cells c.gpkg --json -- -1 -2", "c.gpkg: there is no such file"),
        ("--cells c.gpkg 1", "Missing argument 'lat'"),
    ],
)
def test_a_negative_number_is_no_option_and_an_option_no_number(
    typed: Run, arguments: str, said: str
) -> None:
    outcome = typed("locate", *arguments.split())
    assert outcome.code == 2
    assert said in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "create", "x", "--rol", "viewer"], "--role) (wangge token create --help explains)"),
        (["divide", "a", "-o", "b", "--size", "abc"], "'--size': it is no number (wangge divide --help"),
        (["divide", "a", "-o", "b", "--size", "1_0"], "'--size': '1_0' is no number; write it without under"),
        (["serve", "--port", "8_0"], "'--port': '8_0' is no number; write it without underscores"),
        (["plan", "withdraw", "1_0"], "'number': '1_0' is no number; write it without underscores"),
        (["demo", "--size", "5"], "'--size': it should be greater than or equal to 20"),
        (["map", "--cells", "a", "-o", "b", "--classes", "1.5"], "'--classes': it is no integer"),
        (
            ["export", "areas", "-o", "a.csv", "--on", "May"],
            "'--on': 'May' is no date; write it as YYYY-MM-DD.",
        ),
    ],
)
def test_a_mistake_is_told_without_the_words_of_a_library(
    typed: Run, arguments: list[str], said: str
) -> None:
    outcome = typed(*arguments)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert said in outcome.err


@pytest.mark.parametrize(
    ("variable", "value", "form"),
    [
        ("PORT", "abc", "a whole number from 0 to 65,535"),
        ("HOSTS", "localhost", "a JSON list of texts"),
        ("HOSTS", "[1]", "a JSON list of texts"),
        ("EXPORT_S", "0", "a number above 0"),
        ("PORT", "8_000", "a whole number from 0 to 65,535"),
        ("JOB_S", "1_0", "a number above 0"),
        ("TITLE", "x" * 61, "a text of at most 60 characters"),
        ("BASE_TILES", "http://tiles", "like https://host/{z}/{x}/{y}.png"),
    ],
)
def test_a_wrong_setting_names_the_variable_and_its_form(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, form: str
) -> None:
    monkeypatch.setenv(f"WANGGE_{variable}", value)
    with pytest.raises(InputError) as caught:
        ServiceSettings()
    assert str(caught.value).startswith(f"The setting WANGGE_{variable} is '{value}'; it must be {form}")


def test_a_wrong_setting_is_told_by_a_command(wangge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PORT", "abc")
    outcome = wangge("export", "areas", "-o", "a.csv")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith("wangge: The setting WANGGE_PORT is 'abc'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve"],
        ["export", "areas", "-o", "{folder}/a.csv"],
        ["load", "areas", "{areas}"],
        ["token", "list"],
        ["backup", "{folder}/b.gpkg"],
    ],
)
def test_a_command_makes_no_empty_database(
    wangge: Run, tmp_path: Path, areas: Path, arguments: list[str]
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    filled = [each.format(folder=folder, areas=areas) for each in arguments]
    outcome = wangge(*filled, "--database", f"sqlite:///{folder}/none.gpkg")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "none.gpkg does not exist; `wangge migrate` makes it." in outcome.err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "length"),
    [
        (["divide", "{long}.gpkg", "-o", "o.gpkg"], 300),
        (["divide", "{areas}", "-o", "{long}.gpkg"], 245),
        (["map", "--cells", "{areas}", "-o", "{long}.pdf"], 300),
        (["demo", "-o", "{long}", "--no-serve"], 300),
    ],
)
def test_an_over_long_name_is_told(
    wangge: Run,
    areas: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    length: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    outcome = wangge(*(each.format(long="x" * length, areas=areas) for each in arguments))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "error of the program" not in outcome.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "address", ["not a url", "ftp://x", "http://", "http://x:99999", "x.example", "http://x/#a"]
)
def test_a_link_is_made_for_an_address_alone(wangge: Run, migrated_sqlite: Path, address: str) -> None:
    url = f"sqlite:///{migrated_sqlite}"
    outcome = wangge("account", "link", "nobody", "--address", address, "--database", url)
    assert outcome.code == 2
    assert f"'{address}' is no address of a service; give it with --address" in outcome.err


def test_an_output_keeps_the_permissions_of_every_part(tmp_path: Path, areas: Path) -> None:
    frame: Any = gpd.read_file(areas)
    written, drawn = tmp_path / "a.shp", tmp_path / "map.pdf"
    for _ in range(2):
        write_layer(written, frame)
        write_bytes(drawn, b"x")
        for each in (*tmp_path.glob("a.*"), drawn):
            each.chmod(each.stat().st_mode & 0o700 if each in (written, drawn) else 0o644)
    write_layer(written, frame)
    write_bytes(drawn, b"x")
    assert {each.stat().st_mode & 0o777 for each in (*tmp_path.glob("a.*"), drawn)} == {0o600}
