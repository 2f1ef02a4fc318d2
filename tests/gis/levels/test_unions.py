"""Unions keep the vertices of their pieces, also where these do not hang together."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.levels import unite_units

SQUARES = np.array(
    [shapely.box(x, y, x + 1, y + 1) for y in range(3) for x in range(3)] + [shapely.box(7, 7, 8, 8)],
    dtype=object,
)


@given(st.lists(st.integers(-1, 3), min_size=len(SQUARES), max_size=len(SQUARES)))
def test_unions_are_those_of_shapely_with_all_vertices(labels: list[int]) -> None:
    united = unite_units(SQUARES, np.array(labels), 4)
    corners = {tuple(each) for each in shapely.get_coordinates(SQUARES)}
    for number, shape in enumerate(united):
        own = SQUARES[np.array(labels) == number]
        assert shapely.equals(shape, shapely.union_all(own)) or (not len(own) and shape.is_empty)
        outline = shapely.boundary(shape)
        on_border = {each for each in corners if shapely.intersects(outline, shapely.Point(each))}
        assert {tuple(each) for each in shapely.get_coordinates(shape)} == on_border
