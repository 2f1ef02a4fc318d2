"""Carrying units through against a recount of the squares that units and cells are made of."""

from collections import Counter

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.levels import carry_units, find_units_in_cells, unite_units
from gis.levels.members import NO_CELL

SIDE = 4
SQUARES = np.array(
    [shapely.box(10 * x, 10 * y, 10 * x + 10, 10 * y + 10) for y in range(SIDE) for x in range(SIDE)],
    dtype=object,
)
LABELS = st.lists(st.integers(0, 5), min_size=len(SQUARES), max_size=len(SQUARES))
CELLS = st.lists(st.integers(0, 2), min_size=6, max_size=6)


def polygons(labels: list[int]) -> tuple[np.ndarray, list[int]]:
    """Return the polygons of squares with equal labels, and the labels; -1 stands for no polygon."""
    numbers = sorted(set(labels) - {NO_CELL})
    position = np.array([numbers.index(label) if label != NO_CELL else NO_CELL for label in labels])
    return unite_units(SQUARES, position, len(numbers)), numbers


@given(before=LABELS, after=LABELS, cell_of=CELLS, whole=st.booleans(), blank=st.booleans())
def test_a_unit_goes_where_most_of_its_ground_was(
    before: list[int], after: list[int], cell_of: list[int], *, whole: bool, blank: bool
) -> None:
    # The units of a cell that is left out are in no cell.
    cell_of_square = [NO_CELL if blank and cell_of[unit] == 0 else cell_of[unit] for unit in before]
    cells, codes = polygons(cell_of_square)
    units, names = polygons(after)
    former = np.array(
        [
            codes.index(cell_of[name]) if name in before and cell_of[name] in codes else NO_CELL
            for name in names
        ]
    )
    carried = carry_units(units, cells, former, whole=whole)
    divided = set()
    for row, name in enumerate(names):
        squares = [k for k, label in enumerate(after) if label == name]
        count = Counter(cell_of_square[k] for k in squares)
        if len(count) > 1:
            divided |= {(row, cell, 100.0 * number) for cell, number in count.items()}
        if whole:
            count.pop(NO_CELL, None)
        most = max(count.values(), default=0)
        best = sorted(cell for cell, number in count.items() if number == most)
        own = codes[former[row]] if former[row] != NO_CELL else None
        in_cells = [cell for cell in best if cell != NO_CELL]
        expected = own if own in best else in_cells[0] if in_cells else None
        found = carried.cell[row]
        assert (None if found == NO_CELL else codes[found]) == expected
    entries = zip(carried.divided.unit, carried.divided.cell, carried.divided.area_m2, strict=True)
    assert {(u, NO_CELL if c == NO_CELL else codes[c], a) for u, c, a in entries} == divided


@given(LABELS, LABELS)
def test_a_unit_lies_in_a_cell_or_is_cut(units: list[int], cells: list[int]) -> None:
    shapes, names = polygons(units)
    drawn, codes = polygons([cell if cell < 4 else NO_CELL for cell in cells])
    found = find_units_in_cells(shapes, drawn)
    for row, name in enumerate(names):
        homes = {cells[k] if cells[k] < 4 else NO_CELL for k, unit in enumerate(units) if unit == name}
        whole = homes.pop() if len(homes) == 1 else None
        assert (row in found.cut.unit) == (whole is None)
        assert found.cell[row] == (NO_CELL if whole in (None, NO_CELL) else codes.index(whole))


def test_rounding_cuts_nothing() -> None:
    cells = np.array([shapely.box(0, 0, 20.004, 10), shapely.box(20.004, 0, 40, 10.003)], dtype=object)
    found = find_units_in_cells(SQUARES[:4], cells)
    assert found.cell.tolist() == [0, 0, 1, 1]
    assert not len(found.cut.unit)
