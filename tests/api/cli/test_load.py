"""The commands `load` and `export`, from files into a database and out again."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis.crs import LONLAT
from layers.db.database import Database
from layers.formats import read_layer, write_layers


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


def test_load_officers(wangge: Callable[..., Any], areas: Path, url: str, tmp_path: Path) -> None:
    people = tmp_path / "officers.csv"
    people.write_text(
        "officer_id,name,phone,role,rank,area_code\n"
        "G1,甲,00012345678,leader,A,440305001001\n"
        "G2,乙,00022345678,chief,A,440305001001\n",
        encoding="utf-8",
    )
    assert wangge("load", "areas", areas, "--database", url).code == 0
    loaded = wangge("load", "officers", people, "--database", url)
    assert loaded.out.splitlines() == [
        "2 records: 1 inserted, 0 updated, 0 unchanged, 1 rejected",
        "  record 2 (id G2): unknown_duty",
    ]
    again = wangge("load", "officers", people, "--database", url, "--json").summary
    assert (again["unchanged"], again["reasons"]) == (1, {"unknown_duty": 1})
    refused = wangge("load", "officers", people, "--posts", "none", "--database", url)
    assert (refused.code, "no scheme 'none'" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("load", "entities", "{shops}", "--id-field", "nr"), "no field 'nr'"),
        (("load", "areas", "{shops}"), "shops.csv"),
        (("load", "base", "{shops}"), "--kind"),
        (("load", "base", "{shops}", "--kind", "rivers"), "no kind 'rivers'"),
        (("load", "base", "{shops}", "--kind", "roads"), "No record has a shape"),
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


def test_the_base_map_is_loaded_by_layers_or_by_kind(
    wangge: Callable[..., Any], areas: Path, url: str, tmp_path: Path
) -> None:
    line = shapely.LineString([(113.9, 22.5), (113.91, 22.5)])
    roads = gpd.GeoDataFrame({"name": ["大道"], "class": ["main"]}, geometry=[line], crs=LONLAT)
    green = gpd.GeoDataFrame({"name": ["公园"]}, geometry=[line.buffer(0.001)], crs=LONLAT)
    city = tmp_path / "city.gpkg"
    write_layers(city, {"roads": roads, "green": green, "households": roads})
    assert wangge("load", "base", city, "--database", url).out == (
        "1 roads in the place of 0\n1 green in the place of 0\n"
    )
    again = wangge("load", "base", city, "--layer", "green", "--database", url, "--json").summary
    assert again == {"green": {"stored": 1, "replaced": 1, "unfit": 0}}
    loose = wangge("load", "base", areas, "--kind", "buildings", "--database", url)
    assert loose.out == "2 buildings in the place of 0\n"


def test_the_base_map_of_an_openstreetmap_extract(
    wangge: Callable[..., Any], shared_data: Path, url: str
) -> None:
    done = wangge("load", "base", shared_data / "monaco" / "monaco.osm.pbf", "--database", url, "--json")
    found = {kind: each["stored"] for kind, each in done.summary.items()}
    assert found["buildings"] == 1207
    assert found["roads"] == 2361
    assert found["green"] > 0
    assert found["water"] > 0


@pytest.mark.parametrize("layer", ["areas", "entities", "officers"])
def test_a_day_far_away_is_questioned(
    wangge: Callable[..., Any], areas: Path, shops: Path, url: str, tmp_path: Path, layer: str
) -> None:
    people = tmp_path / "officers.csv"
    people.write_text("officer_id,area_code\nG1,\n", encoding="utf-8")
    file = {"areas": areas, "entities": shops, "officers": people}[layer]
    asked = ("load", layer, file, "--on", "2226-01-01", "--database", url)
    refused = wangge(*asked)
    assert refused.code == 2
    assert "The day 2226-01-01 is 199 years from now; confirm it if it is meant (--confirm)." in refused.err
    assert wangge(*asked, "--confirm").code == 0
