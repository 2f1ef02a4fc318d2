"""The loads of units: columns to be balanced, with the area and the hours of officers computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gis.arrays import FloatArray
from gis.balance import LoadTarget
from gis.divide.unit_coverage import UnitCoverage
from gis.errors import InputError, ParameterError

AREA, OFFICER_HOURS = "area", "officer_hours"
"""Loads that are computed where the units have no such column."""


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
        If a column is missing, or a value is missing, text, negative or infinite, or all are 0.
    """
    _check_targets(weights)
    columns = []
    for target in weights:
        values = _values_of(units, target.column, hours)
        if not values.sum() > 0:
            raise InputError(f"{target.column} is 0 in every unit, so that there is nothing to balance.")
        columns.append(values)
    return np.column_stack(columns)


def _check_targets(weights: Sequence[LoadTarget]) -> None:
    if not weights:
        raise ParameterError("Name at least one weight to balance, for example area.")
    names = [target.column for target in weights]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"The weight {name} is named twice; name it once.")
    for target in weights:
        if not target.tolerance >= 0:
            raise ParameterError(
                f"The tolerance of {target.column} must be 0 or more, not {target.tolerance:g}."
            )
        if target.cap is not None and not target.cap > 0:
            raise ParameterError(f"The cap of {target.column} must be above 0, not {target.cap:g}.")


def _values_of(units: UnitCoverage, column: str, hours: OfficerHours | None) -> FloatArray:
    if column == AREA:
        return units.area_m2()
    if column == OFFICER_HOURS and (hours is not None or column not in units.attributes):
        parts = hours if hours is not None else OfficerHours()
        return officer_hours(*(_part(units, part) for part in (parts.visits, parts.walk, parts.stay, parts.events)))
    if column not in units.attributes:
        raise InputError(f"The units have no field '{column}' to balance; {_fields(units)}.")
    return _numbers(units, column)


def _part(units: UnitCoverage, part: str | float) -> FloatArray:
    if isinstance(part, str):
        if part not in units.attributes:
            raise InputError(
                f"The units have no field '{part}', from which the hours of officers are computed; "
                f"{_fields(units)}."
            )
        return _numbers(units, part)
    if not (np.isfinite(part) and part >= 0):
        raise ParameterError(f"The hours and visits of officers must be 0 or more, not {part:g}.")
    return np.full(len(units), float(part))


def _fields(units: UnitCoverage) -> str:
    numeric = [str(name) for name in units.attributes.select_dtypes("number").columns]
    return "fields of numbers are " + ", ".join(numeric[:8]) if numeric else "they have no field of numbers"


def _numbers(units: UnitCoverage, column: str) -> FloatArray:
    """Return a column as numbers that can be weights."""
    raw = units.attributes[column]
    values = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = raw.isna().to_numpy() | (raw.astype(str).str.strip() == "").to_numpy()
    for bad, what in (
        (missing, "has no {column}"),
        (np.isnan(values), "has '{value}' as {column}, which is no number"),
        (np.isinf(values), "has an infinite {column}"),
        (values < 0, "has {value} as {column}, and no weight is negative"),
    ):
        for k in np.flatnonzero(bad)[:1].tolist():
            count = int(bad.sum())
            others = f" ({count - 1:,} more units do not fit)" if count > 1 else ""
            said = what.format(column=column, value=raw.iloc[k])
            raise InputError(f"Unit '{units.code[k]}' {said}{others}; give every unit a number of 0 or more.")
    return values
