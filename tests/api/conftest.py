"""A small plan on disk, the command line run in this process, and passwords that are quickly hashed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import geopandas as gpd
import pytest
import shapely
from argon2 import PasswordHasher
from typer.main import get_command
from typer.testing import CliRunner

from api.cli import app
from api.security import passwords
from gis.crs import LONLAT
from layers.formats import write_layer


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def costly_hasher() -> Iterator[PasswordHasher]:
    """What passwords are hashed with in use; in tests a hash takes no fifth of a second and no 64 MiB."""
    costly = passwords._hasher
    with patch.object(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        yield costly


@pytest.fixture(scope="session")
def wangge() -> Run:
    """Run the command line with arguments."""
    # Built once, as in a process: Typer's runner builds all commands for each call, which takes longer
    # than most calls.
    command = get_command(app)

    def run(*arguments: object) -> Outcome:
        with patch("typer.testing._get_command", return_value=command):
            result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="wangge")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def areas(tmp_path: Path) -> Path:
    """Two communities of about 0.2 km² each that share a bent border."""
    bend = [(113.905, 22.5), (113.9055, 22.502), (113.9048, 22.504)]
    west = shapely.Polygon([(113.9, 22.5), *bend, (113.9, 22.504)])
    east = shapely.Polygon([(113.91, 22.5), (113.91, 22.504), *reversed(bend)])
    path = tmp_path / "areas.geojson"
    frame = gpd.GeoDataFrame(
        {"code": ["440305001001", "440305001002"], "name": ["海湾社区", "山前社区"]},
        geometry=[west, east],
        crs=LONLAT,
    )
    write_layer(path, frame)
    return path


@pytest.fixture
def cells(wangge: Run, areas: Path, tmp_path: Path) -> Path:
    """The areas divided into squares of 100 m."""
    path = tmp_path / "cells.gpkg"
    assert wangge("divide", areas, "-o", path).code == 0
    return path


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    """Five enterprises: two inside, one outside, one without location, one with a bad number."""
    path = tmp_path / "shops.csv"
    path.write_text(
        "id,kind,lon,lat,households\n"
        "001,enterprise,113.9011,22.5011,\n"
        "002,enterprise,113.9091,22.5031,\n"
        "003,enterprise,113.95,22.6,\n"
        "004,enterprise,,,\n"
        "005,enterprise,abc,22.5,\n",
        encoding="utf-8",
    )
    return path
