"""The code tables of the sample district, read from a folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gis.arrays import IntArray
from gis.errors import InputError
from gis.profiles import load_profile
from gis.profiles.catalogues import ClassKey, load_catalogue

PROFILE = load_profile("gbt47678")
"""The standard that the district follows."""

_COLUMNS = {
    "place_names": ["first", "second"],
    "road_words": ["class", "word"],
    "person_names": ["part", "characters"],
    "enterprise_classes": ["code", "name", "words", "weight", "employees", "place"],
    "risk_classes": ["risk", "name", "interval_days", "share"],
    "sensor_kinds": ["code", "name", "weight", "range_m", "place"],
    "component_classes": ["code", "weight", "shape"],
    "service_point_kinds": ["code", "name", "weight", "capacity"],
}

_NUMBERS = {"weight", "employees", "interval_days", "share", "range_m", "capacity"}


@dataclass(frozen=True)
class CodeTables:
    """The code tables; codes are text, weights and measures are numbers."""

    place_names: pd.DataFrame
    road_words: pd.DataFrame
    person_names: pd.DataFrame
    enterprise_classes: pd.DataFrame
    risk_classes: pd.DataFrame
    sensor_kinds: pd.DataFrame
    component_classes: pd.DataFrame
    service_point_kinds: pd.DataFrame


def read_code_tables(folder: Path) -> CodeTables:
    """Read the code tables of a folder.

    Raises
    ------
    InputError
        If a table is missing, empty, or lacks a column, a number is invalid, or the standard lacks a class.
    """
    tables = {name: _read(folder / f"{name}.csv", columns) for name, columns in _COLUMNS.items()}
    tables["component_classes"] = _with_names(tables["component_classes"], folder / "component_classes.csv")
    return CodeTables(**tables)


def _with_names(classes: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Add the names and groups that the standard gives to classes of components."""
    assert PROFILE.classes is not None
    assert PROFILE.classes.catalogue is not None
    catalogue = load_catalogue(PROFILE.classes.catalogue)
    keys = [ClassKey("component", code) for code in classes["code"]]
    unknown = next((key.code for key in keys if key not in catalogue), None)
    if unknown is not None:
        raise InputError(f"The code table {path} has the class '{unknown}', which {PROFILE.name} has not.")
    found = [catalogue[key] for key in keys]
    return classes.assign(name=[each.name for each in found], group=[each.group for each in found])


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(
            f"The code table {path} is missing; name the folder that holds the code tables."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"The code table {path} is not a CSV file in UTF-8 with a header.") from error
    missing = [column for column in columns if column not in table.columns]
    if missing or table.empty:
        raise InputError(f"The code table {path} has no {missing[0] if missing else 'rows'}.")
    for column in _NUMBERS.intersection(columns):
        numbers = pd.to_numeric(table[column], errors="coerce")
        if not (numbers > 0).all():
            raise InputError(f"The code table {path} needs positive numbers in '{column}' in every row.")
        table[column] = numbers.astype(float)
    return table


def weighted_choice(
    table: pd.DataFrame, count: int, rng: np.random.Generator, *, weight: str = "weight"
) -> IntArray:
    """Draw `count` row positions of a table by its weights."""
    share = table[weight].to_numpy(dtype=float)
    return np.asarray(rng.choice(len(table), size=count, p=share / share.sum()), dtype=np.int64)
