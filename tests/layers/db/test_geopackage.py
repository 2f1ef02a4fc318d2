"""The embedded file is a GeoPackage to other programs, at every moment."""

import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update

from layers.db import geopackage
from layers.db.database import Database
from layers.models import Area, Cell, Entity, Plan, PlanState, Scheme
from layers.models.geometry_type import from_blob, to_blob

SQUARE = shapely.box(113.9, 22.5, 114.0, 22.6)
TODAY = date(2026, 3, 1)


@pytest.fixture
def path(migrated_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "district.gpkg"
    path.write_bytes(migrated_sqlite.read_bytes())
    return path


@pytest.fixture
def database(path: Path):
    with closing(Database(f"sqlite:///{path}")) as database:
        yield database


def point(number: int, geometry: shapely.Geometry | None) -> Entity:
    return Entity(
        kind="household", external_id=str(number), name="甲", attributes={"floor": number}, personal={},
        valid_from=TODAY, version=1, geometry=geometry,
    )  # fmt: skip


def fill(database: Database) -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, 123_456, UTC)
    with database.write() as session:
        session.add(Area(code="440305", name="南山", level="county", geometry=SQUARE))
        session.add(
            Scheme(
                code="community", name="社区", working_crs="EPSG:4547", rules={}, created_at=now, version=1
            )
        )
        session.flush()
        session.add(
            Plan(scheme_id=1, name="2026", state=PlanState.draft, created_by="a", created_at=now, version=1)
        )
        session.flush()
        session.add(
            Cell(
                scheme_id=1, plan_id=1, code="440305000000001", name="一", kind="square", area_m2=1.5,
                perimeter_m=2, attributes={"households": 3}, valid_from=TODAY, geometry=SQUARE,
            )
        )  # fmt: skip
        session.add_all(point(number, shapely.Point(113.9 + number / 1000, 22.55)) for number in range(50))


# GDAL has a SQLite of its own. Two of them in one process undo each other's locks, so GDAL gets a process
# of its own here, as it has with QGIS; a warning of GDAL's is an error.
GDAL = """
import pickle, sys, numpy as np, pyogrio, pyogrio.raw as raw
path, task = sys.argv[1], sys.argv[2]
if task == "append":
    meta, ids, geometry, fields = raw.read(path, layer="entities", where="id <= 5", datetime_as_string=True)
    names = list(meta["fields"])
    fields[names.index("external_id")] = np.array([f"gdal-{i}" for i in range(5)], dtype=object)
    geometry = np.array(pickle.load(sys.stdin.buffer), dtype=object)
    raw.write(path, geometry, fields, names, layer="entities", append=True, crs="EPSG:4326",
              geometry_type="Unknown", driver="GPKG")
layers = {}
for name, kind in pyogrio.list_layers(path):
    meta, ids, geometry, _ = raw.read(path, layer=name, return_fids=True)
    information = pyogrio.read_info(path, layer=name, force_total_bounds=True)
    layers[name] = (kind, information, ids, geometry)
pickle.dump(layers, sys.stdout.buffer)
"""


def gdal(path: Path, task: str = "read", given: object = None) -> dict[str, tuple[Any, ...]]:
    command = [sys.executable, "-W", "always", "-c", GDAL, path, task]
    done = subprocess.run(command, input=pickle.dumps(given), capture_output=True, check=False)
    assert done.stderr == b""
    return pickle.loads(done.stdout)


def assert_geopackage(path: Path) -> dict[str, Any]:
    """Read every layer as GDAL reads it, and check what GDAL and the standard require of the file."""
    listed = gdal(path)
    assert {name for name, (kind, *_) in listed.items() if kind} == set(geopackage.LAYERS)
    assert {name for name, (kind, *_) in listed.items() if not kind} == set(geopackage.ATTRIBUTE_TABLES)
    layers = {}
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        assert file.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"GPKG", "big"),)
        assert file.execute("PRAGMA user_version").fetchone() == (10400,)
        for name in geopackage.LAYERS:
            _, information, ids, geometry = listed[name]
            assert information["crs"] == "EPSG:4326"
            assert information["features"] == len(ids)
            assert information["capabilities"]["fast_spatial_filter"]
            shapes = layers[name] = shapely.from_wkb(geometry)
            index = geopackage.rtree_name(name)
            assert file.execute(f"SELECT rtreecheck('{index}')").fetchone() == ("ok",)
            boxes = {
                row[0]: row[1:] for row in file.execute(f"SELECT id, minx, miny, maxx, maxy FROM {index}")
            }
            there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
            assert set(boxes) == set(ids[there].tolist())
            for key, bounds in zip(ids[there].tolist(), shapely.bounds(shapes[there]), strict=True):
                assert shapely.box(*boxes[key]).covers(shapely.box(*bounds))
                assert boxes[key] == pytest.approx(tuple(bounds), abs=1e-4)
            if there.any():
                assert information["total_bounds"] == pytest.approx(shapely.total_bounds(shapes))
    return layers


def test_an_empty_file_is_one(path: Path) -> None:
    layers = assert_geopackage(path)
    assert all(len(shapes) == 0 for shapes in layers.values())


def test_layers_stay_readable_through_inserts_updates_and_deletes(database: Database, path: Path) -> None:
    fill(database)
    layers = assert_geopackage(path)
    assert shapely.equals_identical(layers["cells"][0], SQUARE)
    assert len(layers["entities"]) == 50
    with database.write() as session:
        for number, geometry in enumerate((None, shapely.Point(), SQUARE, shapely.Point(1, 2))):
            entity = session.scalars(select(Entity).where(Entity.external_id == str(number))).one()
            entity.geometry = geometry
        session.execute(delete(Entity).where(Entity.id > 40))
        session.execute(update(Entity).where(Entity.id == 5).values(id=500))
        session.add_all([point(100, None), point(101, shapely.Point()), point(102, shapely.Point(114, 22))])
    assert_geopackage(path)
    with database.write() as session:
        for entity in session.scalars(select(Entity)):
            entity.geometry = shapely.Point(113, 22).buffer(0.1, quad_segs=2)
        session.execute(update(Entity).where(Entity.id == 6).values(id=600, geometry=None))
    layers = assert_geopackage(path)
    assert shapely.total_bounds(layers["entities"]) == pytest.approx((112.9, 21.9, 113.1, 22.1))


def test_a_change_that_is_taken_back_leaves_the_index(database: Database, path: Path) -> None:
    fill(database)
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012
        session.execute(update(Entity).values(geometry=None))
        session.execute(delete(Cell))
        raise ZeroDivisionError
    assert len(assert_geopackage(path)["entities"]) == 50


def test_gdal_writes_into_the_file_and_we_read_it(database: Database, path: Path) -> None:
    fill(database)
    shapes = [SQUARE, None, shapely.Point(), shapely.Point(100, 1), shapely.LineString([(1, 2), (3, 4)])]
    gdal(path, "append", [shapely.to_wkb(shape) for shape in shapes])
    assert len(assert_geopackage(path)["entities"]) == 55
    with database.read() as session:
        read = session.scalars(
            select(Entity).where(Entity.external_id.startswith("gdal")).order_by(Entity.id)
        )
        for number, (entity, shape) in enumerate(zip(read, shapes, strict=True)):
            assert entity.attributes == {"floor": number}
            assert entity.valid_from == TODAY
            assert entity.geometry == shape
    # The extent that GDAL noted does not survive our next change.
    with database.write() as session:
        session.execute(delete(Entity).where(Entity.external_id.startswith("gdal")))
    assert len(assert_geopackage(path)["entities"]) == 50


def test_a_bulk_load_leaves_the_same_index(database: Database, path: Path) -> None:
    fill(database)
    with database.write() as session:
        connection = session.connection()
        with geopackage.rebuilding_rtree(connection, "entities"):
            session.add_all(
                point(number, shapely.Point(113 + number / 1000, 22)) for number in range(100, 300)
            )
            session.flush()
    assert len(assert_geopackage(path)["entities"]) == 250
    with database.write() as session:
        session.execute(delete(Entity).where(Entity.id > 100))
    assert len(assert_geopackage(path)["entities"]) == 100


def test_rows_added_together_are_indexed_like_those_before(database: Database, path: Path) -> None:
    fill(database)
    added = [SQUARE, shapely.Point(114, 22), None, shapely.Point()]
    with database.write() as session:
        with geopackage.extending_rtree(session.connection(), "entities"):
            session.add_all(point(100 + number, shape) for number, shape in enumerate(added))
            session.flush()
        session.add(point(200, shapely.Point(115, 23)))
    assert len(assert_geopackage(path)["entities"]) == 55


def test_the_index_answers_box_queries(database: Database) -> None:
    fill(database)
    index = geopackage.rtree_name("entities")
    with database.read() as session:
        inside = session.scalars(
            text(f"SELECT id FROM {index} WHERE maxx >= 113.91 AND minx <= 113.92")
        ).all()
        west, east = func.ST_MinX(Entity.geometry), func.ST_MaxX(Entity.geometry)
        exact = session.scalars(select(Entity.id).where(east >= 113.91, west <= 113.92)).all()
    assert set(exact) <= set(inside)
    assert len(inside) <= len(exact) + 2


@given(
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=0, max_size=5),
    st.sampled_from(["point", "line", "polygon", "collection"]),
    st.booleans(),
)
def test_functions_of_the_triggers_agree_with_shapely(
    places: list[tuple[float, float]], kind: str, plain: bool
) -> None:
    geometry = {
        "point": lambda: shapely.Point(places[0]) if places else shapely.Point(),
        "line": lambda: shapely.LineString(places if len(places) > 1 else []),
        "polygon": lambda: shapely.MultiPoint(places).convex_hull if places else shapely.Polygon(),
        "collection": lambda: shapely.GeometryCollection([shapely.Point(place) for place in places]),
    }[kind]()
    # A blob of another program may come without the envelope and without the mark of the empty.
    blob = (
        b"GP\x00\x01" + (4326).to_bytes(4, "little") + shapely.to_wkb(geometry)
        if plain
        else to_blob(geometry)
    )
    assert shapely.equals_identical(from_blob(blob), geometry)
    with closing(sqlite3.connect(":memory:")) as file:
        geopackage.register_functions(file)
        row = file.execute(
            "SELECT ST_IsEmpty(?1), ST_MinX(?1), ST_MinY(?1), ST_MaxX(?1), ST_MaxY(?1)", [blob]
        ).fetchone()
    assert row[0] == geometry.is_empty
    if not geometry.is_empty:
        assert row[1:] == geometry.bounds
