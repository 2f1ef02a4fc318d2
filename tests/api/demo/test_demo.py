"""The demonstration: what it writes and stores holds together, and it takes no other database away."""

import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from api.demo.database import ACCOUNT, COMMUNITY, ENVIRONMENT, FIRST_DAY, RESPONSIBILITY, SECOND_DAY
from gis.crs import choose_working_crs
from layers.db.database import Database
from layers.models import (
    Absence,
    Account,
    Area,
    Assignment,
    BasemapFeature,
    Cell,
    Entity,
    GapRun,
    Officer,
    Plan,
    Post,
    Scheme,
)
from layers.plans.cells import cells_as_of, cells_in_force
from layers.plans.changes import read_changes
from layers.plans.units import members_by_code
from layers.staff.responsible import read_responsibility
from tests.api.conftest import Run


@pytest.fixture(scope="module", params=["zh", "en"])
def demo(
    request: pytest.FixtureRequest, wangge: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    outcome = wangge("demo", "-o", folder, "--scale", 0.1, "--language", request.param, "--no-serve")
    assert outcome.code == 0
    assert "map.html" in outcome.out
    assert "#link=" in outcome.out
    assert f"wangge serve --database sqlite:///{folder / 'wangge.gpkg'}" in outcome.out
    assert "NOT VALID" not in outcome.err
    return folder, request.param


@pytest.fixture
def stored(demo: tuple[Path, str]) -> Iterator[Session]:
    with closing(Database(f"sqlite:///{demo[0] / 'wangge.gpkg'}")) as database, database.read() as session:
        yield session


def _pairs(stored: Session, asked: Select[tuple[str, int]]) -> dict[str, int]:
    return {key: value for key, value in stored.execute(asked)}  # noqa: C416  rows are no pairs to dict()


def test_the_demonstration_makes_everything(demo: tuple[Path, str], wangge: Run) -> None:
    folder, language = demo
    made = {path.name for path in folder.iterdir()}
    assert made == {
        "sample", "cells.gpkg", "blocks.gpkg", "assigned.gpkg", "gaps.gpkg", "areas_repaired.gpkg",
        "map.html", "report.md", "wangge.gpkg",
    }  # fmt: skip
    cells = gpd.read_file(folder / "cells.gpkg")
    manifest = json.loads((folder / "sample" / "manifest.json").read_text(encoding="utf-8"))
    assert int(cells["households"].sum()) == manifest["counts"]["households"]
    assert int(cells["enterprises"].sum()) == manifest["counts"]["enterprises"]
    assert wangge("check", folder / "cells.gpkg", "--areas", folder / "sample" / "areas.gpkg").code == 0
    assert (
        wangge("check", folder / "areas_repaired.gpkg", "--areas", folder / "sample" / "areas.gpkg").code == 0
    )
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert f"{len(cells):,}" in report
    assert ("合成数据" if language == "zh" else "synthetic data") in report
    assert "GCJ-02" in report
    assert len(re.findall(rf"^\| (?:{COMMUNITY}|{ENVIRONMENT}) \|", report, re.MULTILINE)) == 3
    assert len(re.findall(rf"^\| {RESPONSIBILITY} \|", report, re.MULTILINE)) == 1


def test_its_cells_conform_and_its_blocks_cut_no_building(demo: tuple[Path, str], wangge: Run) -> None:
    folder, _ = demo
    district = folder / "sample" / "district.gpkg"
    areas = ("--areas", folder / "sample" / "areas.gpkg")
    assert wangge("conform", folder / "cells.gpkg", "--profile", "gbt47678", *areas).code == 0
    assert wangge("check", folder / "blocks.gpkg", *areas).code == 0
    blocks, buildings = gpd.read_file(folder / "blocks.gpkg"), gpd.read_file(district, layer="buildings")
    metres = choose_working_crs(blocks)
    parts = buildings.to_crs(metres).overlay(blocks[["code", "geometry"]].to_crs(metres), keep_geom_type=True)
    # What remains of a border that was led round a building is no cut.
    parts = parts[parts.area > 0.01]
    assert len(parts) == len(buildings) == parts["building_id"].nunique()


def test_the_map_of_the_demonstration_holds_no_person(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    text = (folder / "map.html").read_text(encoding="utf-8")
    people = pd.read_csv(folder / "sample" / "officers.csv", dtype=str)
    assert len(people) > 20
    for name, phone in zip(people["name"], people["phone"], strict=True):
        assert name not in text
        assert phone not in text


def test_the_database_holds_the_whole_district(demo: tuple[Path, str], stored: Session) -> None:
    manifest = json.loads((demo[0] / "sample" / "manifest.json").read_text(encoding="utf-8"))
    counts = manifest["counts"]
    kinds = _pairs(stored, select(Entity.kind, func.count()).group_by(Entity.kind))
    singular = {"households": "household", "enterprises": "enterprise", "sensors": "sensor",
                "components": "component", "service_points": "service_point"}  # fmt: skip
    assert kinds == {kind: counts[name] for name, kind in singular.items()}
    base = select(BasemapFeature.kind, func.count()).group_by(BasemapFeature.kind)
    names = ("roads", "railway", "water", "green", "buildings")
    assert _pairs(stored, base) == {name: counts[name] for name in names}
    assert stored.scalar(select(func.count()).select_from(Area)) == counts["areas"]
    assert stored.scalar(select(func.count()).select_from(Officer)) == counts["officers"]
    account = stored.scalars(select(Account)).one()
    assert (account.name, account.role, account.area_code) == (ACCOUNT, "publisher", None)


def test_its_plans_tell_two_dates_apart(stored: Session) -> None:
    plans = stored.execute(select(Scheme.code, Plan.valid_from, Plan.state).join(Scheme).order_by(Plan.id))
    assert [tuple(row) for row in plans] == [
        (COMMUNITY, FIRST_DAY, "superseded"),
        (ENVIRONMENT, FIRST_DAY, "published"),
        (COMMUNITY, SECOND_DAY, "published"),
        (RESPONSIBILITY, SECOND_DAY, "published"),
        (COMMUNITY, None, "submitted"),
    ]
    schemes = _pairs(stored, select(Scheme.code, Scheme.id))
    first, second = (cells_as_of(stored, schemes[COMMUNITY], day) for day in (FIRST_DAY, SECOND_DAY))
    assert len(second) < len(first)
    assert first["area_m2"].sum() == pytest.approx(second["area_m2"].sum(), abs=0.01)
    # One street alone is drawn anew: what is new lies in its communities, what is not goes on unchanged.
    new = second[second["valid_from"] == SECOND_DAY]
    streets = {code[:9] for code in new["area_code"]}
    assert len(streets) == 1
    assert set(new["kind"]) == {"merged"}
    assert not set(new["code"]) & set(first["code"])
    kept = first[~first["area_code"].str.startswith(streets.pop())]
    assert set(kept["id"]) <= set(second["id"])


def test_a_submitted_draft_differs_by_a_handful_of_edits(stored: Session) -> None:
    draft = stored.scalars(select(Plan).where(Plan.state == "submitted")).one()
    changes = read_changes(stored, draft.id)
    codes = changes.difference.codes
    changed = codes[codes["kind"] != "unchanged"]
    assert (draft.findings or {})["valid"]
    assert 4 <= len(changed) <= 12
    assert len(set(changed["code"].str[:12])) == 1
    assert changes.difference.summary()["changed_owner_m2"] > 1_000
    assert len(changes.moves) > 0


def test_every_cell_has_its_posts_and_every_entity_its_cell(stored: Session) -> None:
    schemes = _pairs(stored, select(Scheme.code, Scheme.id))
    for scheme_id in schemes.values():
        cells = set(cells_as_of(stored, scheme_id, SECOND_DAY)["code"])
        lasting = (Post.scheme_id == scheme_id) & Post.valid_to.is_(None)
        posts = select(Post.cell_code).where(lasting, Post.cell_code.is_not(None))
        # A community without a leader has an officer still.
        assert set(stored.scalars(posts)) == cells
        owners = select(Assignment.cell_code).where(
            Assignment.scheme_id == scheme_id,
            Assignment.valid_to.is_(None),
            Assignment.cell_code.is_not(None),
        )
        owned = stored.scalars(owners).all()
        assert set(owned) <= cells
        assert len(owned) == stored.scalar(select(func.count()).select_from(Entity))


def test_there_are_posts_at_every_level(stored: Session) -> None:
    scheme_id = stored.scalars(select(Scheme.id).where(Scheme.code == COMMUNITY)).one()
    code = stored.scalars(select(Cell.code).where(cells_in_force(scheme_id, SECOND_DAY)).limit(1)).one()
    areas = stored.execute(select(Area.code, Area.level)).all()
    held = read_responsibility(stored, scheme_id, [code], [area for area, _ in areas], SECOND_DAY)
    assert {level for area, level in areas if held.areas.get(area)} == {"town", "county"}
    assert held.cells[code]
    ((leader, acting),) = held.groups.values()
    assert (leader.duty, acting.duty) == ("leader", "leader")
    away = stored.scalars(select(Absence)).all()
    assert [(each.valid_from, (each.valid_to - each.valid_from).days) for each in away] == [(SECOND_DAY, 14)]
    assert stored.scalars(select(Post).where(Post.entity_id.is_not(None))).all()


def test_responsibility_cells_are_groups_of_unit_cells(stored: Session) -> None:
    schemes = _pairs(stored, select(Scheme.code, Scheme.id))
    units = cells_as_of(stored, schemes[COMMUNITY], SECOND_DAY).set_index("code")
    cells = cells_as_of(stored, schemes[RESPONSIBILITY], SECOND_DAY)
    members = members_by_code(stored, cells)
    assert sorted(members["unit"]) == sorted(units.index)
    for cell in cells.itertuples():
        own = units.loc[members.loc[members["cell"] == cell.code, "unit"]]
        assert 1 <= len(own) <= 5
        assert set(own["area_code"]) == {cell.area_code}
        assert cell.geometry.equals(shapely.union_all(own.geometry.to_numpy()))
        hours = [
            each["visits_due"] * (each["walk_hours"] + each["stay_hours"]) + each["event_hours"]
            for each in own["attributes"]
        ]
        assert cell.attributes["officer_hours"] == pytest.approx(sum(hours))


def test_gaps_are_kept_for_each_plan(stored: Session) -> None:
    runs = stored.execute(select(Scheme.code, GapRun.on).join(Scheme).order_by(GapRun.id))
    assert [tuple(row) for row in runs] == [
        (COMMUNITY, FIRST_DAY), (ENVIRONMENT, FIRST_DAY), (COMMUNITY, SECOND_DAY),
        (RESPONSIBILITY, SECOND_DAY),
    ]  # fmt: skip
    kinds = [run.summary["kinds"] for run in stored.scalars(select(GapRun).order_by(GapRun.id))]
    # The late service points close some; merging tears nothing.
    reach = [each["out_of_reach"]["gaps"] for each in kinds]
    assert reach[2] < reach[0]
    assert all(each[kind]["gaps"] == 0 for each in kinds for kind in ("blank", "overlap", "unassigned"))


@pytest.mark.parametrize("demo", ["zh"], indirect=True)
def test_another_run_starts_from_scratch(demo: tuple[Path, str], wangge: Run, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(demo[0], folder)
    before = _links(folder)
    assert wangge("demo", "-o", folder, "--scale", 0.05, "--no-serve").code == 0
    after = _links(folder)
    assert (len(before), len(after)) == (1, 1)
    assert before != after
    assert not [path for path in folder.iterdir() if path.name.startswith((".", "wangge.gpkg-"))]


def _links(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "wangge.gpkg")) as connection:
        return connection.execute("SELECT * FROM sign_in_links").fetchall()


@pytest.mark.parametrize("found", ["text", "sqlite", "other", "folder"])
def test_a_file_that_is_not_its_own_is_left_alone(wangge: Run, tmp_path: Path, found: str) -> None:
    path = tmp_path / "wangge.gpkg"
    if found == "text":
        path.write_text("notes")
    elif found == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (id)")
    elif found == "other":
        with closing(Database(f"sqlite:///{path}")) as database:
            database.migrate()
    else:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    outcome = wangge("demo", "-o", tmp_path, "--scale", 0.05, "--no-serve")
    assert outcome.code == 2
    assert "is not a database that `wangge demo` has made" in outcome.err
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [each.name for each in tmp_path.iterdir()] == ["wangge.gpkg"]


def test_bad_settings_are_told(wangge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATA", str(tmp_path / "none"))
    outcome = wangge("demo", "-o", tmp_path / "demo", "--no-serve")
    assert outcome.code == 2
    assert "set WANGGE_DATA" in outcome.err
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("WANGGE_DATA")
    assert "is a file; name a folder" in wangge("demo", "-o", tmp_path / "file").err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = wangge("demo", "-o", tmp_path / "demo", "--port", port)
    assert outcome.code == 2
    assert f"127.0.0.1 port {port} cannot be listened on" in outcome.err
    assert not (tmp_path / "demo").exists()
