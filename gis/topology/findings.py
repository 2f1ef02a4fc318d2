"""The findings of a check: their kinds, and the frame that holds them."""

from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike
from pyproj import CRS

from gis.arrays import IntArray, ObjectArray
from gis.crs import LONLAT

FINDING_KINDS = (
    "invalid",
    "missing_code",
    "duplicate_code",
    "overlap",
    "blank",
    "outside",
    "crossed_parent",
    "unmatched",
    "sliver",
    "parts",
)
"""Every kind of finding, in the order of a report."""

WARNING_KINDS = frozenset({"sliver", "parts"})
"""The kinds of warnings, which a valid coverage may have."""

FINDING_COLUMNS = ("kind", "severity", "codes", "area_m2", "detail", "geometry")
"""The columns of a frame of findings."""


def join_codes(labels: Iterable[str]) -> str:
    """Join codes with commas, each once, lowest first."""
    return ",".join(sorted(set(labels)))


def format_area(area: float) -> str:
    """Format an area in square metres, or in square kilometres from 0.1 km²."""
    if area >= 100_000:
        return f"{area / 1e6:,.2f} km²"
    return f"{area:,.2f} m²" if area >= 0.01 else f"{area:.1g} m²"


def empty_to_none(polygons: ObjectArray) -> ObjectArray:
    """Return the polygons with None in place of empty ones."""
    result = polygons.copy()
    result[shapely.is_empty(polygons)] = None
    return result


class FindingCollector:
    """Collects findings of some kinds in the working CRS and returns them as one frame in EPSG:4326."""

    def __init__(self, crs: CRS, kinds: Sequence[str] = FINDING_KINDS) -> None:
        self._crs = crs
        self._kinds = list(kinds)
        self._rows: list[tuple[str, str, float, str, object]] = []

    def add(
        self,
        kind: str,
        codes: Sequence[str],
        details: Sequence[str],
        geometries: ArrayLike | Sequence[object],
        areas_m2: ArrayLike | None = None,
    ) -> None:
        """Add findings of one kind.

        Parameters
        ----------
        kind
            One of the collector's kinds.
        codes, details, geometries, areas_m2
            One value per finding; geometry in the working CRS, area 0 when not given.
        """
        areas = np.zeros(len(codes)) if areas_m2 is None else np.asarray(areas_m2, dtype=float)
        values = np.empty(len(codes), dtype=object)
        values[:] = list(geometries)  # type: ignore[arg-type]
        self._rows.extend(
            (kind, code, float(area), detail, value)
            for code, area, detail, value in zip(codes, areas, details, values, strict=True)
        )

    def to_frame(self) -> gpd.GeoDataFrame:
        """Return the findings in EPSG:4326: by kind in the collector's order, the largest first."""
        table = pd.DataFrame(self._rows, columns=["kind", "codes", "area_m2", "detail", "geometry"])
        rank: IntArray = np.array([self._kinds.index(kind) for kind in table["kind"]], dtype=np.int64)
        table.insert(1, "severity", np.where(table["kind"].isin(list(WARNING_KINDS)), "warning", "error"))
        order = np.lexsort(
            (table["codes"].to_numpy(dtype=str), -table["area_m2"].to_numpy(dtype=float), rank)
        )
        table = table.iloc[order].reset_index(drop=True)
        table = table.astype({"kind": object, "severity": object, "codes": object, "detail": object})
        frame = gpd.GeoDataFrame(table[list(FINDING_COLUMNS)], geometry="geometry", crs=self._crs)
        return frame.to_crs(LONLAT)
