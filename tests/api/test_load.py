"""The commands `load` and `export`, from files into a database and out again."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from layers.formats import read_layer
from layers.storage.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A new, migrated file."""
    found = f"sqlite:///{tmp_path / 'wangge.gpkg'}"
    with closing(Database(found)) as database:
        database.migrate()
    return found


def test_load_and_export(wangge: Callable[..., Any], areas: Path, shops: Path, url: str) -> None:
    loaded = wangge("load", "areas", areas, "--database", url)
    assert (loaded.code, loaded.out) == (0, "2 areas inserted, 0 updated, 0 unchanged\n")
    first = wangge("load", "entities", shops, "--database", url, "--json").summary
    assert (first["inserted"], first["without_location"], first["outside_areas"]) == (4, 1, 1)
    assert first["rejected_records"] == [{"record": 5, "external_id": "005", "reason": "invalid_coordinates"}]
    again = wangge("load", "entities", shops, "--database", url)
    assert again.out.splitlines() == [
        "5 records: 0 inserted, 0 updated, 4 unchanged, 1 rejected",
        "without location: 1",
        "outside all areas: 1",
        "  record 5 (id 005): invalid_coordinates",
    ]
    output = areas.parent / "out.geojson"
    written = wangge("export", "entities", "-o", output, "--area", "440305001001", "--database", url)
    assert (written.code, written.out) == (0, f"1 entities written to {output}\n")
    assert read_layer(output, role="entities")["id"].tolist() == ["001"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "entities", "{shops}", "--on", "yesterday"), "no date"),
        (("load", "entities", "{shops}", "--id-field", "nr"), "no field 'nr'"),
        (("load", "areas", "{shops}"), "shops.csv"),
        (("export", "roads", "-o", "{folder}/out.csv"), "no layer 'roads'"),
        (("export", "cells", "-o", "{folder}/out.csv"), "scheme"),
        (("export", "entities", "-o", "{folder}/out.txt"), "cannot write"),
    ],
)
def test_what_cannot_run_says_why(
    wangge: Callable[..., Any], shops: Path, url: str, arguments: tuple[str, ...], words: str
) -> None:
    given = [each.format(shops=shops, folder=shops.parent) for each in arguments]
    outcome = wangge(*given, "--database", url)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not list(shops.parent.glob("out.*"))
