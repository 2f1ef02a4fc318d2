"""The loads of units: columns to be balanced, with the area and the hours of officers computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gis.arrays import FloatArray, IntArray
from gis.balance import LoadTarget
from gis.divide.unit_coverage import UnitCoverage, and_more
from gis.errors import InputError, ParameterError

AREA, AREA_M2, OFFICER_HOURS = "area", "area_m2", "officer_hours"
"""Loads that are computed: the area, by either name, and the hours where the units have no such column."""

_COLUMNS_OF_CELLS = frozenset(("code", "name", "kind", "area_code", "perimeter_m", "geometry"))


@dataclass(frozen=True)
class OfficerHours:
    """Where the parts of an officer's work come from: each a column of the units, or a number for all.

    Attributes
    ----------
    visits
        Visits due in the period.
    walk, stay
        Hours on the way to a visit, and at it.
    events
        Hours spent on events in the period.
    """

    visits: str | float = "visits_due"
    walk: str | float = "walk_hours"
    stay: str | float = "stay_hours"
    events: str | float = "event_hours"


def officer_hours(visits: ArrayLike, walk: ArrayLike, stay: ArrayLike, events: ArrayLike) -> FloatArray:
    """Return the hours of work that units ask of an officer: visits x (walk + stay) + events.

    Parameters
    ----------
    visits
        Visits due in the period.
    walk, stay
        Hours on the way to a visit, and at it.
    events
        Hours spent on events in the period.
    """
    due, way, at, other = (np.asarray(part, dtype=float) for part in (visits, walk, stay, events))
    hours: FloatArray = due * (way + at) + other
    return hours


def read_loads(
    units: UnitCoverage, weights: Sequence[LoadTarget], hours: OfficerHours | None = None
) -> FloatArray:
    """Return the loads of units, shape (n, k), one column for each target.

    Parameters
    ----------
    weights
        What is to be balanced: any column; `area` is the area in m², and `officer_hours` is computed where
        the units have no such column.
    hours
        Where the parts of `officer_hours` come from.

    Raises
    ------
    InputError
        If a column is missing, or a value is missing, text, negative or infinite.
    """
    _check_targets(weights)
    return np.column_stack([_values_of(units, target.column, hours) for target in weights])


def require_loads(loads: FloatArray, weights: Sequence[LoadTarget]) -> None:
    """Refuse loads that no unit to be balanced has.

    Parameters
    ----------
    loads
        Shape (n, k), of the units to be balanced.
    """
    for target, total in zip(weights, loads.sum(axis=0).tolist(), strict=True):
        if not total > 0:
            raise InputError(f"{target.column} is 0 in every unit, so that there is nothing to balance.")


def _check_targets(weights: Sequence[LoadTarget]) -> None:
    if not weights:
        raise ParameterError("Name at least one weight to balance, for example area.")
    names = [load_column(target) for target in weights]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"The weight {name} is named twice; name it once.")
        if name in _COLUMNS_OF_CELLS:
            raise ParameterError(f"The field {name} means something else in cells and is no weight.")


def load_column(target: LoadTarget) -> str:
    """Return the column of cells that holds a load."""
    return AREA_M2 if target.column == AREA else target.column


def say_load(target: LoadTarget, value: float) -> str:
    """Return an amount of a load for a message: "812 households", "24,388,262 m²"."""
    amount = f"{value:,.0f}" if abs(value) >= 10_000 or value == int(value) else f"{value:,.5g}"
    return f"{amount} {name_load(target)}"


def name_load(target: LoadTarget) -> str:
    """Return what a load counts, for a message: "households", "m²"."""
    return "m²" if load_column(target) == AREA_M2 else target.column


def cell_loads(
    units: UnitCoverage, loads: FloatArray, weights: Sequence[LoadTarget], cell: IntArray, count: int
) -> dict[str, FloatArray | IntArray]:
    """Return the loads of cells by column, shape (c,) each, whole numbers where those of the units are."""
    result: dict[str, FloatArray | IntArray] = {}
    for target, load in zip(weights, loads.T, strict=True):
        total = np.bincount(cell, weights=load, minlength=count)
        source = units.attributes.get(target.column)
        is_whole = source is not None and pd.api.types.is_integer_dtype(source.dtype)
        if load_column(target) != AREA_M2:
            result[target.column] = np.rint(total).astype(np.int64) if is_whole else total
    return result


def _values_of(units: UnitCoverage, column: str, hours: OfficerHours | None) -> FloatArray:
    if column in (AREA, AREA_M2):
        return units.area_m2()
    if column == OFFICER_HOURS and (hours is not None or column not in units.attributes):
        parts = hours if hours is not None else OfficerHours()
        return officer_hours(
            *(_part(units, part) for part in (parts.visits, parts.walk, parts.stay, parts.events))
        )
    if column not in units.attributes:
        raise InputError(
            f"The units have no field '{column}' to balance; fields of numbers are {_fields(units)}."
        )
    return _numbers(units, column)


def _part(units: UnitCoverage, part: str | float) -> FloatArray:
    if isinstance(part, str):
        if part not in units.attributes:
            raise InputError(
                f"The units have no field '{part}', from which the hours of officers are computed; "
                f"fields of numbers are {_fields(units)}."
            )
        return _numbers(units, part)
    if not (np.isfinite(part) and part >= 0):
        raise ParameterError(f"The hours and visits of officers must be 0 or more, not {part:g}.")
    return np.full(len(units), float(part))


def _fields(units: UnitCoverage) -> str:
    numeric = [str(name) for name in units.attributes.select_dtypes("number").columns]
    return ", ".join(numeric[:8]) or "none"


def _numbers(units: UnitCoverage, column: str) -> FloatArray:
    """Return a column as numbers that can be weights."""
    raw = units.attributes[column]
    values = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = raw.isna().to_numpy() | (raw.astype(str).str.strip() == "").to_numpy()
    for bad, what in (
        (missing, "missing"),
        (np.isnan(values), "'{value}', which is no number"),
        (np.isinf(values), "infinite"),
        (values < 0, "{value}, which is negative"),
    ):
        for k in np.flatnonzero(bad)[:1].tolist():
            said = what.format(value=raw.iloc[k])
            raise InputError(
                f"The value of {column} in unit '{units.code[k]}' is {said}{and_more(int(bad.sum()))}; "
                "give every unit a number of 0 or more."
            )
    return values
