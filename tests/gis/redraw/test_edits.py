"""Random edits, with undo and redo between them: after each the plan is a coverage of the same ground."""

from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.antimeridian import project_joined
from gis.crs import LONLAT
from gis.errors import ConflictError, RefusedError
from gis.redraw import CellSet, Edit, Merge, MoveVertices, Split, Transfer, Update, why_disabled
from gis.redraw.cell_set import geometries_of
from tests.gis.redraw.towns import METRES, random_command, town

the_town = cache(town)


def metres(cells) -> np.ndarray:
    return project_joined(geometries_of(cells), LONLAT, METRES)


def ground_by_area(cells: CellSet) -> dict[str, shapely.Geometry]:
    areas = {cell.area_code for cell in cells}
    return {
        area: shapely.union_all(metres([cell for cell in cells if cell.area_code == area])) for area in areas
    }


def assert_sound(cells: CellSet, ground: dict[str, shapely.Geometry]) -> None:
    """Judge the whole plan, where the edit looked at its neighbourhood alone."""
    assert shapely.coverage_is_valid(geometries_of(cells))
    assert shapely.coverage_is_valid(metres(cells))
    assert all(cell.geometry.geom_type == "Polygon" for cell in cells)
    found = ground_by_area(cells)
    assert found.keys() == ground.keys()
    for area, polygon in ground.items():
        assert shapely.symmetric_difference(polygon, found[area]).area < 0.05
        assert sum(shapely.area(metres([c for c in cells if c.area_code == area]))) == pytest.approx(
            polygon.area, abs=0.05
        )


def assert_identical(one: CellSet, other: CellSet) -> None:
    assert one.cells.keys() == other.cells.keys()
    for code, cell in one.cells.items():
        assert cell[:-1] == other.cells[code][:-1]
        assert shapely.equals_identical(cell.geometry, other.cells[code].geometry)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_every_edit_keeps_the_plan_a_coverage_and_has_its_inverse(seed):
    rng = np.random.default_rng(seed)
    start = cells = the_town()
    ground = ground_by_area(start)
    done: list[Edit] = []
    states = [start]
    for _ in range(12):
        command = random_command(cells, rng)
        if why_disabled(command, cells) is not None:
            continue
        edit = command.edit(cells)
        cells = edit.apply(cells)
        done.append(edit)
        states.append(cells)
        while done and rng.random() < 0.2:
            cells = done.pop().inverse().apply(cells)
            states.pop()
            assert_identical(cells, states[-1])
    assert_sound(cells, ground)
    for edit in reversed(done):
        cells = edit.inverse().apply(cells)
    assert_identical(cells, start)
    for edit in done:
        cells = edit.apply(cells)
    assert_identical(cells, states[-1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_a_transfer_moves_the_ground_in_the_region_and_no_other(seed):
    rng = np.random.default_rng(seed)
    cells = the_town()
    to = cells.cells[str(rng.choice(list(cells.cells)))]
    x, y = shapely.get_coordinates(to.geometry.centroid)[0] + rng.normal(0, 0.002, 2)
    region = shapely.buffer(shapely.Point(x, y), rng.uniform(0.0005, 0.003), quad_segs=3)
    try:
        edit = Transfer(region, to.code).edit(cells)
    except RefusedError:
        return
    after = edit.apply(cells)
    drawn = metres([to._replace(geometry=region)])[0]
    for cell in cells:
        now = metres([after.cells[cell.code]])[0]
        was = metres([cell])[0]
        if cell.code == to.code:
            own = shapely.union_all(metres([c for c in cells if c.area_code == to.area_code]))
            expected = was | (drawn & own)
        else:
            expected = was - drawn if cell.area_code == to.area_code else was
        assert shapely.symmetric_difference(now, expected).area < 0.01
    moved = {(each.source, each.target): each.area_m2 for each in edit.descents(METRES)}
    for (source, target), area in moved.items():
        shared = metres([cells.cells[source]])[0] & metres([after.cells[target]])[0]
        assert shared.area == pytest.approx(area, abs=0.01)


def refusal(command, cells) -> str:
    with pytest.raises(RefusedError) as caught:
        command.edit(cells)
    return str(caught.value)


def test_what_cannot_be_done_is_refused_with_the_reason():
    cells = the_town()
    first, *others = list(cells.cells)
    cell = cells.cells[first]
    far = next(
        c.code
        for c in cells
        if c.area_code == cell.area_code and not shapely.intersects(c.geometry, cell.geometry)
    )
    abroad = next(c.code for c in cells if c.area_code != cell.area_code)
    x, y = shapely.get_coordinates(cell.geometry.centroid)[0]
    assert refusal(Merge((first,)), cells) == "Choose two cells or more to merge."
    assert "do not hang together" in refusal(Merge((first, far)), cells)
    assert "none crosses its area" in refusal(Merge((first, abroad)), cells)
    assert refusal(Merge((first, "x")), cells) == "There is no cell 'x' in this draft."
    stub = shapely.LineString([(x, y), (x + 1e-5, y)])
    assert "does not cross" in refusal(Split(first, stub), cells)
    assert "no ground of other cells" in refusal(Transfer(shapely.box(0, 0, 1, 1), first), cells)
    neighbour = cells.neighbours([cell])[0]
    whole = shapely.buffer(neighbour.geometry, 1e-4)
    assert "Nothing of cell" in refusal(Transfer(whole, first), cells)
    bow = shapely.Polygon([(x, y), (x + 1, y + 1), (x + 1, y), (x, y + 1)])
    assert "crosses itself" in refusal(Transfer(bow, first), cells)
    assert "no ground of other cells" in refusal(Transfer(shapely.Polygon(), first), cells)
    with pytest.warns(RuntimeWarning):
        broken = shapely.LineString([(np.nan, y), (x, y)])
    assert "Draw a line" in refusal(Split(first, broken), cells)
    assert "Draw a line" in refusal(Split(first, None), cells)
    vertex = tuple(shapely.get_coordinates(cell.geometry)[0].tolist())
    assert "There is no vertex" in refusal(MoveVertices((((1.0, 1.0), vertex),)), cells)
    assert refusal(MoveVertices(((vertex, (vertex[0] + 0.1, vertex[1])),)), cells)
    assert "another cell has it" in refusal(Update(first, new_code=others[0]), cells)


def test_heights_of_what_is_drawn_do_not_count():
    cells = the_town()
    cell = next(iter(cells))
    region = shapely.buffer(cell.geometry, 2e-4)
    edit, high = (Transfer(drawn, cell.code).edit(cells) for drawn in (region, shapely.force_3d(region, 7)))
    assert [each.geometry.wkb for each in edit.after] == [each.geometry.wkb for each in high.after]


def test_locked_cells_keep_their_ground():
    cells = the_town()
    first, second = next(
        (a.code, b.code)
        for a in cells
        for b in cells.neighbours([a])
        if a.area_code == b.area_code and shapely.length(a.geometry & b.geometry) > 0
    )
    locked = CellSet.from_frame(cells.to_frame(), crs=METRES, locked=[second])
    region = shapely.buffer(locked.cells[first].geometry, 2e-4)
    assert "is locked" in refusal(Transfer(region, first), locked)
    assert "is locked" in refusal(Merge((first, second)), locked)


def test_a_code_that_an_edit_ended_is_not_given_again():
    cells = the_town()
    cell = next(iter(cells))
    west, south, east, north = cell.geometry.bounds
    line = shapely.LineString([(west - 1, (south + north) / 2), (east + 1, (south + north) / 2)])
    once = Split(cell.code, line).edit(cells)
    made = {each.code for each in once.after} - cells.cells.keys()
    back = once.inverse().apply(once.apply(cells))
    again = {each.code for each in Split(cell.code, line).edit(back).after} - cells.cells.keys()
    assert len(made) == len(again) == 1
    assert not made & again


def test_an_edit_built_upon_is_not_undone():
    cells = the_town()
    first = next(iter(cells))
    one = Update(first.code, cell_name="one").edit(cells)
    after = one.apply(cells)
    after = Update(first.code, cell_name="two").edit(after).apply(after)
    with pytest.raises(ConflictError, match="has changed since this edit"):
        one.inverse().apply(after)


def test_edits_of_different_cells_can_follow_each_other_in_any_order():
    cells = the_town()
    first, *_, last = list(cells)
    one, other = Update(first.code, kind="a").edit(cells), Update(last.code, kind="b").edit(cells)
    assert_identical(other.apply(one.apply(cells)), one.apply(other.apply(cells)))
