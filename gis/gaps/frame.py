"""The frame of gaps: its columns, and how a kind builds one."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from gis.arrays import ObjectArray
from gis.crs import LONLAT
from gis.gaps.kind import GapKind, gap_facts

GAP_COLUMNS = (
    "kind",
    "severity",
    "cell_code",
    "area_code",
    "area_m2",
    "households",
    "enterprises",
    "rule",
    "detail",
    "geometry",
)
"""Columns of a gap frame.

kind (str), severity (high, medium, low), cell_code and area_code (str or None), area_m2 (float, ground),
households and enterprises (int), rule (the rule broken, with its figure), detail (what is so here; ids, never
names), geometry (EPSG:4326; empty where an entity has none).
"""

FIGURES_COLUMN = "figures"
"""Column beside these during a search: what each gap says, as its kind's `figures` describe it."""


def build_gap_frame(
    geometry: ObjectArray,
    figures: Sequence[Mapping[str, Any]],
    *,
    cell_code: Sequence[object] | ObjectArray | None = None,
    area_code: Sequence[object] | ObjectArray | None = None,
    area_m2: ArrayLike = 0.0,
    households: ArrayLike = 0,
    enterprises: ArrayLike = 0,
) -> gpd.GeoDataFrame:
    """Build the gaps that a kind has found; what they are called and say follows from the kind.

    Parameters
    ----------
    geometry
        n geometries in EPSG:4326.
    figures
        n of them.
    cell_code, area_code, area_m2, households, enterprises
        See `GAP_COLUMNS`; one value for all sizes, or n of them.
    """
    geometries = geometry.copy()
    geometries[shapely.is_missing(geometries)] = shapely.Point()
    count = len(geometries)
    data: dict[str, Any] = {
        "cell_code": pd.Series([None] * count if cell_code is None else list(cell_code), dtype=object),
        "area_code": pd.Series([None] * count if area_code is None else list(area_code), dtype=object),
        "area_m2": np.broadcast_to(np.asarray(area_m2, dtype=np.float64), count).copy(),
        "households": np.broadcast_to(np.asarray(households, dtype=np.int64), count).copy(),
        "enterprises": np.broadcast_to(np.asarray(enterprises, dtype=np.int64), count).copy(),
        FIGURES_COLUMN: pd.Series([dict(each) for each in figures], dtype=object),
    }
    return gpd.GeoDataFrame(data, geometry=geometries, crs=LONLAT)


def describe_gaps(kind: GapKind, found: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the gaps that a kind has found with its name and with what it says of them, in English.

    Their severity is still open.

    Raises
    ------
    ValueError
        If a gap's figures are not those that the kind describes.
    """
    facts = gap_facts(found)
    for each in facts:
        if not kind.has_figures(each.figures):
            raise ValueError(
                f"A gap of kind {kind.name} has figures that the kind does not describe: {each.figures}"
            )
    described = found.assign(
        kind=pd.Series([kind.name] * len(found), dtype=object),
        severity=pd.Series([""] * len(found), dtype=object),
        rule=pd.Series([kind.rule(each).en for each in facts], dtype=object),
        detail=pd.Series([kind.detail(each).en for each in facts], dtype=object),
    )
    return described[[*GAP_COLUMNS, FIGURES_COLUMN]]
