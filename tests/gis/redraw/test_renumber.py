"""Numbering again: in the order that the certificate of codes asks for, with no code of another cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.conform import ConformInput, certify
from gis.errors import RefusedError, WanggeError
from gis.profiles import load_profile
from gis.redraw import CellSet, Renumber, why_disabled
from tests.gis.redraw.test_edits import assert_identical, the_town
from tests.gis.redraw.towns import METRES, random_command

CN = load_profile("cn")


def is_in_order(cells: CellSet) -> bool:
    found = certify(ConformInput(CN, cells.to_frame(), METRES)).results
    return next(each for each in found if each.clause.key == "order").state == "passed"


def redrawn(seed: int) -> CellSet:
    """The town after some random edits."""
    rng, cells = np.random.default_rng(seed), the_town()
    for _ in range(12):
        try:
            cells = random_command(cells, rng).edit(cells).apply(cells)
        except WanggeError:
            continue
    return cells


def test_what_a_division_numbered_stays() -> None:
    cells = the_town()
    for given_codes in (frozenset(), frozenset(cells.cells)):
        assert why_disabled(Renumber(tuple(cells.cells), CN, given_codes), cells) == "This changes nothing."


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_codes_are_in_order_and_no_other_cell_had_them(seed: int, published: bool) -> None:
    cells = redrawn(seed)
    codes_before = frozenset(the_town().cells) if published else frozenset()
    command = Renumber(tuple(cells.cells), CN, codes_before)
    edit = command.edit(cells)
    after = edit.apply(cells)
    assert is_in_order(after)
    assert {cell.geometry.wkb for cell in after} == {cell.geometry.wkb for cell in cells}
    kept = {code for code in after.cells if code in codes_before}
    assert all(after.cells[code].geometry.equals(cells.cells[code].geometry) for code in kept)
    assert Renumber(tuple(after.cells), CN, codes_before).edit(after).changes_nothing
    assert_identical(edit.inverse().apply(after), cells)


def test_a_locked_cell_keeps_its_code() -> None:
    cells = the_town()
    codes = list(cells.cells)
    swapped = CellSet.from_frame(
        cells.to_frame().assign(code=[codes[1], codes[0], *codes[2:]]), crs=METRES, locked=[codes[0]]
    )
    with pytest.raises(RefusedError, match=f"Cell '{codes[0]}' is locked"):
        Renumber(tuple(codes), CN).edit(swapped)
