"""What is read from a request: boxes and geometries at the bounds of what is accepted."""

import pytest
import shapely

from api.http.parameters import parse_bbox, parse_geometry
from gis.errors import InputError, LimitError
from layers.db.bbox import BBox


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
