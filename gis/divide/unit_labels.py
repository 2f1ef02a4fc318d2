"""Columns of units that group or mark them: nesting, locks, exclusive units."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.areas import label_area
from gis.arrays import BoolArray, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.divide.unit_coverage import UnitCoverage
from gis.errors import InputError

AREA_CODE = "area_code"

_NO = frozenset(("", "0", "false", "f", "no", "n", "否", "无"))
_YES = frozenset(("1", "true", "t", "yes", "y", "是"))


@dataclass(frozen=True, eq=False)
class UnitGroups:
    """Units in groups that no cell may mix.

    Attributes
    ----------
    name
        Shape (g,), the value of each group, sorted; "" for the one group of units without any.
    of_unit
        Shape (n,), the position in `name` of the group of each unit.
    label
        Shape (g,), what messages call each group: its value, and the name of the area whose code that is.
    """

    name: ObjectArray
    of_unit: IntArray
    label: ObjectArray


def read_groups(units: UnitCoverage, within: str | None, areas: pd.DataFrame | None = None) -> UnitGroups:
    """Return the groups of units by a field, or one group.

    Parameters
    ----------
    within
        The field; where it is the standard `area_code` and the units have none, they are one group.
    areas
        Codes and names of areas.

    Raises
    ------
    InputError
        If the units lack the field, or one has no value in it.
    """
    if within is None or (within == AREA_CODE and not has_values(units, within)):
        one = np.array([""], dtype=object)
        return UnitGroups(one, np.zeros(len(units), dtype=np.int64), np.array(["all units"], dtype=object))
    values = _texts(units, within, "within which cells should stay")
    for k in np.flatnonzero(values == "")[:1].tolist():
        raise InputError(
            f"Unit '{units.code[k]}' has no {within}, within which its cell should stay; give it one."
        )
    name, of_unit = np.unique(values.astype(str), return_inverse=True)
    named = {} if areas is None else dict(zip(areas["code"], areas["name"], strict=True))
    label = np.array([label_area(code, named.get(code)) for code in name.tolist()], dtype=object)
    return UnitGroups(name.astype(object), of_unit.astype(np.int64), label)


def has_values(units: UnitCoverage, column: str) -> bool:
    """Return whether the units have a column that is not empty."""
    return column in units.attributes and bool(units.attributes[column].notna().any())


def read_locks(units: UnitCoverage, lock: str | None) -> ObjectArray:
    """Return the name of the cell in which each unit is locked, "" where it is free: empty, no, false or 0.

    Raises
    ------
    InputError
        If the units lack the field, or it says yes and no instead of naming cells.
    """
    if lock is None:
        return np.full(len(units), "", dtype=object)
    text = _texts(units, lock, "which should name the cell in which units are locked")
    named = _is_named(text)
    if named.any() and set(text[named]) <= {"true", "yes", "是"}:
        raise InputError(f"The field '{lock}' says yes and no; give each locked unit the name of its cell.")
    return np.where(named, text, "").astype(object)


def read_marks(units: UnitCoverage, mark: str | None) -> BoolArray:
    """Return which units a field marks: with anything but empty, no, false or 0."""
    if mark is None:
        return np.zeros(len(units), dtype=bool)
    return _is_named(_texts(units, mark, "which should mark locked units"))


def read_exclusive(units: UnitCoverage, exclusive: str | None) -> ObjectArray:
    """Return the name of the exclusive cell of each unit, "" where the unit is an ordinary one.

    A field of yes and no makes each unit that says yes a cell of its own; any other text is a name, and units
    of one name that touch one another become one cell.
    """
    if exclusive is None:
        return np.full(len(units), "", dtype=object)
    text = _texts(units, exclusive, "which should mark exclusive units")
    named = _is_named(text)
    alone = np.array([value.lower() in _YES for value in text], dtype=bool)
    if named.all():
        raise InputError(f"Every unit is exclusive by {exclusive}, so that none is left to balance.")
    result = np.where(named, text, "")
    # Codes are unique, so no other unit has this name.
    result[alone] = ["\0" + code for code in units.code[alone]]
    return result.astype(object)


def _is_named(text: ObjectArray) -> BoolArray:
    return np.array([value.lower() not in _NO for value in text], dtype=bool)


def _texts(units: UnitCoverage, column: str, purpose: str) -> ObjectArray:
    if column not in units.attributes:
        raise InputError(f"The units have no field '{column}', {purpose}.")
    values = units.attributes[column]
    if pd.api.types.is_bool_dtype(values):
        return np.where(values.fillna(value=False).to_numpy(dtype=bool), "true", "").astype(object)
    return normalize_codes(values.to_numpy(dtype=object))
