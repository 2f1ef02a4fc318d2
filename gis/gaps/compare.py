"""Comparing the gaps of two searches: which have appeared, which are gone, which last.

It says when two gaps are the same one; which searches may be compared is for the callers to say.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import LONLAT

Geometries = NDArray[np.object_]

_MATCHED_BY_AREA = ("blank", "overlap")


class GapComparison(NamedTuple):
    """Rows of two lists of gaps.

    Attributes
    ----------
    appeared
        Rows of the new list that were not there before.
    gone
        Rows of the old list that are no more.
    lasting
        Pairs of (row of the new list, row of the old one).
    """

    appeared: list[int]
    gone: list[int]
    lasting: list[tuple[int, int]]


def compare_gaps(
    old: gpd.GeoDataFrame,
    old_figures: Sequence[Mapping[str, Any]],
    new: gpd.GeoDataFrame,
    new_figures: Sequence[Mapping[str, Any]],
) -> GapComparison:
    """Tell which gaps of one search are gaps of another.

    An unassigned entity is the same gap while it is the same entity; a cell out of reach is while it has the
    same code and misses the same class of service. Ground in no cell, or in several, is the same where the
    two pieces share ground: the largest shares first, each piece once.

    Parameters
    ----------
    old, new
        Frames with kind, cell_code and geometry in EPSG:4326.
    old_figures, new_figures
        The figures of their gaps.
    """
    known = {key: row for row, key in enumerate(_identity_keys(old, old_figures)) if key is not None}
    lasting = [
        (row, known[key])
        for row, key in enumerate(_identity_keys(new, new_figures))
        if key is not None and key in known
    ]
    for kind in _MATCHED_BY_AREA:
        lasting += _match_by_shared_area(old, new, kind)
    lasting.sort()
    stays, stayed = {row for row, _ in lasting}, {row for _, row in lasting}
    return GapComparison(
        [row for row in range(len(new)) if row not in stays],
        [row for row in range(len(old)) if row not in stayed],
        lasting,
    )


def _identity_keys(
    gaps: gpd.GeoDataFrame, figures: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, ...] | None]:
    """Return what a gap is about; None where that is its ground."""
    keys: list[tuple[Any, ...] | None] = []
    for kind, cell, each in zip(gaps["kind"], gaps["cell_code"], figures, strict=True):
        if kind in _MATCHED_BY_AREA:
            keys.append(None)
        elif kind == "unassigned":
            keys.append((kind, each["entity_kind"], each["entity_id"]))
        else:
            keys.append((kind, cell, each["class"], bool(each["other_than"])))
    return keys


def _match_by_shared_area(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, kind: str) -> list[tuple[int, int]]:
    before, after = (np.flatnonzero(frame["kind"] == kind) for frame in (old, new))
    if not len(before) or not len(after):
        return []
    # Degrees do: shares are only put in order, and stretching both alike changes no order.
    geometries: tuple[Geometries, Geometries] = (
        np.asarray(old.to_crs(LONLAT).geometry, dtype=object)[before],
        np.asarray(new.to_crs(LONLAT).geometry, dtype=object)[after],
    )
    later, earlier = shapely.STRtree(geometries[0]).query(geometries[1], predicate="intersects")
    share = shapely.area(shapely.intersection(geometries[1][later], geometries[0][earlier]))
    pairs, used_new, used_old = [], set(), set()
    for place in np.argsort(-share, kind="stable").tolist():
        row, other = int(after[later[place]]), int(before[earlier[place]])
        if share[place] > 0 and row not in used_new and other not in used_old:
            used_new.add(row)
            used_old.add(other)
            pairs.append((row, other))
    return pairs
