"""Importing entities: all or nothing, the same again changes nothing, every record accounted for."""

from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import func, select

from gis.crs import LONLAT
from gis.datum import convert_coordinates
from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.database import Database
from layers.entities.history import visible_states
from layers.entities.lifecycle import create_entity, end_entity, find_entity, update_entity
from layers.formats import write_layer
from layers.imports.areas import import_areas
from layers.imports.entities import ImportSummary, import_entities
from layers.imports.rejections import RejectedRecord, RejectionReason
from layers.models import Entity, EntityVersion
from layers.models.geometry_type import to_blob, to_blobs

DAY, NEXT, LATER = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
WEST = shapely.box(113.9, 22.5, 113.91, 22.51)
EAST = shapely.box(113.91, 22.5, 113.92, 22.51)


def homes(count: int = 3, **columns: Any) -> gpd.GeoDataFrame:
    """Households in a row from west to east, across the border of the two communities."""
    return gpd.GeoDataFrame(
        {
            "id": [f"{number:03d}" for number in range(count)],
            "姓名": [f"张{number}" for number in range(count)],
            "persons": list(range(1, count + 1)),
            **columns,
        },
        geometry=shapely.points(113.905 + 0.005 * np.arange(count), 22.505),
        crs=LONLAT,
    )


def load(database: Database, frame: gpd.GeoDataFrame, path: Path, **options: Any) -> ImportSummary:
    write_layer(path, frame)
    return import_entities(database, path, **{"kind": "household", "on": DAY, **options})


def counts(summary: ImportSummary) -> tuple[int, int, int, int]:
    return summary.inserted, summary.updated, summary.unchanged, len(summary.rejected)


@pytest.fixture
def areas(database: Database) -> None:
    import_areas(
        database,
        gpd.GeoDataFrame(
            {
                "code": ["440305001001", "440305001002"],
                "name": "",
                "level": "village",
                "parent": None,
            },
            geometry=[WEST, EAST],
            crs=LONLAT,
        ),
    )


def state(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [
            (
                each.external_id,
                each.area_code,
                each.attributes,
                each.personal,
                each.version,
                each.valid_from,
                None if each.geometry is None else each.geometry.wkt,
            )
            for each in session.scalars(select(Entity).order_by(Entity.external_id))
        ]


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".fgb", ".shp", ".csv"])
@pytest.mark.usefixtures("areas")
def test_every_format_gives_the_same_entities(database: Database, tmp_path: Path, suffix: str) -> None:
    assert counts(load(database, homes(), tmp_path / f"homes{suffix}")) == (3, 0, 0, 0)
    assert state(database) == [
        ("000", "440305001001", {"persons": 1}, {"姓名": "张0"}, 1, DAY, "POINT (113.905 22.505)"),
        ("001", "440305001001", {"persons": 2}, {"姓名": "张1"}, 1, DAY, "POINT (113.91 22.505)"),
        ("002", "440305001002", {"persons": 3}, {"姓名": "张2"}, 1, DAY, "POINT (113.915 22.505)"),
    ]


def test_the_same_file_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    load(database, homes(), tmp_path / "a.parquet")
    before, revision = state(database), database.read_revision()
    assert counts(load(database, homes(), tmp_path / "a.geojson", on=NEXT)) == (0, 0, 3, 0)
    assert state(database) == before
    assert database.read_revision() == revision


def test_a_newer_file_updates_what_differs(database: Database, tmp_path: Path) -> None:
    load(database, homes(), tmp_path / "a.parquet")
    newer = homes(4, persons=[1, 9, 3, 4])
    assert counts(load(database, newer, tmp_path / "b.parquet", on=NEXT)) == (1, 1, 2, 0)
    assert [(row[2], row[4], row[5]) for row in state(database)] == [
        ({"persons": 1}, 1, DAY),
        ({"persons": 9}, 2, NEXT),
        ({"persons": 3}, 1, DAY),
        ({"persons": 4}, 1, NEXT),
    ]
    with database.read() as session:
        changed = session.scalars(select(Entity.id).where(Entity.external_id == "001")).one()
        former, present = visible_states(session, find_entity(session, changed), None)
        assert (former.attributes, former.valid_from, former.valid_to) == ({"persons": 2}, DAY, NEXT)
        assert former.personal == {"姓名": "张1"}
        assert shapely.equals_identical(former.geometry, present.geometry)
    with pytest.raises(ConflictError, match="001"):
        load(database, homes(), tmp_path / "a.parquet", on=DAY)


def test_an_edit_and_an_import_know_each_other(database: Database, tmp_path: Path) -> None:
    load(database, homes(), tmp_path / "a.parquet")
    with database.write() as session:
        first, second, _ = session.scalars(select(Entity.id).order_by(Entity.external_id))
        update_entity(session, first, 1, {"attributes": {"persons": 7}}, on=NEXT)
        update_entity(session, first, 2, {"attributes": {"persons": 1}}, on=NEXT)
        end_entity(session, second, 1, on=NEXT)
    assert counts(load(database, homes(), tmp_path / "a.parquet", on=LATER)) == (0, 1, 2, 0)
    with database.read() as session:
        spans = [
            (each.valid_from, each.valid_to, each.version)
            for each in visible_states(session, find_entity(session, second), None)
        ]
        assert spans == [(DAY, NEXT, 2), (LATER, None, 3)]
        assert [each.version for each in visible_states(session, find_entity(session, first), None)] == [
            1,
            2,
            3,
        ]


@pytest.mark.usefixtures("areas")
def test_every_record_is_accounted_for(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text(
        "id,lon,lat,note,area_code\n"
        "1,113.905,22.505,fine,\n"
        ",113.905,22.505,no identity,\n"
        "1,113.906,22.505,again,\n"
        "2,,,nowhere,440305001002\n"
        "3,abc,22.5,no number,\n"
        "4,200,22.5,beyond,\n"
        "5,114.5,22.5,outside,\n",
        encoding="utf-8",
    )
    summary = import_entities(database, path, kind="household")
    assert summary.rejected == [
        RejectedRecord(2, None, RejectionReason.missing_id),
        RejectedRecord(3, "1", RejectionReason.duplicate_id),
        RejectedRecord(5, "3", RejectionReason.invalid_coordinates),
        RejectedRecord(6, "4", RejectionReason.invalid_coordinates),
    ]
    assert (summary.inserted, summary.without_location, summary.outside_areas) == (3, 1, 1)
    assert summary.records == 7
    assert [(row[0], row[1]) for row in state(database)] == [
        ("1", "440305001001"),
        ("2", "440305001002"),
        ("5", None),
    ]


@pytest.mark.usefixtures("areas")
def test_only_records_of_the_permitted_area_are_taken(database: Database, tmp_path: Path) -> None:
    summary = load(database, homes(), tmp_path / "a.gpkg", area_code="440305001002")
    assert counts(summary) == (1, 0, 0, 2)
    assert {each.reason for each in summary.rejected} == {RejectionReason.not_permitted}
    with pytest.raises(NotFoundError):
        load(database, homes(), tmp_path / "a.gpkg", area_code="9")


@pytest.mark.usefixtures("areas")
def test_an_identity_gives_no_right_to_what_lies_elsewhere(database: Database, tmp_path: Path) -> None:
    first, second = "440305001001", "440305001002"
    path = tmp_path / "homes.csv"
    head = "id,lon,lat,note\n"
    path.write_text(
        f"{head}1,113.905,22.505,mine\n2,113.915,22.505,theirs\n3,200.5,,nowhere\n", encoding="utf-8"
    )
    import_entities(database, path, kind="household")
    before = state(database)
    assert {row[1] for row in before} >= {first, second}
    # Whoever is bound to the first area says that all of them lie there.
    rows = "".join(f"{number},113.905,22.505,taken\n" for number in (1, 2))
    path.write_text(head + rows, encoding="utf-8")
    summary = import_entities(database, path, kind="household", area_code=first)
    assert counts(summary) == (0, 1, 0, 1)
    assert summary.rejected == [RejectedRecord(2, "2", RejectionReason.not_permitted)]
    assert [row for row in state(database) if row[0] == "2"] == [row for row in before if row[0] == "2"]
    # Who is bound to none may move it.
    assert counts(import_entities(database, path, kind="household")) == (0, 1, 1, 0)


def test_a_datum_is_converted(database: Database, tmp_path: Path) -> None:
    lon, lat = convert_coordinates(113.905, 22.505, "wgs84", "bd09")
    frame = homes(1).set_geometry(gpd.GeoSeries(shapely.points([lon], [lat]), crs=LONLAT))
    load(database, frame, tmp_path / "a.parquet", datum="bd09")
    point = shapely.from_wkt(state(database)[0][-1])
    assert shapely.distance(point, shapely.Point(113.905, 22.505)) < 1e-9


def test_kinds_come_from_the_file_and_decide_what_a_name_is(database: Database, tmp_path: Path) -> None:
    frame = homes(2, kind=["enterprise", "household"], name=["悦创宾馆", "王五"], secret=["x", "y"])
    load(database, frame, tmp_path / "a.parquet", kind=None, personal=("secret",))
    with database.read() as session:
        found = {each.kind: each for each in session.scalars(select(Entity))}
        assert found["enterprise"].name == "悦创宾馆"
        assert found["enterprise"].personal == {"姓名": "张0", "secret": "x"}
        assert found["household"].name is None
        assert found["household"].personal == {"姓名": "张1", "secret": "y", "name": "王五"}


@pytest.mark.usefixtures("areas")
def test_a_kind_that_repeats_the_one_given_is_no_attribute(database: Database, tmp_path: Path) -> None:
    frame = homes(3, kind=["household", "villa", None])
    load(database, frame, tmp_path / "a.parquet")
    said = [attributes.get("kind") for _, _, attributes, *_ in state(database)]
    assert said == [None, "villa", None]
    assert counts(load(database, homes(3, kind=["household", "villa", "household"]), tmp_path / "b.csv")) == (
        0, 0, 3, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"id_field": "nr"}, "nr"),
        ({"id_field": "姓名"}, "personal"),
        ({"kind": None}, "--kind"),
        ({"personal": ("nr",)}, "--personal"),
        ({"datum": "tokyo"}, "tokyo"),
    ],
)
def test_what_cannot_be_imported(
    database: Database, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        load(database, homes(), tmp_path / "a.parquet", **options)
    assert state(database) == []


def test_a_failure_on_the_way_leaves_nothing(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{number},113.905,22.505,x" for number in range(25_000)]
    path.write_text("\n".join(["id,geometry,lat,note", *lines]), encoding="utf-8")
    with pytest.raises(InputError, match="record 1 has a geometry"):
        import_entities(database, path, kind="household")

    def stop(done: int, total: int) -> None:
        assert (done, total) == (20_000, 25_000)
        raise KeyboardInterrupt

    path.write_text("\n".join(["id,lon,lat,note", *lines]), encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        import_entities(database, path, kind="household", progress=stop)
    assert state(database) == []
    assert import_entities(database, path, kind="household").inserted == 25_000


def test_lines_and_polygons_lie_where_a_point_on_them_lies(
    database: Database, areas: None, tmp_path: Path
) -> None:
    frame = gpd.GeoDataFrame(
        {"id": ["1", "2", "3"]},
        geometry=[
            shapely.LineString([(113.911, 22.505), (113.915, 22.505)]),
            shapely.box(113.901, 22.501, 113.902, 22.502),
            shapely.Polygon([(113.912, 22.501), (113.914, 22.503), (113.914, 22.501), (113.912, 22.503)]),
        ],
        crs=LONLAT,
    )
    load(database, frame, tmp_path / "a.gpkg", kind="component")
    assert [row[1] for row in state(database)] == ["440305001002", "440305001001", "440305001002"]


def test_blobs_are_those_of_the_column_type() -> None:
    shapes = np.array(
        [
            shapely.Point(1, 2),
            None,
            WEST,
            shapely.MultiPoint([(1, 2), (3, 4)]),
            WEST.boundary,
        ],
        dtype=object,
    )
    wkb = np.asarray(shapely.to_wkb(shapes, byte_order=1), dtype=object)
    assert to_blobs(shapes, wkb) == [None if shape is None else to_blob(shape) for shape in shapes]


def test_others_can_write_while_a_file_is_read(database: Database, tmp_path: Path) -> None:
    write_layer(tmp_path / "a.parquet", homes())

    def write_meanwhile(_done: int, _total: int) -> None:
        with database.write() as session:
            create_entity(session, "sensor", "1", on=DAY)

    import_entities(database, tmp_path / "a.parquet", kind="household", progress=write_meanwhile)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Entity)) == 4
        assert session.scalar(select(func.count()).select_from(EntityVersion)) == 0
