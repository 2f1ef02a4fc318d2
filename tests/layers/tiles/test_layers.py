"""Lines, polygons that share nothing, and points."""

from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InputError
from layers.tiles import BUFFER, EXTENT, LineLayer, PointLayer, PolygonLayer, Tile, tiles_intersecting
from layers.tiles.tile import HALF_WORLD_M, project, unit_size
from tests.layers.tiles.coverages import SHENZHEN, features

BUFFERED = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
LON, LAT = SHENZHEN
near = st.tuples(st.floats(LON - 0.01, LON + 0.01), st.floats(LAT - 0.01, LAT + 0.01))
zooms = st.integers(0, 19)


def tiles(zoom):
    return list(tiles_intersecting((LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01), zoom))


def in_units(shape, address):
    size, (column, row) = unit_size(address.z), address.origin
    return shapely.transform(
        shape,
        lambda lonlat: (project(lonlat) - (-HALF_WORLD_M, HALF_WORLD_M)) / (size, -size) - (column, row),
    )


@settings(max_examples=40)
@given(st.lists(st.lists(near, min_size=2, max_size=12), min_size=1, max_size=5), st.integers(8, 19))
def test_lines_are_drawn_where_they_lie(listed, zoom):
    shapes = np.array([shapely.LineString(line) for line in listed], dtype=object)
    roads = LineLayer(shapes, np.arange(len(shapes)) + 10)
    names = np.array([f"road {row}" for row in range(len(shapes))])
    # Simplification moves a line by a quarter of a pixel at most, rounding and cutting by about a unit.
    reach = 3.3 if zoom < 15 else 1.25
    for address in tiles(zoom)[:6]:
        drawn = {
            number: (shape, told)
            for number, shape, told in features(roads.encode("r", address, {"name": names}), "r")
        }
        assert set(drawn) <= set((roads.query(address) + 10).tolist())
        for row, shape in enumerate(shapes):
            left = in_units(shape, address)
            if row + 10 in drawn:
                found, told = drawn[row + 10]
                assert told == {"name": names[row]}
                assert found.difference(left.buffer(reach)).is_empty
                assert BUFFERED.covers(found)
                assert left.intersection(BUFFERED).difference(found.buffer(reach)).length < 4 * len(
                    listed[row]
                )
            else:
                assert left.intersection(BUFFERED).length < 4 * len(listed[row])


@settings(max_examples=40)
@given(st.lists(st.tuples(near, st.floats(1e-6, 5e-3)), min_size=1, max_size=12), st.integers(8, 19))
def test_polygons_are_drawn_where_they_lie_and_may_overlap(listed, zoom):
    discs = [shapely.Point(place).buffer(radius) for place, radius in listed]
    shapes = np.array([disc.difference(disc.buffer(-disc.length / 20)) for disc in discs], dtype=object)
    water = PolygonLayer(shapes, np.arange(len(shapes)))
    reach = 4.0 if zoom < 15 else 1.5
    for address in tiles(zoom)[:6]:
        drawn = {number: shape for number, shape, _ in features(water.encode("w", address, {}), "w")}
        for row, shape in enumerate(shapes):
            left = in_units(shape, address).intersection(BUFFERED)
            if row in drawn:
                assert drawn[row].is_valid
                assert BUFFERED.covers(drawn[row])
                assert drawn[row].difference(left.buffer(reach)).is_empty
                assert left.difference(drawn[row].buffer(reach)).is_empty
            else:
                assert left.area < 16 or left.buffer(-1).is_empty


@settings(max_examples=40)
@given(st.lists(near, max_size=60), zooms, st.data())
def test_points_are_told_in_every_tile_whose_buffer_they_lie_in(places, zoom, data):
    lonlat = np.array(places).reshape(-1, 2)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places))), bool)
    sensors = PointLayer(lonlat[:, 0], lonlat[:, 1], np.arange(len(places)))
    for address in tiles(zoom)[:6]:
        xy = np.array([in_units(shapely.Point(place), address).coords[0] for place in places]).reshape(-1, 2)
        inside = ((xy >= -BUFFER) & (xy <= EXTENT + BUFFER)).all(axis=1)
        assert sensors.query(address).tolist() == np.flatnonzero(inside).tolist()
        drawn = features(sensors.encode("s", address, {"row": np.arange(len(places))}, allowed), "s")
        assert [number for number, _, _ in drawn] == np.flatnonzero(inside & allowed).tolist()
        for number, shape, told in drawn:
            assert told == {"row": number}
            assert np.abs(np.array(shape.coords[0]) - xy[number]).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("zoom", [3, 14, 22])
def test_the_buffer_of_a_tile_holds_the_points_on_every_side_of_it(zoom):
    address = next(tiles_intersecting((LON, LAT, LON, LAT), zoom))
    along = np.array([-65.0, -63.0, -1.0, 1.0, 2000.0, 4095.0, 4097.0, 4159.0, 4161.0])
    x, y = (each.ravel() for each in np.meshgrid(along, along))
    metres = (np.column_stack((x, y)) + address.origin) * (unit_size(zoom), -unit_size(zoom)) + (
        -HALF_WORLD_M,
        HALF_WORLD_M,
    )
    angle = metres / 6_378_137.0
    lon, lat = np.degrees(angle[:, 0]), np.degrees(np.arctan(np.sinh(angle[:, 1])))
    inside = (np.abs(x - 2048) < 2112) & (np.abs(y - 2048) < 2112)
    points = PointLayer(lon, lat, np.arange(len(lon)))
    assert points.query(address).tolist() == np.flatnonzero(inside).tolist()
    drawn = features(points.encode("p", address, {}), "p")
    assert {number: shape.coords[0] for number, shape, _ in drawn} == {
        int(row): (x[row], y[row]) for row in np.flatnonzero(inside)
    }


@settings(max_examples=40)
@given(st.lists(near, max_size=60), st.integers(0, 17), st.data())
def test_thinned_points_count_every_one_once_and_alike_in_all_tiles(places, zoom, data):
    lonlat = np.array(places).reshape(-1, 2)
    allowed = data.draw(
        st.one_of(st.none(), st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    )
    rows = None if allowed is None else np.array(allowed, dtype=bool)
    count = len(places)
    sensors = PointLayer(lonlat[:, 0], lonlat[:, 1], np.arange(count) + 5)
    columns = {"kind": np.full(count, "sensor"), "row": np.arange(count)}
    naive = Counter()
    squares = {}
    for row, place in enumerate(places):
        if rows is None or rows[row]:
            x, y = (
                (project(np.array([place]))[0] - (-HALF_WORLD_M, HALF_WORLD_M))
                / (unit_size(zoom), -unit_size(zoom))
            ) // 512
            naive[x, y] += 1
            squares[row] = (x, y)
    seen = {}
    for address in tiles(zoom):
        message = sensors.encode_clusters("s", address, columns, rows, shared={"kind"})
        for number, shape, told in features(message, "s"):
            corner = np.array(shape.coords[0]) + address.origin
            if told["count"] == 1:
                row = told["row"]
                assert number == row + 5
                square = squares[row]
                assert (
                    np.abs(
                        in_units(shapely.Point(places[row]), address).coords[0] - np.array(shape.coords[0])
                    ).max()
                    < 0.51
                )
            else:
                assert (number, set(told)) == (0, {"count", "kind"})
                # The middle of some places in a square lies in it, up to rounding.
                square = next(
                    (x, y)
                    for x, y in naive
                    if (np.abs(corner - (x * 512 + 256, y * 512 + 256)) <= 256.5).all()
                    and naive[x, y] == told["count"]
                )
            assert told["kind"] == "sensor"
            # A square at a border is told in both tiles, and the same of it.
            assert seen.setdefault(square, (told["count"], *corner)) == (told["count"], *corner)
    assert {square: told[0] for square, told in seen.items()} == dict(naive)


def test_points_without_a_place_and_at_the_ends_of_the_world():
    points = PointLayer(
        np.array([np.nan, 180.0, -180.0, 0.0]), np.array([1.0, -89.0, 89.0, np.nan]), np.arange(4)
    )
    drawn = features(points.encode("p", Tile(0, 0, 0), {}), "p")
    assert [(number, shape.coords[0]) for number, shape, _ in drawn] == [(1, (4096, 4096)), (2, (0, 0))]
    assert points.encode_clusters("p", Tile(3, 4, 4), {}) == b""
    assert points.encode("p", Tile(3, 4, 4), {}) == b""


def test_layers_without_anything():
    none = np.array([], dtype=object)
    empty = np.array([None, shapely.LineString()], dtype=object)
    for layer in (LineLayer(none, none), PolygonLayer(none, none), LineLayer(empty, np.arange(2))):
        for zoom in (0, 16):
            assert layer.encode("x", Tile(zoom, 0, 0), {"key": ["a", "b"]}) == b""
    assert PointLayer(np.array([]), np.array([]), np.array([])).encode_clusters("x", Tile(0, 0, 0), {}) == b""


def test_a_line_shorter_than_a_unit_is_not_drawn():
    short = np.array([shapely.LineString([(LON, LAT), (LON + 1e-6, LAT)])], dtype=object)
    road = LineLayer(short, np.array([1]))
    assert features(road.encode("r", next(tiles_intersecting((*SHENZHEN, *SHENZHEN), 10)), {}), "r") == []


def test_ids_and_shapes_must_fit():
    with pytest.raises(InputError, match=r"^Shape 0 of a layer of tiles is a Polygon, not a line\.$"):
        LineLayer(np.array([shapely.box(0, 0, 1, 1)]), np.array([1]))
    with pytest.raises(InputError, match=r"^A layer of tiles has 1 longitudes and 2 latitudes\.$"):
        PointLayer(np.zeros(1), np.zeros(2), np.arange(1))
    with pytest.raises(InputError, match=r"^A layer of tiles has 1 shapes and 2 ids\.$"):
        PointLayer(np.zeros(1), np.zeros(1), np.arange(2))
