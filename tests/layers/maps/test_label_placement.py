"""Where words stand on the printed map: none on another, and no code lost that had room."""

import itertools

import hypothesis.strategies as st
import numpy as np
import shapely
from hypothesis import given

from layers.maps.label_placement import Label, place_labels

SCALE = 10_000.0
boxes = st.tuples(*(st.integers(0, 1500),) * 2, *(st.integers(40, 900),) * 2)
words = st.sampled_from(["东汀街道", "凤穗社区", "1", "01025\nG00008", "Old Quay"])


def lettered(drawn: list[tuple[tuple[int, int, int, int], str]], size: float) -> list[Label]:
    return [Label(shapely.box(x, y, x + wide, y + high), text, size, 1) for (x, y, wide, high), text in drawn]


def frame(each: Label, place: shapely.Point) -> shapely.Geometry:
    return each.bboxes_at(shapely.get_coordinates(place), SCALE)[0]


@given(st.lists(st.tuples(boxes, words), max_size=5), st.lists(st.tuples(boxes, words), max_size=12))
def test_no_words_stand_on_others_and_only_covered_codes_are_left_out(
    named: list[tuple[tuple[int, int, int, int], str]], coded: list[tuple[tuple[int, int, int, int], str]]
) -> None:
    names, codes = lettered(named, 9.0), lettered(coded, 4.5)
    placed = place_labels(names, codes, SCALE)
    frames = [frame(*each) for each in placed]
    assert not any(one.intersects(other) for one, other in itertools.combinations(frames, 2))
    for each in codes:
        if not any(each is shown for shown, _ in placed):
            assert shapely.intersects(frame(each, shapely.point_on_surface(each.geometry)), frames).any()
    assert all(each.geometry.intersects(place) for each, place in placed)


def test_a_name_makes_room_for_the_codes() -> None:
    """Four cells of 200 m: in the middle of their area the name would cover the corners of all."""
    cells = [shapely.box(x, y, x + 200, y + 200) for x, y in itertools.product((0, 200), repeat=2)]
    codes = [Label(each, f"0102{row}\nG00008", 4.5, 9.0) for row, each in enumerate(cells)]
    area = Label(shapely.union_all(cells), "凤穗社区", 6.5, 10.0)
    # One cell holds its code where the area's middle is.
    middle = Label(shapely.box(150, 150, 250, 250), "01025\nG00008", 4.5, 9.0)
    placed = place_labels([area], [*codes, middle], SCALE)
    assert {each.text for each, _ in placed} == {area.text, middle.text, *(each.text for each in codes)}
    shown = frame(*next(each for each in placed if each[0] is area))
    assert area.geometry.covers(shown)


def test_a_name_without_a_clear_place_stands_in_the_middle_and_hides_the_code() -> None:
    ground = shapely.box(0, 0, 80, 80)
    placed = place_labels([Label(ground, "社区", 9.0, 1)], [Label(ground, "1", 4.5, 1)], SCALE)
    assert [(each.text, place.x, place.y) for each, place in placed] == [("社区", 40, 40)]


def test_names_keep_inside_ground_with_arms() -> None:
    """The middle of the box of an L is not on it."""
    bent = shapely.union(shapely.box(0, 0, 1000, 60), shapely.box(0, 0, 60, 1000))
    placed = place_labels([Label(bent, "Quay", 4.5, 1)], [], SCALE)
    assert bent.covers(frame(*placed[0]))
    assert np.isfinite(shapely.get_coordinates(placed[0][1])).all()
