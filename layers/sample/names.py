"""Invented Chinese names of places, enterprises and officers, and codes of areas.

Every name of an enterprise, service point or officer carries the mark `SYNTHETIC`.
"""

import numpy as np
import pandas as pd

from gis.arrays import IntArray, ObjectArray
from layers.sample.code_tables import PROFILE, CodeTables

SYNTHETIC = "（示例）"
"""Mark of an invented name: example."""

DISTRICT_CODE = "449901"
"""44 is Guangdong; no city 4499 exists."""


def place_names(tables: CodeTables, count: int, rng: np.random.Generator, *, skip: int = 0) -> ObjectArray:
    """Return different two-character place names.

    Parameters
    ----------
    tables
        With the morphemes.
    count
        Names wanted.
    rng
        Source of randomness.
    skip
        Names that the same random stream has given already, which are skipped.

    Returns
    -------
    ndarray of str
        Length `count`. If there are fewer combinations, later names get a number character.
    """
    first = tables.place_names["first"].to_numpy(dtype=object)
    second = tables.place_names["second"].to_numpy(dtype=object)
    both = (first[:, None] + second[None, :]).ravel()
    names = pd.unique(both[rng.permutation(len(both))])
    wanted = np.arange(skip, skip + count)
    turn = wanted // len(names)
    suffix = np.array(["", *"二三四五六七八九"], dtype=object)[np.minimum(turn, 8)]
    return np.asarray(names[wanted % len(names)] + suffix, dtype=object)


def person_names(tables: CodeTables, count: int, rng: np.random.Generator) -> ObjectArray:
    """Return invented names of persons, marked synthetic."""
    characters = tables.person_names.set_index("part")["characters"]
    surnames = np.array(list(str(characters["surname"])), dtype=object)
    given = np.array(list(str(characters["given"])), dtype=object)
    # Surnames are listed by frequency; squaring a uniform number favours the first ones.
    chosen = surnames[(rng.uniform(0, 1, count) ** 2 * len(surnames)).astype(int)]
    second = np.where(rng.uniform(0, 1, count) < 0.7, rng.choice(given, count), "")
    return np.asarray(chosen + rng.choice(given, count) + second + SYNTHETIC, dtype=object)


def enterprise_names(
    district: str, kind: IntArray, tables: CodeTables, rng: np.random.Generator
) -> ObjectArray:
    """Return invented enterprise names: place, two characters, and the ending of the enterprise's class.

    Parameters
    ----------
    district
        Place name before every second enterprise's own name.
    kind
        Row of each enterprise's class in the table of enterprise classes.
    tables, rng
        Code tables and source of randomness.

    Returns
    -------
    ndarray of str
        As long as `kind`.
    """
    count = len(kind)
    lucky = np.array(list("恒泰盛隆福瑞祥和顺达通宏远博众汇鑫诚信嘉美佳悦康源联创智科锦华丰利"), dtype=object)
    words = [str(text).split("|") for text in tables.enterprise_classes["words"]]
    width = max(len(row) for row in words)
    table = np.array([[row[i % len(row)] for i in range(width)] for row in words], dtype=object)
    ending = table[kind, rng.integers(0, width, count)]
    before = np.where(rng.uniform(0, 1, count) < 0.5, district, "")
    return np.asarray(
        before + rng.choice(lucky, count) + rng.choice(lucky, count) + ending + SYNTHETIC, dtype=object
    )


def numbered_ids(prefix: str, count: int, *, start: int = 1, width: int = 6) -> ObjectArray:
    """Return ids of fixed width: prefix and number."""
    return np.array([f"{prefix}{number:0{width}d}" for number in range(start, start + count)], dtype=object)


def component_codes(class_code: ObjectArray) -> ObjectArray:
    """Return codes of components as the standard makes them: county, class, and a number within the class."""
    assert PROFILE.classes is not None
    width = PROFILE.classes.component_segments["serial"]
    serial = pd.Series(class_code).groupby(class_code).cumcount() + 1
    return np.array(
        [f"{DISTRICT_CODE}{code}{number:0{width}d}" for code, number in zip(class_code, serial, strict=True)],
        dtype=object,
    )
