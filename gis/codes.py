"""Codes of cells: their spelling, and the numbering of cells within a base area."""

import re
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.arrays import IntArray, ObjectArray
from gis.errors import CapacityError, InputError, ParameterError
from gis.profiles import Profile, load_profile
from gis.profiles.profile import CodeRule

CodeLayout = Literal["auto", "cn", "plain"]

_COUNTY_REGISTER = "GB/T 2260"
_PROVINCES = frozenset(
    str(province)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for province in range(first, last + 1)
)


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
        Array of int64, inside the base area; 0 for the only cell of one that counts as undivided.
    """

    code: ObjectArray
    sequence: IntArray


def is_chinese_area_code(code: str) -> bool:
    """Return whether an area code has 6, 9 or 12 digits and begins with a province of GB/T 2260."""
    return fits_area(load_profile("cn").code, code)


def fits_area(rule: CodeRule, code: str) -> bool:
    """Return whether codes of cells can be made from the code of an area."""
    return rule.area_pattern.fullmatch(code) is not None and (
        rule.area_segments[0].register != _COUNTY_REGISTER or code[:2] in _PROVINCES
    )


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


def choose_profile(
    area_codes: Iterable[str], *, in_china: bool, layout: CodeLayout = "auto", profile: Profile | None = None
) -> Profile:
    """Decide which profile the codes of a plan follow.

    Parameters
    ----------
    area_codes, in_china, layout
        As for `choose_code_layout`.
    profile
        What the user asked for instead of a layout.

    Raises
    ------
    InputError
        As `choose_code_layout` does, if both a layout and a profile are asked for, or codes of the profile
        cannot be made from those of the areas.
    """
    if profile is None:
        return load_profile(choose_code_layout(area_codes, in_china=in_china, layout=layout))
    if layout != "auto":
        raise ParameterError(f"Codes follow the layout {layout} or the profile {profile.name}, not both.")
    require_fitting_areas(profile, area_codes)
    require_class(profile)
    return profile


def require_fitting_areas(profile: Profile, area_codes: Iterable[str]) -> None:
    """Check that a profile's codes can be made from the codes of all areas.

    Raises
    ------
    InputError
        If one has other digits than the profile asks for.
    """
    rule = profile.code
    misfit = next((code for code in area_codes if not fits_area(rule, code)), None)
    if misfit is None:
        return
    *shorter, longest = map(str, reversed(rule.area_lengths))
    expected = f"{', '.join(shorter)} or {longest}" if shorter else longest
    of_level = "" if shorter else f" ({rule.area_segments[-1].name})"
    if misfit.isalnum() and len(misfit) not in rule.area_lengths:
        found = f"area {misfit} has {len(misfit)}"
    else:
        found = f"the code '{misfit}' is another"
    raise InputError(
        f"Profile {profile.name} needs areas with {expected} digits{of_level}, but {found}; "
        "divide areas with such codes, or use --profile plain."
    )


def number_cells(
    area_code: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    row: ArrayLike,
    *,
    profile: Profile,
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
    profile
        Whose codes they are.
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
    InputError
        If the code of an area does not fit the profile, or the profile leaves open what codes begin with.
    """
    rule = profile.code
    areas, owner = np.unique(np.asarray(area_code, dtype=object).astype(str), return_inverse=True)
    require_fitting_areas(profile, areas.tolist())
    stems = _stems(profile, areas)
    total = len(owner)
    easting, northing = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.lexsort((-northing, easting, np.asarray(row), owner))
    count = np.bincount(owner, minlength=len(areas))
    rank = np.arange(rule.first, total + rule.first) - np.repeat(np.cumsum(count) - count, count)
    used_sequences = _used_sequences(stems, rule, used_codes)
    for k, used_numbers in used_sequences.items():
        start = int(count[:k].sum())
        free = np.setdiff1d(np.arange(rule.first, rule.first + count[k] + len(used_numbers)), used_numbers)
        rank[start : start + count[k]] = free[: count[k]]
    if rule.undivided is not None:
        whole = int(rule.undivided)
        for k in np.flatnonzero(count == 1).tolist():
            if whole not in used_sequences.get(k, ()):
                rank[int(count[:k].sum())] = whole
    sequence = np.empty(total, dtype=np.int64)
    sequence[order] = rank
    width = _sequence_digits(areas, owner, sequence, profile, count)
    code = np.empty(total, dtype=object)
    code[:] = [f"{stems[k]}{n:0{width[k]}d}" for k, n in zip(owner.tolist(), sequence.tolist(), strict=True)]
    return CellCodes(code, sequence)


def require_class(profile: Profile) -> None:
    """Check that a profile says what its codes begin with.

    Raises
    ------
    InputError
        If it leaves that open.
    """
    rule = profile.code
    if rule.class_code is None:
        name = next(each.name for each in rule.segments if each.value is None).replace("_", " ")
        raise InputError(
            f"Codes of profile {profile.name} begin with {rule.class_length} digits of the {name}, which it "
            f"leaves open; name them as --profile {profile.name}:{'N' * rule.class_length}."
        )


def _stems(profile: Profile, areas: NDArray[np.str_]) -> list[str]:
    """Return what stands before the sequence in the codes of each area's cells."""
    require_class(profile)
    rule = profile.code
    return [f"{rule.class_code}{area}{rule.separator}" for area in areas.tolist()]


def _used_sequences(stems: list[str], rule: CodeRule, used_codes: Collection[str]) -> dict[int, IntArray]:
    """Return the sequence numbers already used, per position in `stems`."""
    position = {stem: k for k, stem in enumerate(stems)}
    # The same digits can belong to a base of 12, 9 or 6 digits: they count as used for each of them.
    lengths = {len(stem) for stem in stems}
    used_by_area: dict[int, set[int]] = {}
    for code in used_codes:
        if rule.length is None:
            cut = rule.stem_length(code)
            lengths = set() if cut is None else {cut}
        elif len(code) != rule.length:
            continue
        for cut in lengths:
            stem, digits = code[:cut], code[cut:]
            if stem in position and re.fullmatch(r"[0-9]+", digits):
                used_by_area.setdefault(position[stem], set()).add(int(digits))
    return {k: np.array(sorted(numbers), dtype=np.int64) for k, numbers in sorted(used_by_area.items())}


def _sequence_digits(
    areas: NDArray[np.str_],
    owner: NDArray[np.intp],
    sequence: IntArray,
    profile: Profile,
    count: NDArray[np.intp],
) -> list[int]:
    """Return the sequence digits of each area; raise if they cannot hold its cells."""
    rule = profile.code
    if rule.sequence.length is None:
        widest = max(rule.sequence.min_length, len(str(sequence.max(initial=0))))
        return [widest] * len(areas)
    longest = max(rule.area_lengths, default=0)
    width = [rule.sequence.length + max(longest - len(code), 0) for code in areas]
    last = np.zeros(len(areas), dtype=np.int64)
    np.maximum.at(last, owner, sequence)
    for k, code in enumerate(areas):
        most = 10 ** width[k] - 1
        if rule.last is not None:
            most = min(most, rule.last)
        if last[k] > most:
            ended = int(last[k] - rule.first + 1 - count[k])
            after = f" after {ended:,} ended ones" if ended else ""
            higher = " or a base area of a higher level" if rule.higher_areas == "sequence" else ""
            raise CapacityError(
                f"Area '{code}' has {count[k]:,} cells{after}, but its {width[k]} sequence digits hold "
                f"{most:,}; choose a larger size{higher}."
            )
    return width
