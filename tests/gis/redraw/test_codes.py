"""Codes of cells that an edit makes: after the highest of their form, never one that was given before."""

from functools import cache

import pytest

from gis.errors import CapacityError
from gis.redraw.cell_set import CellSet
from gis.redraw.codes import next_codes
from tests.gis.redraw.towns import METRES, town

the_town = cache(town)
AREA = "440305001001"


def cells_of(codes: list[str], *, area: str = AREA, used: tuple[str, ...] = ()) -> CellSet:
    """Cells of the town under other codes, in one area."""
    frame = the_town().to_frame().head(len(codes)).assign(code=codes, area_code=area)
    return CellSet.from_frame(frame, crs=METRES, used_codes=used)


@pytest.mark.parametrize(
    ("codes", "like", "made"),
    [
        # The digits after the code of the area are the sequence, with or without a hyphen.
        ([f"{AREA}001"], f"{AREA}001", [f"{AREA}002", f"{AREA}003"]),
        ([f"{AREA}001", f"{AREA}007"], f"{AREA}001", [f"{AREA}008", f"{AREA}009"]),
        ([f"{AREA}-01"], f"{AREA}-01", [f"{AREA}-02", f"{AREA}-03"]),
        # Otherwise those at the end, and without any a number is appended.
        (["N9"], "N9", ["N10", "N11"]),
        (["N01", "M07", "N2x"], "N01", ["N02", "N03"]),
        (["north"], "north", ["north-1", "north-2"]),
        (["north", "north-4", "north-x"], "north", ["north-5", "north-6"]),
        ([f"{AREA}a1"], f"{AREA}a1", [f"{AREA}a2", f"{AREA}a3"]),
        # A code of no cell is not taken.
        (["N01"], "M05", ["M01", "M02"]),
    ],
)
def test_new_codes_follow_the_highest_of_their_form(codes: list[str], like: str, made: list[str]) -> None:
    assert next_codes(cells_of(codes), like, 2) == made


def test_cells_that_have_ended_keep_their_codes() -> None:
    cells = cells_of([f"{AREA}001"], used=(f"{AREA}005", "N9"))
    assert next_codes(cells, f"{AREA}001", 1) == [f"{AREA}006"]


def test_without_an_area_the_digits_at_the_end_count() -> None:
    assert next_codes(cells_of(["0099"], area=""), "0099", 1) == ["0100"]
    # One more digit is no matter where the area does not say how many there are.
    assert next_codes(cells_of(["9"], area=""), "9", 1) == ["10"]


def test_the_last_code_of_an_area_is_given_and_none_after_it() -> None:
    cells = cells_of([f"{AREA}998"])
    assert next_codes(cells, f"{AREA}998", 1) == [f"{AREA}999"]
    with pytest.raises(CapacityError, match="The 3 digits after"):
        next_codes(cells, f"{AREA}998", 2)
