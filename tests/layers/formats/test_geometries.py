"""Geometries of all makes: arcs, open rings, empty holes, collections and metres, through both readers."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import InputError
from layers.formats import read_layer
from layers.formats.geometries import drop_empty_holes, polygons_of_collections
from layers.formats.read_batches import read_batches

SQUARE = [[114, 22], [115, 22], [115, 23], [114, 23], [114, 22]]


def collection(path: Path, *geometries: dict[str, Any]) -> Path:
    features = [
        {"type": "Feature", "properties": {"code": str(row)}, "geometry": geometry}
        for row, geometry in enumerate(geometries, 1)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def read_both(path: Path, notes: list[str]) -> list[Any]:
    """Read with the plain reader and in batches of one; both must agree."""
    plain = read_layer(path, role="areas", note=notes.append).geometry.tolist()
    with read_batches(path, role="areas", size=1) as batches:
        parts = [geometry for batch in batches.stream for geometry in batch.geometries]
    assert len(parts) == len(plain)
    for one, other in zip(plain, parts, strict=True):
        assert (one is None and other is None) or shapely.equals_identical(one, other)
    return plain


def arc_disc(lon: float, lat: float, radius: float) -> bytes:
    """Return the WKB of a disc bounded by four arcs, as GIS with curves write it."""
    ring = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 0)]
    points = b"".join(struct.pack("<dd", lon + x * radius, lat + y * radius) for x, y in ring)
    return struct.pack("<BII", 1, 10, 1) + struct.pack("<BII", 1, 8, len(ring)) + points


def write_wkb(path: Path, *geometries: bytes | None) -> Path:
    pyogrio.write_arrow(
        pa.table({"code": list(map(str, range(len(geometries)))), "g": pa.array(geometries, pa.binary())}),
        path,
        driver="GPKG" if path.suffix == ".gpkg" else "FlatGeobuf",
        geometry_name="g",
        geometry_type="Unknown",
        crs="EPSG:4326",
        layer_options={"SPATIAL_INDEX": "NO"},
    )
    return path


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
def test_arcs_become_chords(tmp_path: Path, suffix: str) -> None:
    square, disc = shapely.box(115, 22, 116, 23), arc_disc(114, 22, 0.1)
    surface = struct.pack("<BII", 1, 12, 1) + disc
    read = read_both(write_wkb(tmp_path / f"parks{suffix}", square.wkb, disc, None, surface), [])
    assert read[0].equals(square)
    assert read[2] is None
    assert [each.geom_type for each in (read[1], read[3])] == ["Polygon", "MultiPolygon"]
    for geometry in (read[1], read[3]):
        assert geometry.area == pytest.approx(np.pi * 0.01, rel=2e-3)


def test_arcs_in_a_collection_are_refused_by_their_record(tmp_path: Path) -> None:
    """GDAL draws no chords for them."""
    held = struct.pack("<BII", 1, 7, 1) + arc_disc(114, 22, 0.1)
    path = write_wkb(tmp_path / "parks.gpkg", shapely.box(115, 22, 116, 23).wkb, held)
    with pytest.raises(InputError, match="record 2 is a collection with arcs among its parts"):
        read_layer(path, role="areas")


def test_open_rings_are_closed_and_told(tmp_path: Path) -> None:
    path = collection(tmp_path / "areas.geojson", polygon(SQUARE), polygon(SQUARE[:-1]), polygon(SQUARE[:-1]))
    notes: list[str] = []
    assert all(each.equals(shapely.box(114, 22, 115, 23)) for each in read_both(path, notes))
    assert notes == [f"{path}: record 2 and 1 more had a ring that was not closed; it is closed"]


@pytest.mark.parametrize("ring", [SQUARE[:1], SQUARE[:2]])
def test_a_ring_of_two_corners_is_refused_by_its_record(tmp_path: Path, ring: list[list[float]]) -> None:
    path = collection(tmp_path / "areas.geojson", polygon(SQUARE), polygon(ring))
    with pytest.raises(InputError, match="record 2 has a geometry that cannot be built"):
        read_layer(path, role="areas")
    with (
        pytest.raises(InputError, match="record 2 has a geometry that cannot be built"),
        read_batches(path, role="areas", size=1) as batches,
    ):
        list(batches.stream)


def test_empty_holes_are_left_out(tmp_path: Path) -> None:
    hole = [[114.2, 22.2], [114.4, 22.2], [114.4, 22.4], [114.2, 22.2]]
    path = collection(tmp_path / "areas.geojson", polygon(SQUARE, [], hole), polygon(SQUARE, []))
    read = read_both(path, [])
    assert [shapely.get_num_interior_rings(each) for each in read] == [1, 0]


@st.composite
def with_holes(draw: st.DrawFn) -> tuple[Any, Any]:
    """Draw a geometry with empty holes, and the same without."""
    parts, clean = [], []
    for number in range(draw(st.integers(1, 3))):
        shell = shapely.box(10 * number, 0, 10 * number + 9, 9).exterior
        holes = draw(st.lists(st.none() | st.integers(1, 7), max_size=3, unique=True))
        rings = [
            shapely.LinearRing() if at is None else shapely.box(at, at, at + 1, at + 1).exterior
            for at in holes
        ]
        parts.append(shapely.Polygon(shell, rings))
        clean.append(shapely.Polygon(shell, [ring for ring in rings if not ring.is_empty]))
    if len(parts) == 1:
        return parts[0], clean[0]
    kind = draw(st.sampled_from([shapely.MultiPolygon, shapely.GeometryCollection]))
    return kind(parts), kind(clean)


@given(st.lists(with_holes(), max_size=4))
def test_all_other_holes_stay(pairs: list[tuple[Any, Any]]) -> None:
    given_ = np.array([None, *(one for one, _ in pairs)], dtype=object)
    expected = np.array([None, *(other for _, other in pairs)], dtype=object)
    assert shapely.equals_identical(drop_empty_holes(given_)[1:], expected[1:]).all()


@pytest.mark.parametrize("role", ["areas", "cells"])
def test_the_polygons_of_a_collection_are_taken(tmp_path: Path, role: str) -> None:
    """A collection is what making an invalid polygon valid may give."""
    line = {"type": "LineString", "coordinates": SQUARE[:2]}
    other = [[lon + 2, lat] for lon, lat in SQUARE]
    several = {"type": "GeometryCollection", "geometries": [polygon(SQUARE), polygon(other)]}
    path = collection(
        tmp_path / "areas.geojson",
        {"type": "GeometryCollection", "geometries": [line, polygon(SQUARE)]},
        {"type": "GeometryCollection", "geometries": [line, several]},
        {"type": "GeometryCollection", "geometries": [line]},
    )
    notes: list[str] = []
    read = read_layer(path, role=role, note=notes.append).geometry
    assert read.geom_type.tolist() == ["Polygon", "MultiPolygon", "GeometryCollection"]
    assert notes == [f"{path}: record 1 and 1 more is a collection of geometries; its polygons are taken"]
    assert read_layer(path, role="entities").geom_type.unique().tolist() == ["GeometryCollection"]


def test_polygons_of_a_collection_that_touch_are_one() -> None:
    """As parts of one geometry they would be invalid."""
    pair = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    geometries, rows = polygons_of_collections(np.array([shapely.Point(0, 0), pair, None], dtype=object))
    assert rows == [1]
    assert geometries[1].is_valid
    assert geometries[1].equals(shapely.box(0, 0, 2, 1))


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (506000, 2493000, "look like metres of a Gauss-Kruger zone; give it with --source-crs"),
        (38506000, 2493000, "the eastings begin with the zone 38; give --source-crs EPSG:4526"),
        (2493000, 506000, "the northing stands first"),
    ],
)
def test_metres_in_a_file_of_degrees_are_refused_with_a_hint(
    tmp_path: Path, x: float, y: float, sentence: str
) -> None:
    path = collection(
        tmp_path / "shops.geojson",
        *({"type": "Point", "coordinates": [x + 50 * row, y + 50 * row]} for row in range(3)),
    )
    with pytest.raises(
        InputError, match=f"its coordinates should be degrees, but they are none: .*{sentence}"
    ):
        read_layer(path, role="entities")
    with (
        pytest.raises(InputError, match=sentence),
        read_batches(path, role="entities") as batches,
    ):
        list(batches.stream)


def test_a_single_record_astray_is_left_to_the_reports(tmp_path: Path) -> None:
    points = [(114, 22), (115, 22), (506000, 2493000)]
    path = collection(
        tmp_path / "shops.geojson", *({"type": "Point", "coordinates": list(point)} for point in points)
    )
    assert len(read_layer(path, role="entities")) == 3
