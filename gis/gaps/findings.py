"""Findings of the topology check as gaps: pieces of ground, and who lives and works on them."""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import IntArray, ObjectArray
from gis.crs import to_lonlat
from gis.gaps.gap_input import GapInput, representative_points

HAIRLINE_M2 = 0.01
"""As much as a plan's cells may differ from their area in all.

What two plans side by side leave where one has vertices on their border that the other has not is much less.
"""


def findings_from_area(gap_input: GapInput, kind: str, min_area_m2: float) -> gpd.GeoDataFrame:
    """Return the findings of a kind that are of a size or larger."""
    found = gap_input.topology_report.of_kind(kind)
    return found[found["area_m2"] >= min_area_m2].reset_index(drop=True)


def entities_on_ground(gap_input: GapInput, ground: shapely.Geometry | None) -> IntArray:
    """Return the rows of the entities whose location lies inside a piece of ground; none without one."""
    if gap_input.entities is None or ground is None:
        return np.empty(0, dtype=np.int64)
    found = shapely.STRtree(_places(gap_input)).query(ground, predicate="contains")
    return np.sort(found).astype(np.int64)


def count_inhabitants(gap_input: GapInput, polygons: ObjectArray) -> tuple[IntArray, IntArray]:
    """Return the households and enterprises whose location lies inside each piece of ground."""
    if gap_input.entities is None or not len(polygons):
        zeros: IntArray = np.zeros(len(polygons), dtype=np.int64)
        return zeros, zeros
    piece, entity = shapely.STRtree(_places(gap_input)).query(polygons, predicate="contains")
    count = len(polygons)
    households = np.bincount(piece, weights=gap_input.households[entity], minlength=count)
    enterprises = np.bincount(piece, weights=gap_input.enterprises[entity], minlength=count)
    return households.astype(np.int64), enterprises.astype(np.int64)


def _places(gap_input: GapInput) -> ObjectArray:
    assert gap_input.entities is not None
    return representative_points(np.array(to_lonlat(gap_input.entities).geometry, dtype=object))
