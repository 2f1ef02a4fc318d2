"""What is judged by a profile: cells, and what is known around them."""

import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.arrays import BoolArray, IntArray, ObjectArray
from gis.codes import fits_area, normalize_codes
from gis.profiles import Profile
from gis.profiles.profile import Attribute
from gis.topology import TopologyReport, check_topology
from gis.topology.polygon_layer import PolygonLayer, read_polygon_layer

_SHAPEFILE_NAME_BYTES = 10
_DAY = re.compile(
    r"([0-9]{4})(?:([0-9]{2})([0-9]{2})|[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?)(?:[T ][0-9:.Z+-]*)?",
    re.ASCII,
)


@dataclass(frozen=True, eq=False)
class ConformInput:
    """Cells and what they are compared with.

    Attributes
    ----------
    profile
        What they should follow.
    cells
        With `code` and maybe `name`, `area_code` and any other columns.
    crs
        The working CRS.
    areas
        The lowest areas, with `code`; None if not given.
    buildings
        Polygons; None if not given.
    units
        The cells that these cells are made of, with `code`; None if not given.
    level
        The level of these cells, by its name in the profile.
    ended
        Codes of ended cells; None if not given.
    """

    profile: Profile
    cells: gpd.GeoDataFrame
    crs: CRS
    areas: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None
    units: gpd.GeoDataFrame | None = None
    level: str = "management"
    ended: Collection[str] | None = None

    @cached_property
    def layer(self) -> PolygonLayer:
        """The cells in the working CRS."""
        return read_polygon_layer(self.cells, self.crs)

    @cached_property
    def area_code(self) -> ObjectArray:
        """The area that each cell names, "" where it names none."""
        if "area_code" not in self.cells.columns:
            return np.full(len(self.cells), "", dtype=object)
        return normalize_codes(self.cells["area_code"])

    @cached_property
    def topology(self) -> TopologyReport:
        """What is wrong with the cells as a coverage."""
        return check_topology(self.cells, self.areas, crs=self.crs)

    @cached_property
    def _parts(self) -> list[tuple[str, str] | None]:
        rule = self.profile.code
        areas = self.area_code.tolist()
        return [_split(rule, code, area) for code, area in zip(self.layer.codes.tolist(), areas, strict=True)]

    @cached_property
    def stem(self) -> ObjectArray:
        """What stands before the sequence in each code; "" where the code has not the profile's form."""
        return np.array([parts[0] if parts else "" for parts in self._parts], dtype=object)

    @cached_property
    def sequence_text(self) -> ObjectArray:
        """The sequence of each code as it is written."""
        return np.array([parts[1] if parts else "" for parts in self._parts], dtype=object)

    @cached_property
    def sequence(self) -> IntArray:
        """The number of each cell within its area; -1 where its code has none."""
        return np.array(
            [int(text) if text.isascii() and text.isdigit() else -1 for text in self.sequence_text],
            dtype=np.int64,
        )

    @cached_property
    def area_part(self) -> ObjectArray:
        """The area's code within each code."""
        rule = self.profile.code
        cut = len(rule.separator)
        return np.array([stem[rule.class_length : len(stem) - cut] for stem in self.stem], dtype=object)

    @cached_property
    def is_alone(self) -> BoolArray:
        """Whether a cell is the only one of its area."""
        known = pd.Series(self.stem, dtype=object)
        return np.asarray((known.groupby(known).transform("size") == 1) & (known != ""), dtype=bool)

    def column_of(self, attribute: Attribute) -> str | None:
        """Return the column that holds an attribute, in whatever case, perhaps with its name cut short."""
        lower = {str(column).lower(): str(column) for column in reversed(self.cells.columns)}
        names = [name.lower() for name in attribute.columns]
        # A Shapefile has no longer names.
        names += [name.encode()[:_SHAPEFILE_NAME_BYTES].decode(errors="ignore") for name in names]
        return next((lower[name] for name in names if name in lower), None)


def _split(rule: Any, code: str, area: str) -> tuple[str, str] | None:
    """Return a code before and after the start of its sequence, or None if it has another form."""
    cut = rule.stem_length(code)
    if cut is None:
        return None
    before = len(rule.separator)
    if (
        rule.higher_areas == "sequence"
        and code[rule.class_length :].startswith(area)
        and fits_area(rule, area)
    ):
        cut = rule.class_length + len(area)
    stem = code[:cut]
    if not fits_area(rule, stem[rule.class_length : cut - before]):
        return None
    if not re.fullmatch(f"{rule.sequence.alphabet}+", code[cut:], re.ASCII):
        return None
    first = rule.class_code
    if first is None:
        first = stem[: rule.class_length]
        if not first.isdigit():
            return None
    return (stem, code[cut:]) if stem.startswith(first) else None


def read_day(value: Any) -> datetime.date | None:
    """Return a value as a day: a date, or text such as 2026-07-01, 20260701 or 2026年7月1日; else None."""
    if pd.isna(value):
        return None
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    match = _DAY.fullmatch(str(value).strip())
    try:
        return datetime.date(*(int(group) for group in match.groups() if group)) if match else None
    except ValueError:
        return None
