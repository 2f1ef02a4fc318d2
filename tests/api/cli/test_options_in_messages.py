"""Advice that can be followed: every option that a message names is one of the command that says it."""

import ast
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import typer
from pyproj import Transformer

from api.advice import rewrite_options
from api.cli import COMMANDS, GROUPS, app
from api.cli.call import CommandOptions, explain
from gis.crs import LONLAT
from layers.formats import write_layer, write_layers
from tests.api.conftest import Run

REPOSITORY = Path(__file__).parents[3]
OPTION = re.compile(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*")
SQUARE = shapely.box(113.9, 22.5, 113.91, 22.51)


def commands_by_name() -> dict[str, Callable[..., None]]:
    """Each command; one of a group has the name of the group before its own."""
    found = dict(COMMANDS)
    for group, members in GROUPS.items():
        for each in members.registered_commands:
            assert each.callback is not None
            found[f"{group} {each.name}"] = each.callback
    return found


def commands() -> dict[str, inspect.Signature]:
    """Each command with the signature of its options."""
    return {name: inspect.signature(callback) for name, callback in commands_by_name().items()}


def texts(path: Path) -> Iterator[str]:
    """The texts of a module that name an option, with X for what is filled in; not its docstrings."""
    source = path.read_text(encoding="utf-8")
    # Most modules name none, and to parse them all takes seconds.
    if OPTION.search(source) is None:
        return
    nodes = list(ast.walk(ast.parse(source)))
    declarations = {
        part
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Option"
        for part in ast.walk(node)
    }
    documentation = {node.value for node in nodes if isinstance(node, ast.Expr)}
    parts = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if node in declarations | documentation | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(each.value) if isinstance(each, ast.Constant) else "X" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if OPTION.search(text):
            yield text


@pytest.fixture(scope="module")
def messages() -> list[str]:
    """What the program says of any file."""
    modules = [REPOSITORY / "api/cli/inputs.py"]
    for package in ("gis", "layers"):
        modules += (REPOSITORY / package).rglob("*.py")
    return sorted({text for path in modules if path.name != "vendored.py" for text in texts(path)})


def test_the_messages_are_found(messages: list[str]) -> None:
    assert len(messages) > 10
    assert any("--source-crs" in text for text in messages)


@pytest.mark.parametrize("name", commands())
def test_a_message_about_any_file_of_a_command_names_options_that_it_has(
    messages: list[str], name: str
) -> None:
    signature = commands()[name]
    options = CommandOptions.of(signature)
    files = [each for each in signature.parameters if each not in {"database", "as_json"}]
    for message in messages:
        for file in files:
            said = explain(f"x.gpkg: {message}", options, {file: Path("x.gpkg")}, None)
            assert set(OPTION.findall(said)) <= set(options.names.values()), (file, said)


@pytest.mark.parametrize("name", commands())
def test_what_the_module_of_a_command_says_names_options_that_exist(name: str) -> None:
    options = {
        each: set(CommandOptions.of(signature).names.values()) for each, signature in commands().items()
    }
    module = commands_by_name()[name].__module__
    siblings = {each for each, callback in commands_by_name().items() if callback.__module__ == module}
    own = set().union(*(options[each] for each in siblings))
    for text in texts(REPOSITORY / f"{module.replace('.', '/')}.py"):
        # A text may send one to another command.
        other = re.search(r"wangge ((?:load |token |account |plan |scheme )?[a-z]+)", text)
        known = options[other[1]] if other is not None and other[1] in options else own
        assert set(OPTION.findall(text)) <= known | {"--help"}, text


def test_advice_that_cannot_be_followed_is_replaced() -> None:
    names = {"code_field": "--areas-code-field"}
    message = "x: has no field 'code'; name it with --code-field '#', or not (fields: a; b)."
    assert rewrite_options(message, names.get, "no") == (
        "x: has no field 'code'; name it with --areas-code-field '#', or not (fields: a; b)."
    )
    assert rewrite_options(message, {}.get, "no") == "x: has no field 'code'; no (fields: a; b)."
    assert (
        rewrite_options("x names no CRS; give it with --source-crs.", {}.get, "no") == "x names no CRS; no."
    )
    assert rewrite_options("a condition (--where) is not for CSV.", {}.get, "no") == (
        "a condition (where) is not for CSV."
    )
    assert rewrite_options("x is read as y; if names look wrong, give z with --z", {}.get, "no") == (
        "x is read as y; if names look wrong, no"
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Cells, cells without a code and without a CRS, two layers in one file, and a table without places."""
    square = gpd.GeoDataFrame({"code": ["1"]}, geometry=[SQUARE], crs=LONLAT)
    write_layer(tmp_path / "cells.gpkg", square)
    nameless = square.rename(columns={"code": "zone"})
    write_layer(tmp_path / "nameless.gpkg", nameless)
    with warnings.catch_warnings(action="ignore"):
        square.set_crs(None, allow_override=True).to_file(tmp_path / "nowhere.gpkg")
    for name in ("a", "b"):
        square.to_file(tmp_path / "two.gpkg", layer=name)
    (tmp_path / "shops.csv").write_text("id,kind,lon,lat\n1,enterprise,113.905,22.505\n", encoding="utf-8")
    (tmp_path / "places.csv").write_text("id,name\n1,a\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("divide nowhere.gpkg -o o.gpkg", "nowhere.gpkg names no coordinate reference system; give it with"),
        ("divide cells.gpkg -o o.gpkg --ended nameless.gpkg", "has no field 'code'; this command has no"),
        ("divide cells.gpkg -o o.gpkg --size 0", "wangge: The size of a square"),
        ("divide cells.gpkg -o o.gpkg --crs EPSG:0", "wangge: 'EPSG:0' names no"),
        ("check cells.gpkg --areas two.gpkg", "two.gpkg has several layers (a, b); name one with --areas-l"),
        ("check cells.gpkg --areas nameless.gpkg", "name the one to take with --areas-code-field"),
        ("assign shops.csv --cells nameless.gpkg -o o.csv", "name the one to take with --code-field"),
        ("assign places.csv --cells cells.gpkg -o o.csv", "name them with --lon-field and --lat-field"),
        ("gaps --cells two.gpkg -o o.csv", "name one with --cells-layer."),
        ("gaps --cells nowhere.gpkg -o o.csv", "give it with --cells-source-crs"),
        ("gaps --cells cells.gpkg --areas nowhere.gpkg -o o.csv", "give it with --areas-source-crs"),
        ("gaps --cells cells.gpkg --entities enterprise=places.csv -o o.csv", "--entities-lon-field"),
        ("gaps --cells cells.gpkg --service-points two.gpkg -o o.csv", "one with --service-points-layer."),
        ("gaps --cells cells.gpkg --only holes -o o.csv", "wangge: 'holes' is no kind of gap"),
        ("map --cells cells.gpkg --roads none.gpkg -o o.html", "wangge: none.gpkg: there is no such file"),
        ("map --cells nameless.gpkg -o o.html", "name the one to take with --code-field"),
        ("inspect shops.csv --areas two.gpkg", "name one with --areas-layer"),
    ],
)  # fmt: skip
def test_a_message_blames_the_file_at_fault_and_names_its_option(
    wangge: Run, files: Path, monkeypatch: pytest.MonkeyPatch, call: str, said: str
) -> None:
    monkeypatch.chdir(files)
    outcome = wangge(*call.split())
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(files.glob("o.*"))


def test_the_options_of_a_file_are_read_under_its_name(
    wangge: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    told = ["--cells-layer", "a", "--areas", "nowhere.gpkg", "--areas-source-crs", "EPSG:4326"]
    assert wangge("gaps", "--cells", "two.gpkg", *told, "-o", "o.csv").code == 0
    assert wangge("map", "--cells", "two.gpkg", *told, "-o", "o.html").code == 0


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables in GBK, each under a name of its own."""
    monkeypatch.chdir(tmp_path)
    square, line = SQUARE.wkt, "LINESTRING (113.9 22.505, 113.91 22.505)"
    cells = f'code,name,area_code,geometry\n1,南山街道第一网格,A,"{square}"\n'
    shop = "id,name,kind,lon,lat\n1,海滨路小吃店,enterprise,113.905,22.505\n"
    for name, text in {
        "cells": cells,
        "other": cells.replace("第一", "第二"),
        "areas": f'code,name,geometry\nA,南山街道办事处,"{square}"\n',
        "shops": shop,
        "aid": shop.replace("小吃", "服务"),
        "roads": f'name,geometry\n海滨大道,"{line}"\n',
        "staff": "officer_id,area_code,cell_code,duty,role,rank,name\n1,A,1,leader,网格长,A,王小明\n",
        "gaps": f'kind,severity,name,geometry\nblank,high,南山街道空白,"{square}"\n',
    }.items():
        Path(f"{name}.csv").write_text(text, encoding="gbk")


CELLS = ("cells", "--cells-encoding")
AREAS = ("areas", "--areas-encoding")


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("assign shops.csv --cells cells.csv -o o.csv", [CELLS, ("shops", "--encoding")]),
        ("locate 113.905 22.505 --cells cells.csv", [CELLS]),
        ("inspect shops.csv --areas areas.csv", [AREAS, ("shops", "--encoding")]),
        ("check cells.csv --areas areas.csv", [("cells", "--encoding"), AREAS]),
        ("repair cells.csv --areas areas.csv -o o.gpkg", [("cells", "--encoding"), AREAS]),
        (
            "divide areas.csv --ended cells.csv -o o.gpkg",
            [("areas", "--encoding"), ("cells", "--ended-encoding")],
        ),
        ("diff cells.csv other.csv -o o.gpkg", [("cells", "--encoding"), ("other", "--new-encoding")]),
        (
            "gaps --cells cells.csv --areas areas.csv --entities shops.csv --service-points aid.csv -o o.csv",
            [CELLS, AREAS, ("aid", "--service-points-encoding"), ("shops", "--entities-encoding")],
        ),
        ("map --cells cells.csv --officers staff.csv -o o.html", [CELLS, ("staff", "--officers-encoding")]),
        ("map --cells cells.csv --gaps gaps.csv -o o.html", [CELLS, ("gaps", "--gaps-encoding")]),
        (
            "map --cells cells.csv --areas areas.csv --entities shops.csv --roads roads.csv -o o.html",
            [CELLS, AREAS, ("shops", "--entities-encoding"), ("roads", "--base-encoding")],
        ),
    ],
)  # fmt: skip
def test_a_note_on_a_file_names_its_option_which_silences_it(
    wangge: Run, call: str, options: list[tuple[str, str]]
) -> None:
    outcome = wangge(*call.split())
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        f"note: {file}.csv does not say how its text is encoded and is read as GB 18030; "
        f"if names look wrong, give the encoding with {option}"
        for file, option in options
    ]
    for file, option in options:
        others = [each for name, each in options if name != file]
        silent = [word for each in others for word in (each, "gbk")]
        wrong = wangge(*call.split(), *silent, option, "utf-8")
        assert wrong.code == 2
        assert wrong.err.startswith(f"wangge: {file}.csv: line 2 is not text in UTF-8; mend it, or give")
        assert f" with {option}, for example gb18030" in wrong.err
        assert wrong.err.count("\n") == 1


def test_typer_and_the_messages_agree_on_the_options() -> None:
    top: typer.core.TyperGroup = typer.main.get_command(app)  # type: ignore[assignment]
    for name, signature in commands().items():
        command = top
        for word in name.split():
            command = command.commands[word]  # type: ignore[assignment]
        known = {each for parameter in command.params for each in parameter.opts}
        assert set(CommandOptions.of(signature).names.values()) <= known, name


@pytest.mark.parametrize("form", ["csv", "gpkg"])
def test_every_file_of_gaps_and_map_is_read_as_its_options_say(
    wangge: Run, cells: Path, tmp_path: Path, form: str
) -> None:
    x, y = Transformer.from_crs(LONLAT, "EPSG:4547", always_xy=True).transform(113.95, 22.6)
    shops, roads = tmp_path / f"shops.{form}", tmp_path / f"roads.{form}"
    if form == "csv":
        shops.write_text(f"nr,kind,o,n\n1,shop,{x},{y}\n", encoding="utf-8")
        roads.write_text(f'class,wkt\na,"LINESTRING ({x} {y}, {x + 90} {y})"\n', encoding="utf-8")
        shared = {"source-crs": "EPSG:4547"}
        own = shared | {"lon-field": "o", "lat-field": "n"}
    else:
        place = shapely.Point(113.95, 22.6)
        frame = gpd.GeoDataFrame({"nr": ["1", "2"], "kind": "shop"}, geometry=[place] * 2, crs=LONLAT)
        write_layers(shops, {"wanted": frame, "other": frame})
        line = shapely.LineString([(113.9, 22.5), (113.901, 22.5)])
        write_layers(roads, {"wanted": frame.set_geometry([line] * 2, crs=LONLAT), "other": frame})
        own = shared = {"layer": "wanted", "where": "nr = '1'"}

    def options(name: str, values: dict[str, str]) -> list[str]:
        return [word for key, value in values.items() for word in (f"--{name}-{key}", value)]

    gaps, drawing = tmp_path / "gaps.gpkg", tmp_path / "m.html"
    inputs = ["--cells", cells, "--entities", shops, *options("entities", own)]
    searched = wangge("gaps", *inputs, "--service-points", shops, *options("service-points", own), "-o", gaps)
    assert (searched.code, searched.err) == (0, "")
    base = ["--roads", roads, *options("base", shared)]
    drawn = wangge("map", *inputs, *base, "--gaps", gaps, "--gaps-layer", "gaps", "-o", drawing)
    assert drawn.code == 0, drawn.err
    for missing in (
        [*inputs[:-1], "none"],
        [*inputs, *base[:-1], "none"],
        [*inputs, "--gaps", gaps, "--gaps-layer", "none"],
    ):
        assert wangge("map", *missing, "-o", drawing).code == 2
