"""Rules that become frozen dataclasses when read, and severities with their order and colours."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from gis.arrays import FloatArray, IntArray
from gis.errors import InputError

Rule = TypeVar("Rule")

SEVERITIES = ("high", "medium", "low")
"""Most severe first."""

SEVERITY_COLOURS = {"high": "#b3261e", "medium": "#d9730d", "low": "#c09a12"}
"""The colour of each on the page, on paper and in map files."""

_MAX_EXACT_INTEGER = 2**53
# Up to here every program that reads JSON keeps a whole number as it is.


@dataclass(frozen=True)
class SeverityRule:
    """When a gap is of high, medium or low severity: it is high if any of its sizes reaches its figure.

    A gap below all three that still touches a household or an enterprise, or has `medium_m2` of ground, is
    medium; all others are low.
    """

    high_households: int = 100
    high_enterprises: int = 10
    high_m2: float = 1_000_000.0
    medium_m2: float = 10_000.0


def severity_order(gaps: pd.DataFrame) -> IntArray:
    """Return the rows of gaps in the order in which they are listed everywhere.

    The most severe first, then those that concern the most households and enterprises, then the largest; a
    column that a frame lacks decides nothing, and an unknown severity counts as medium.
    """
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    severity = gaps["severity"] if "severity" in gaps else pd.Series("", index=gaps.index)
    ranks = np.array([rank.get(str(word).lower(), rank["medium"]) for word in severity], dtype=np.int64)
    area, homes, firms = (_numbers(gaps, name) for name in ("area_m2", "households", "enterprises"))
    return np.lexsort((-area, -(homes + firms), ranks))


def _numbers(gaps: pd.DataFrame, column: str) -> FloatArray:
    if column not in gaps:
        return np.zeros(len(gaps))
    numbers: FloatArray = np.nan_to_num(gaps[column].to_numpy(dtype=float, na_value=np.nan))
    return numbers


def read_rule(default: Rule, table: object, table_name: str) -> Rule:
    """Return the default rule with the values of a table in place of its own.

    Parameters
    ----------
    default
        An instance of a frozen dataclass whose values are numbers, booleans, tuples of text or mappings from
        text to numbers; no number may be negative.
    table
        A parsed TOML table.
    table_name
        The table's name, for messages.

    Raises
    ------
    InputError
        If a key is unknown or a value of the wrong type, negative or beyond 2^53.
    """
    if not isinstance(table, Mapping):
        raise InputError(f"The rules' '{table_name}' must be a table like [{table_name}], not {table!r}.")
    known: dict[str, Any] = {field.name: getattr(default, field.name) for field in fields(default)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            choice = ", ".join(known) if known else "none"
            raise InputError(f"The rules name an unknown key '{table_name}.{key}'; known are: {choice}.")
        values[key] = _read_value(known[key], value, f"{table_name}.{key}")
    result: Rule = replace(default, **values)  # type: ignore[type-var]
    return result


def _read_value(default: object, value: object, key_name: str) -> object:
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise InputError(f"The rules' '{key_name}' must be true or false, not {value!r}.")
    if isinstance(default, (int, float)):
        return read_number(default, value, key_name)
    if isinstance(default, tuple):
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise InputError(f"The rules' '{key_name}' must be a list of texts, not {value!r}.")
    if isinstance(value, Mapping):
        return {str(key): read_number(0.0, item, f"{key_name}.{key}") for key, item in value.items()}
    raise InputError(f"The rules' '{key_name}' must be a table of numbers, not {value!r}.")


def read_number(default: float, value: object, key_name: str) -> float:
    """Return a number of rules, whole if its default is.

    Raises
    ------
    InputError
        If it is none, negative or beyond 2^53.
    """
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InputError(
            f"The rules' '{key_name}' must be a {'whole ' if whole else ''}number, not {value!r}."
        )
    if not 0 <= value <= _MAX_EXACT_INTEGER:
        raise InputError(f"The rules' '{key_name}' must be a number from 0 to 2^53; it is {value!r}.")
    return type(default)(value)
