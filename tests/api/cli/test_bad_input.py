"""Bad input gets one clear line on standard error, exit code 2, and no output file."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from api.cli import console
from gis import errors
from gis.crs import LONLAT
from layers.formats import write_layer
from tests.api.conftest import Run

BOWTIE = shapely.Polygon([(113.9, 22.5), (113.91, 22.51), (113.91, 22.5), (113.9, 22.51)])
SQUARE = shapely.box(113.9, 22.5, 113.91, 22.51)


def layer(folder: Path, name: str, *geometry: object, **columns: list[object]) -> Path:
    path = folder / name
    write_layer(path, gpd.GeoDataFrame(columns, geometry=list(geometry), crs=LONLAT))
    return path


def text(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


CASES: dict[str, tuple[Callable[[Path, Path], list[object]], str]] = {
    "missing file": (
        lambda d, out: ["divide", d / "none.gpkg", "-o", out],
        "none.gpkg: there is no such file",
    ),
    "unknown extension": (
        lambda d, out: ["divide", text(d, "a.txt", "x"), "-o", out],
        "extension '.txt' is not one of",
    ),
    "damaged file": (
        lambda d, out: ["divide", text(d, "a.gpkg", "x"), "-o", out],
        "a.gpkg cannot be read as GeoPackage",
    ),
    "no code field": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, zone=["1"]), "-o", out],
        "a.gpkg: has no field 'code'; name the one to take with --code-field, or number the records",
    ),
    "wrong code field": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, zone=["1"]), "-o", out, "--code-field", "TAZID"],
        "has no field 'TAZID' for --code-field",
    ),
    "invalid polygon": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, BOWTIE, code=["1", "2"]), "-o", out],
        "a.gpkg: record 2 (code '2') is no valid polygon (Self-intersection",
    ),
    "duplicate area": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, SQUARE, code=["1", "1"]), "-o", out],
        "record 2 (code '1') has a code that an earlier record has",
    ),
    "overlapping areas": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, SQUARE, code=["1", "2"]), "-o", out],
        "run wangge repair first",
    ),
    "points for areas": (
        lambda d, out: ["divide", layer(d, "a.gpkg", shapely.Point(113.9, 22.5), code=["1"]), "-o", out],
        "record 1 (code '1') is no polygon",
    ),
    "negative size": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, code=["1"]), "-o", out, "--size", "-5"],
        "-5",
    ),
    "unknown working CRS": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, code=["1"]), "-o", out, "--crs", "EPSG:0"],
        "'EPSG:0' names no coordinate reference system",
    ),
    "working CRS in degrees": (
        lambda d, out: ["divide", layer(d, "a.gpkg", SQUARE, code=["1"]), "-o", out, "--crs", "EPSG:4326"],
        "must be projected in metres",
    ),
    "coordinates in metres called degrees": (
        lambda d, out: ["divide", layer(d, "a.gpkg", shapely.box(5e5, 2e6, 6e5, 3e6), code=["1"]), "-o", out],
        "they look like metres of a Gauss-Kruger zone; give it with --source-crs",
    ),
    "too many squares for the code": (
        lambda d, out: [
            "divide",
            layer(d, "a.gpkg", SQUARE, code=["440305001001"]),
            "-o",
            out,
            "--size",
            "20",
        ],
        "440305001001",
    ),
    "check without code": (lambda d, _: ["check", layer(d, "a.gpkg", SQUARE, zone=["1"])], "--code-field"),
    "repair of an empty record": (
        lambda d, out: ["repair", layer(d, "a.gpkg", SQUARE, None, code=["1", "2"]), "-o", out],
        "'2'",
    ),
    "cells without code": (
        lambda d, out: [
            "assign",
            text(d, "e.csv", "id,lon,lat\n1,113.9,22.5\n"),
            "--cells",
            layer(d, "c.gpkg", SQUARE, SQUARE, code=["1", None]),
            "-o",
            out,
        ],
        "c.gpkg: record 2 has no code",
    ),
    "entities without coordinates": (
        lambda d, out: [
            "assign",
            text(d, "e.csv", "id,name\n1,a\n"),
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "-o",
            out,
        ],
        "e.csv has no coordinates",
    ),
    "output without extension": (
        lambda d, _: ["divide", layer(d, "a.gpkg", SQUARE, code=["1"]), "-o", d / "out"],
        "cannot write '' files",
    ),
    "output into no folder": (
        lambda d, _: ["divide", layer(d, "a.gpkg", SQUARE, code=["1"]), "-o", d / "no" / "out.gpkg"],
        "there is no folder",
    ),
    "latitude beyond the pole": (
        lambda d, _: ["locate", "--cells", layer(d, "c.gpkg", SQUARE, code=["1"]), 22.5, 113.9],
        "give LON, then LAT",
    ),
    "rules that are no TOML": (
        lambda d, out: [
            "gaps",
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "--rules",
            text(d, "r.toml", "[["),
            "-o",
            out,
        ],
        "r.toml is not TOML",
    ),
    "rules with an unknown key": (
        lambda d, out: [
            "gaps",
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "--rules",
            text(d, "r.toml", "[out_of_reach]\nmetres = 5\n"),
            "-o",
            out,
        ],
        "out_of_reach.metres",
    ),
    "entities of no kind": (
        lambda d, out: [
            "gaps",
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "--entities",
            text(d, "e.csv", "id,lon,lat\n1,113.9,22.5\n"),
            "-o",
            out,
        ],
        "has no field 'kind'; say what its records are as KIND=e.csv",
    ),
    "one name for two outputs": (
        lambda d, _: [
            "assign",
            text(d, "e.csv", "id,lon,lat\n1,113.9,22.5\n"),
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "-o",
            d / "o.csv",
            "--report",
            d / "o.csv",
        ],
        "is named for two outputs",
    ),
    "a report of another type": (
        lambda d, out: [
            "assign",
            text(d, "e.csv", "id,lon,lat\n1,113.9,22.5\n"),
            "--cells",
            layer(d, "c.gpkg", SQUARE, code=["1"]),
            "-o",
            out,
            "--report",
            d / "r.txt",
        ],
        "r.txt: give it the extension .json or .csv",
    ),
    "gaps of doubled cells": (
        lambda d, out: ["gaps", "--cells", layer(d, "c.gpkg", SQUARE, SQUARE, code=["1", "1"]), "-o", out],
        "c.gpkg: record 2 (code '1') has a code that an earlier record has",
    ),
    "cells that cross themselves": (
        lambda d, out: ["gaps", "--cells", layer(d, "c.gpkg", BOWTIE, code=["1"]), "-o", out],
        "c.gpkg: record 1 (code '1') is no valid polygon",
    ),
    "a map of another type": (
        lambda d, _: ["map", "--cells", layer(d, "c.gpkg", SQUARE, code=["1"]), "-o", d / "map.docx"],
        "give it the extension .html or .htm or .pdf or .png",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_line(wangge: Run, tmp_path: Path, case: str) -> None:
    arguments, sentence = CASES[case]
    out = tmp_path / "out.gpkg"
    listed = arguments(tmp_path, out)
    before = sorted(tmp_path.iterdir())
    result = wangge(*listed)
    assert result.code == console.EXIT_ERROR
    assert sentence in result.err
    assert result.err.startswith("wangge: ")
    assert result.err.count("\n") == 1
    assert result.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["divide"], "Missing argument 'areas'. (wangge divide --help explains)"),
        (["divide", "a.gpkg", "-o", "b.gpkg", "--size", "abc"], "'--size'"),
        (["nonsense"], "No such command 'nonsense'. (wangge --help explains)"),
        (["locate", "--cells", "c.gpkg", "a", "b"], "give LON, then LAT"),
    ],
)
def test_a_mistake_in_the_call_is_told_in_one_line(arguments: list[str], sentence: str) -> None:
    program = Path(sys.executable).with_name("wangge")
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == console.EXIT_ERROR
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def memory(process: int) -> int:
    """The memory of a process in KiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_command_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    areas = layer(tmp_path, "areas.gpkg", shapely.box(113.9, 22.5, 114.3, 22.8), code=["zone"])
    program = Path(sys.executable).with_name("wangge")
    command = [program, "divide", areas, "-o", tmp_path / "cells.gpkg", "--size", "20"]

    def heed() -> None:
        # What a shell starts in the background ignores SIGINT, and so does all that it starts.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        # What it has loaded takes half of that; the rest is cells, of which it makes many more.
        while memory(process.pid) < 600 << 10:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(ending)
        _, err = process.communicate(timeout=120)
    assert process.returncode == console.EXIT_INTERRUPTED
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["areas.gpkg"]


def test_every_error_has_an_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {console.exit_code(kind.__new__(kind)) for kind in kinds} <= {
        console.EXIT_INVALID,
        console.EXIT_ERROR,
    }
    assert console.exit_code(errors.RefusedError("x")) == console.EXIT_INVALID
    assert console.exit_code(errors.CapacityError("x")) == console.EXIT_ERROR
