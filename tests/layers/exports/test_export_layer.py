"""Exporting layers: every format, filters, former states, and what is personal stays in."""

from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from sqlalchemy import select

from gis.crs import LONLAT
from gis.errors import InputError, NotFoundError
from layers.db.bbox import BBox
from layers.db.database import Database
from layers.entities.lifecycle import create_entity, end_entity, update_entity
from layers.exports.export_layer import ExportFilters, export_layer, merge_orders
from layers.formats import read_layer, read_table
from layers.gaps.runs import search_gaps
from layers.imports.areas import import_areas
from layers.imports.entities import import_entities
from layers.models import Entity, Gap
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.layers.plans.levels import COLUMNS, add_levels, publish_over
from tests.layers.squares import WEST_TOWN

DAY, NEXT = date(2026, 3, 1), date(2026, 4, 1)
WEST = shapely.box(113.9, 22.5, 113.91, 22.51)
EAST = shapely.box(113.91, 22.5, 113.92, 22.51)
NEAR = {"out_of_reach": {"distance_m": 300, "min_ground_m2": 1}}
SUFFIXES = [".gpkg", ".geojson", ".parquet", ".fgb", ".shp", ".csv"]


@pytest.fixture
def filled(database: Database) -> Database:
    """Two communities, three households and an enterprise."""
    import_areas(
        database,
        gpd.GeoDataFrame(
            {"code": ["440305001001", "440305001002"], "name": "", "level": "village", "parent": None},
            geometry=[WEST, EAST],
            crs=LONLAT,
        ),
    )
    with database.write() as session:
        for number in range(3):
            create_entity(
                session,
                "household",
                f"H{number}",
                attributes={"persons": number, "share": number / 2, "old": number > 1, "note": "=1+1"},
                personal={"name": f"张{number}", "phone": "+86 755"},
                geometry=shapely.Point(113.905 + 0.006 * number, 22.505),
                on=DAY,
            )
        create_entity(session, "enterprise", "E1", name="悦创", attributes={"Kind": [1, 2]}, on=DAY)
    return database


def read(path: Path) -> pd.DataFrame:
    return read_layer(path, role="entities").sort_values("id", ignore_index=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_entities(filled: Database, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    done, _ = export_layer(filled, path, "entities", filters=ExportFilters(kind="household"))
    table = read(path)
    assert done == len(table) == 3
    assert table["id"].tolist() == ["H0", "H1", "H2"]
    assert table["persons"].tolist() == [0, 1, 2]
    assert table["share"].tolist() == [0, 0.5, 1]
    assert [str(value) in {"1", "True"} for value in table["old"]] == [False, False, True]
    # No spreadsheet takes the text of a CSV for a formula, and reading restores it.
    assert table["note"].tolist() == ["=1+1"] * 3
    assert (b",'=1+1," in path.read_bytes()) == (suffix == ".csv")
    assert table["area_code"].astype(str).tolist() == ["440305001001", "440305001002", "440305001002"]
    assert shapely.get_x(table.geometry.to_numpy()).tolist() == [113.905, 113.911, 113.917]
    assert "phone" not in table
    assert "张0" not in path.read_bytes().decode("utf-8", errors="replace")


def test_personal_values_are_asked_for(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    export_layer(filled, path, "entities", personal=True)
    table = read_table(path).set_index("id")
    assert table["name"].to_dict() == {"H0": "张0", "H1": "张1", "H2": "张2", "E1": "悦创"}
    assert table.loc["H0", "phone"] == "+86 755"
    assert table.loc["E1", "source_Kind"] == "[1, 2]"


def test_a_file_that_names_its_kind_comes_out_as_it_went_in(filled: Database, tmp_path: Path) -> None:
    given, path = tmp_path / "in.csv", tmp_path / "out.csv"
    given.write_text("id,kind,range_m,lon,lat\nS1,sensor,25,113.905,22.505\n", encoding="utf-8")
    assert import_entities(filled, given, kind="sensor", on=DAY).inserted == 1
    export_layer(filled, path, "entities", filters=ExportFilters(kind="sensor"))
    assert read_table(path).columns.isin(["kind", "range_m"]).sum() == 2
    assert "source_kind" not in read_table(path)
    assert import_entities(filled, path, on=NEXT).unchanged == 1
    assert import_entities(filled, path, kind="sensor", on=NEXT).unchanged == 1


def test_a_round_trip_through_csv_changes_nothing(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    attributes = {
        "=f": "'=x",
        "@g": "+1+a",
        "n": 1,
        "x": 1e-07,
        "code": "0011",
        "ok": True,
        "t": 'say "a,b"\n',
    }
    with filled.write() as session:
        for number, given in enumerate([attributes, {}]):
            create_entity(session, "sensor", f"=S{number}", attributes=given, geometry=WEST.centroid, on=DAY)
    export_layer(filled, path, "entities", filters=ExportFilters(kind="sensor"))
    assert path.read_text().startswith("id,kind,")
    assert "'=f" in path.read_text().splitlines()[0]
    summary = import_entities(filled, path, on=NEXT)
    assert (summary.unchanged, summary.updated, summary.inserted) == (2, 0, 0)


def test_what_was_exported_can_be_imported_again(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "out.geojson"
    with filled.write() as session:
        create_entity(session, "sensor", "S1", attributes={"range_m": 25.5, "group": "a"}, on=DAY)
    export_layer(filled, path, "entities", filters=ExportFilters(kind="sensor"))
    assert import_entities(filled, path, on=NEXT).unchanged == 1


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".csv"])
def test_long_numbers_keep_all_digits(filled: Database, tmp_path: Path, suffix: str) -> None:
    """Also beside missing ones, and as text beside fractions."""
    path, number = tmp_path / f"out{suffix}", 440305199901010011
    with filled.write() as session:
        for row, (licence, mixed) in enumerate([(number, number), (None, 1.5), (7, 2)]):
            values = {"licence": licence, "mixed": mixed}
            create_entity(session, "stall", f"S{row}", attributes=values, geometry=WEST.centroid, on=DAY)
    export_layer(filled, path, "entities", filters=ExportFilters(kind="stall"))
    table = read(path)
    assert [str(value) for value in table["licence"].dropna()] == [str(number), "7"]
    assert [str(value) for value in table["mixed"]] == [str(number), "1.5", "2"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["E1", "H0", "H1", "H2"]),
        ({"kind": "enterprise"}, ["E1"]),
        ({"area_code": "440305001002"}, ["H1", "H2"]),
        ({"bbox": BBox(113.904, 22.504, 113.912, 22.506)}, ["H0", "H1"]),
        ({"on": date(2026, 2, 1)}, []),
        ({"on": DAY}, ["E1", "H0", "H1", "H2"]),
    ],
)
def test_filters(filled: Database, tmp_path: Path, filters: dict[str, Any], expected: list[str]) -> None:
    path = tmp_path / "out.gpkg"
    done, notes = export_layer(filled, path, "entities", filters=ExportFilters(**filters))
    assert (done, notes) == (len(expected), [])
    if expected:
        assert read(path)["id"].tolist() == expected


def test_a_past_date_gives_the_states_of_that_date(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with filled.write() as session:
        update_entity(session, 1, 1, {"geometry": EAST.centroid}, on=NEXT)
        end_entity(session, 2, 1, on=NEXT)
    for on, expected in (
        (DAY, {"E1": None, "H0": "440305001001", "H1": "440305001002", "H2": "440305001002"}),
        (NEXT, {"E1": None, "H0": "440305001002", "H2": "440305001002"}),
        (None, {"E1": None, "H0": "440305001002", "H2": "440305001002"}),
    ):
        export_layer(filled, path, "entities", filters=ExportFilters(on=on))
        table = read(path)
        areas = table["area_code"].astype(object).where(table["area_code"].notna(), None)
        assert dict(zip(table["id"], areas, strict=True)) == expected
    box = BBox(113.904, 22.504, 113.906, 22.506)
    assert export_layer(filled, path, "entities", filters=ExportFilters(on=DAY, bbox=box))[0] == 1
    assert export_layer(filled, path, "entities", filters=ExportFilters(on=NEXT, bbox=box))[0] == 0


def test_cells_and_the_entities_in_them(filled: Database, tmp_path: Path) -> None:
    cells = gpd.GeoDataFrame(
        {"code": ["440305001001001", "440305001002001"], "name": "", "kind": "square", "households": [1, 2]},
        geometry=[WEST, EAST],
        crs=LONLAT,
    )
    with filled.write() as session:
        scheme = create_scheme(session, "community", "社区")
        plan = create_draft(session, scheme.id, cells, name="first", created_by="test")
        check_plan(session, plan.id)
        publish(session, plan.id, DAY)
    path = tmp_path / "cells.geojson"
    assert export_layer(filled, path, "cells", filters=ExportFilters(scheme="community", on=DAY)) == (2, [])
    written = read_layer(path, role="cells")
    assert written["code"].tolist() == cells["code"].tolist()
    assert written["households"].tolist() == [1, 2]
    assert shapely.equals_identical(written.geometry.to_numpy(), cells.geometry.to_numpy()).all()
    inside = ExportFilters(scheme="community", cell_code="440305001002001", on=DAY)
    assert export_layer(filled, path, "entities", filters=inside)[0] == 2
    assert set(read(path)["cell_code"]) == {"440305001002001"}
    with pytest.raises(NotFoundError):
        export_layer(filled, path, "cells", filters=ExportFilters(scheme="safety"))
    with pytest.raises(InputError, match="scheme"):
        export_layer(filled, path, "cells")
    assert len(read(path)) == 2


def test_the_gaps_of_a_run(filled: Database, tmp_path: Path) -> None:
    cells = gpd.GeoDataFrame(
        {"code": ["440305001001001", "440305001002001"], "name": "", "kind": "square"},
        geometry=[WEST, EAST],
        crs=LONLAT,
    )
    with filled.write() as session:
        scheme = create_scheme(session, "community", "社区", rules=NEAR)
        plan = create_draft(session, scheme.id, cells, name="first", created_by="test")
        check_plan(session, plan.id)
        publish(session, plan.id, DAY)
        create_entity(session, "household", "far", geometry=shapely.Point(114.5, 22.9), on=DAY)
        create_entity(session, "service_point", "P", geometry=shapely.Point(113.905, 22.505), on=DAY)
    path = tmp_path / "gaps.geojson"
    with pytest.raises(NotFoundError, match="have not been analysed"):
        export_layer(filled, path, "gaps", filters=ExportFilters(scheme="community"))
    whole = search_gaps(filled, "community", created_by="test", on=DAY)
    part = search_gaps(filled, "community", created_by="test", area_code="440305001002", on=NEXT)
    with filled.read() as session:
        kept = session.execute(select(Gap.run_id, Gap.kind, Gap.severity, Gap.area_code)).all()
    assert {row.run_id for row in kept} == {whole.id, part.id}

    def count(**filters: Any) -> int:
        return export_layer(filled, path, "gaps", filters=ExportFilters(scheme="community", **filters))[0]

    # The last run looked at a part only: it stands for that part, and not for all ground.
    assert count() == sum(row.run_id == whole.id for row in kept)
    assert count(area_code="440305001002") == sum(
        row.run_id == part.id and row.area_code == "440305001002" for row in kept
    )
    assert count(on=DAY, area_code="440305001002") == sum(
        row.run_id == whole.id and row.area_code == "440305001002" for row in kept
    )
    assert count(run=part.id) == sum(row.run_id == part.id for row in kept)
    for name in ("kind", "severity"):
        for value in {getattr(row, name) for row in kept}:
            expected = sum(row.run_id == whole.id and getattr(row, name) == value for row in kept)
            assert count(**{name: value}) == expected
    assert count() == len(table := read_layer(path, role="gaps"))
    assert set(table["run"]) == {whole.id}
    assert {"kind", "severity", "cell_code", "area_m2", "rule", "detail", "on"} <= set(table)
    chosen = ExportFilters(scheme="community")
    for language, words in (("zh", "不超过"), ("en", "within")):
        export_layer(filled, path, "gaps", filters=chosen, language=language)
        told = read_layer(path, role="gaps")
        assert told["rule"].str.contains(words).any()
    with pytest.raises(InputError, match="scheme"):
        export_layer(filled, path, "gaps")


def test_areas_and_a_file_of_one_kind(filled: Database, tmp_path: Path) -> None:
    path = tmp_path / "areas.shp"
    assert export_layer(filled, path, "areas")[0] == 2
    assert read_layer(path, role="areas").geometry.geom_type.tolist() == ["Polygon", "Polygon"]
    table = tmp_path / "areas.csv"
    export_layer(filled, table, "areas")
    assert shapely.equals_identical(read_layer(table, role="areas").geometry.to_numpy(), [WEST, EAST]).all()


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([["z", "a", "m"]], ["z", "a", "m"]),
        # Where values are missing, each record has some of the columns.
        ([["z"], ["a", "m"], ["z", "m"]], ["z", "a", "m"]),
        ([["b", "a"], ["x", "w"]], ["b", "a", "x", "w"]),
        ([["c", "b"], ["d", "c"], ["b", "a"]], ["d", "c", "b", "a"]),
        ([], []),
    ],
)
def test_columns_are_in_an_order_that_agrees_with_the_records(
    sequences: list[list[str]], expected: list[str]
) -> None:
    assert merge_orders(sequences, {"z0", *expected}) == [*expected, "z0"]


def test_attributes_come_out_in_the_order_in_which_they_went_in(database: Database, tmp_path: Path) -> None:
    path, again = tmp_path / "shops.csv", tmp_path / "again.csv"
    own = ["zone", "beds", "名次", "age", "Area"]
    rows = ["1,shop,r,,c,7,x,1,2", "2,shop,r,3,,,y,1,2", "3,shop,,3,d,,,1,2"]
    path.write_text("\n".join([",".join(["id", "kind", *own, "lon", "lat"]), *rows]) + "\n", encoding="utf-8")
    import_entities(database, path)
    export_layer(database, again, "entities")
    out = list(read_table(again).columns)
    assert [name for name in out if name in own] == own
    assert import_entities(database, again).unchanged == 3
    with database.read() as session:
        stored = session.scalars(select(Entity).order_by(Entity.id)).all()
    assert [list(each.attributes) for each in stored] == [
        ["zone", "名次", "age", "Area"],
        ["zone", "beds", "Area"],
        ["beds", "名次"],
    ]


def test_cells_over_units_bring_the_table_of_units(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        levels = add_levels(session)
        publish_over(session, levels.management, COLUMNS)
    filters = ExportFilters(scheme="management", on=NEXT, area_code=WEST_TOWN)
    rows, notes = export_layer(database, tmp_path / "m.gpkg", "cells", filters=filters)
    assert (rows, notes) == (2, [])
    table = pyogrio.read_dataframe(tmp_path / "m.gpkg", layer="units")
    expected = {unit: cell for unit, cell in COLUMNS.items() if cell in {"m0", "m1"}}
    assert dict(zip(table["unit"], table["cell"], strict=True)) == expected
    assert len(read_layer(tmp_path / "m.gpkg", layer="cells", role="cells")) == 2
    _, notes = export_layer(database, tmp_path / "m.csv", "cells", filters=filters)
    assert notes == ["The table of units is left out; a GeoPackage has it."]
