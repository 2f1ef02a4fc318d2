"""Codes of cells: their spelling, and the numbering of cells within a base area."""

import re
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.arrays import IntArray, ObjectArray
from gis.errors import CapacityError, InputError, ParameterError

CodeLayout = Literal["auto", "cn", "plain"]

CELL_CODE_LENGTH = 15
"""Digits of a Chinese cell code: 6 county, 3 town, 3 village, 3 sequence."""

_AREA_CODE_LENGTHS = (12, 9, 6)
_MIN_PLAIN_DIGITS = 3
_PROVINCES = frozenset(
    str(province)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for province in range(first, last + 1)
)
_AREA_CODE_PATTERN = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,2}", re.ASCII)


def normalize_codes(values: ArrayLike) -> ObjectArray:
    """Return codes as text, spelled the same way in every layer.

    Parameters
    ----------
    values
        Strings or numbers, missing ones among them, any length.

    Returns
    -------
    ndarray of str
        Numbers lose a decimal part of zero (559.0 is "559"), text its outer blanks; missing values become "".
    """

    def text(value: object) -> str:
        if value is None or value is pd.NA or value is pd.NaT or value != value:
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    raw = np.asarray(values, dtype=object)
    result = np.empty(len(raw), dtype=object)
    # The usual case, and there may be very many: all values are text.
    only_text = set(map(type, raw)) == {str}
    result[:] = list(map(str.strip, raw)) if only_text else [text(value) for value in raw]
    return result


def require_codes(values: ArrayLike) -> ObjectArray:
    """Return codes as `normalize_codes` does; every record must have one.

    Raises
    ------
    InputError
        If a code is missing.
    """
    codes = normalize_codes(values)
    missing = np.flatnonzero(codes == "")
    if len(missing):
        raise InputError(f"Record {missing[0] + 1} of the cells has no code; give every cell one.")
    return codes


class CellCodes(NamedTuple):
    """Codes of cells, aligned with the cells given.

    Attributes
    ----------
    code
        Array of str.
    sequence
        Array of int64, from 1, inside the base area.
    """

    code: ObjectArray
    sequence: IntArray


def is_chinese_area_code(code: str) -> bool:
    """Return whether an area code has 6, 9 or 12 digits and begins with a province of GB/T 2260."""
    return _AREA_CODE_PATTERN.fullmatch(code) is not None and code[:2] in _PROVINCES


def choose_code_layout(
    area_codes: Iterable[str], *, in_china: bool, layout: CodeLayout = "auto"
) -> Literal["cn", "plain"]:
    """Decide which layout the codes of a plan have.

    Parameters
    ----------
    area_codes
        Codes of the base areas.
    in_china
        Whether the ground lies in China: identifiers of other countries may look like Chinese codes.
    layout
        What the user asked for; "auto" takes "cn" only in China and when every code is a Chinese one.

    Raises
    ------
    InputError
        If "cn" is asked for and an area code is not a Chinese one, or the layout is unknown.
    """
    if layout not in ("auto", "cn", "plain"):
        raise ParameterError(f"The code layout must be auto, cn or plain, not '{layout}'.")
    foreign = next((code for code in area_codes if not is_chinese_area_code(code)), None)
    if layout == "cn" and foreign is not None:
        raise InputError(
            f"Area code '{foreign}' is not a Chinese one of 6, 9 or 12 digits; choose the plain code layout."
        )
    if layout == "auto":
        return "cn" if in_china and foreign is None else "plain"
    return layout


def number_cells(
    area_code: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    row: ArrayLike,
    *,
    layout: Literal["cn", "plain"],
    used_codes: Collection[str] = frozenset(),
) -> CellCodes:
    """Give cells codes, numbered within their base area west to east, then north to south.

    That is the order in which a page is read: rows follow one another from north to south, and a row is
    numbered from west to east. It is the usual reading of the rule for Chinese grid codes (numbers of
    neighbours in a row follow one another, as on a map sheet index), and the only one of the two
    possible readings in which "west to east" is the direction that runs first.

    Parameters
    ----------
    area_code
        Shape (n,), str: the base area of each cell.
    x, y
        Shape (n,), metres: a location inside each cell; x orders the cells of a row, y those with equal x.
    row
        Shape (n,), int: 0 or the least number is the northernmost row.
    layout
        "cn": base code, then digits up to 15. "plain": ``{area code}-{sequence}``, one width over the plan.
    used_codes
        Codes of ended cells, which are never given again.

    Returns
    -------
    CellCodes
        Codes and sequence numbers aligned with the input.

    Raises
    ------
    CapacityError
        If an area has more cells than its sequence digits can number.
    """
    areas, owner = np.unique(np.asarray(area_code, dtype=object).astype(str), return_inverse=True)
    total = len(owner)
    easting, northing = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.lexsort((-northing, easting, np.asarray(row), owner))
    count = np.bincount(owner, minlength=len(areas))
    rank = np.arange(1, total + 1) - np.repeat(np.cumsum(count) - count, count)
    used_sequences = _used_sequences(areas, layout, used_codes)
    for k, used_numbers in used_sequences.items():
        start = int(count[:k].sum())
        free = np.setdiff1d(np.arange(1, count[k] + len(used_numbers) + 1), used_numbers)
        rank[start : start + count[k]] = free[: count[k]]
    sequence = np.empty(total, dtype=np.int64)
    sequence[order] = rank
    width = _sequence_digits(areas, owner, sequence, layout, count)
    separator = "" if layout == "cn" else "-"
    code = np.empty(total, dtype=object)
    code[:] = [
        f"{areas[k]}{separator}{n:0{width[k]}d}"
        for k, n in zip(owner.tolist(), sequence.tolist(), strict=True)
    ]
    return CellCodes(code, sequence)


def _used_sequences(areas: NDArray[np.str_], layout: str, used_codes: Collection[str]) -> dict[int, IntArray]:
    """Return the sequence numbers already used, per position in `areas`."""
    position = {str(code): k for k, code in enumerate(areas)}
    used_by_area: dict[int, set[int]] = {}
    for code in used_codes:
        if layout == "cn":
            # The same 15 digits can belong to a base of 12, 9 or 6 digits: they count as used for each of
            # them.
            pairs = (
                [(code[:n], code[n:]) for n in _AREA_CODE_LENGTHS] if len(code) == CELL_CODE_LENGTH else []
            )
        else:
            base, _, digits = code.rpartition("-")
            pairs = [(base, digits)]
        for base, digits in pairs:
            if base in position and re.fullmatch(r"[0-9]+", digits):
                used_by_area.setdefault(position[base], set()).add(int(digits))
    return {k: np.array(sorted(numbers), dtype=np.int64) for k, numbers in sorted(used_by_area.items())}


def _sequence_digits(
    areas: NDArray[np.str_],
    owner: NDArray[np.intp],
    sequence: IntArray,
    layout: str,
    count: NDArray[np.intp],
) -> list[int]:
    """Return the sequence digits of each area; raise if they cannot hold its cells."""
    if layout == "plain":
        widest = max(_MIN_PLAIN_DIGITS, len(str(sequence.max(initial=0))))
        return [widest] * len(areas)
    width = [CELL_CODE_LENGTH - len(code) for code in areas]
    last = np.zeros(len(areas), dtype=np.int64)
    np.maximum.at(last, owner, sequence)
    for k, code in enumerate(areas):
        if last[k] >= 10 ** width[k]:
            ended = int(last[k] - count[k])
            after = f" after {ended:,} ended ones" if ended else ""
            raise CapacityError(
                f"Area '{code}' has {count[k]:,} cells{after}, but its {width[k]} sequence digits hold "
                f"{10 ** width[k] - 1:,}; choose a larger size or a base area of a higher level."
            )
    return width
