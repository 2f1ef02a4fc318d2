"""Codes for cells that an edit makes."""

import re

from gis.errors import CapacityError
from gis.redraw.cell_set import CellSet

_SEQUENCE = re.compile(r"(.*?)(\d+)$")


def next_codes(cells: CellSet, like: str, count: int) -> list[str]:
    """Return codes that follow the highest one of the form of another.

    Parameters
    ----------
    cells
        Neither these nor codes that have ended are given.
    like
        A code: its last digits, as many as follow the code of its area, are the sequence.
    count
        How many.

    Raises
    ------
    CapacityError
        If its digits hold no more numbers.
    """
    cell = cells.cells.get(like)
    area_code = "" if cell is None else cell.area_code
    if area_code and like.startswith(area_code) and re.fullmatch(r"-?\d+", like[len(area_code) :]):
        head, digits = area_code, like[len(area_code) :]
        if digits.startswith("-"):
            head, digits = f"{head}-", digits[1:]
    else:
        found = _SEQUENCE.fullmatch(like)
        head, digits = (f"{like}-", "1") if found is None else found.groups()
    taken = [
        int(code[len(head) :])
        for code in (*cells.cells, *cells.used_codes)
        if code.startswith(head) and code[len(head) :].isdigit()
    ]
    first = max(taken, default=0) + 1
    made = [f"{head}{number:0{len(digits)}d}" for number in range(first, first + count)]
    if area_code and area_code == head and len(made[-1]) > len(like):
        raise CapacityError(
            f"The {len(digits)} digits after '{head}' hold no further cell; number the cells again."
        )
    return made
