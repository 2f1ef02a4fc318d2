"""What is read from a request: boxes and geometries at the bounds of what is accepted."""

from typing import Any

import pytest
import shapely

from api.http.parameters import parse_bbox, parse_geometry
from gis.errors import InputError, LimitError
from layers.db.bbox import BBox

FIJI = [[177.0, -19.0], [-178.0, -19.0], [-178.0, -16.0], [177.0, -16.0], [177.0, -19.0]]
BEYOND = [[lon % 360, lat] for lon, lat in FIJI]
POLE = [[0.0, 80.0], [90.0, 80.0], [180.0, 80.0], [-90.0, 80.0], [0.0, 80.0]]


@pytest.mark.parametrize(
    "box", [(-180, -90, 180, 90), (1, 2, 1, 2), (180, 90, 180, 90), (-180, -90, -180, -90)]
)
def test_a_box_reaches_to_the_ends_of_the_world_and_may_be_a_point(box: tuple[float, ...]) -> None:
    assert parse_bbox(",".join(map(str, box))) == BBox(*box)


@pytest.mark.parametrize(
    "text",
    ["-180.001,0,0,0", "0,0,180.001,0", "0,-90.001,0,0", "0,0,0,90.001", "1,0,0,0", "0,1,0,0", "0,0,0", "",
     "0,0,0,0,0", "0,0,nan,0", "west,0,0,0", "1_0,0,20,20"],
)  # fmt: skip
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="west,south,east,north"):
        parse_bbox(text)


def test_no_box_and_no_geometry_are_none() -> None:
    assert parse_bbox(None) is None
    assert parse_geometry(None, 1) is None


def test_a_geometry_has_as_many_vertices_as_are_allowed_and_no_more() -> None:
    square = shapely.box(0, 0, 1, 1)
    assert parse_geometry(shapely.geometry.mapping(square), 5) == square
    with pytest.raises(LimitError, match="more than 4 vertices"):
        parse_geometry(shapely.geometry.mapping(square), 4)


@pytest.mark.parametrize("geometry", [{}, {"type": "Circle"}, {"type": "Point", "coordinates": ["a", 1]}])
def test_what_is_no_geometry_is_refused(geometry: dict[str, object]) -> None:
    with pytest.raises(InputError, match="no GeoJSON geometry"):
        parse_geometry(geometry, 10)


def polygon(ring: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize("ring", [FIJI, BEYOND])
def test_a_polygon_across_180_degrees_is_cut_there(ring: list[list[float]]) -> None:
    found = parse_geometry(polygon(ring), 100)
    expected = shapely.union(shapely.box(177, -19, 180, -16), shapely.box(-180, -19, -178, -16))
    assert shapely.equals(found, expected)
    assert not shapely.contains_xy(found, 0, -17)


def test_a_ring_around_a_pole_is_refused() -> None:
    with pytest.raises(InputError, match="The geometry encloses a pole"):
        parse_geometry(polygon(POLE), 100)


def test_other_geometries_stay_as_they_are() -> None:
    for text in ("POLYGON ((0 0, 1 0, 0 1, 0 0))", "LINESTRING (179 0, -179 0)", "POINT EMPTY"):
        geometry = shapely.from_wkt(text)
        assert parse_geometry(shapely.geometry.mapping(geometry), 100) == geometry
