"""When a gap of one search is a gap of another: the strategies that kinds choose from."""

from collections import defaultdict
from collections.abc import Callable, Hashable

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import LONLAT
from gis.gaps.kind import GapFacts, Identity, gap_facts


def same_key(key: Callable[[GapFacts], Hashable]) -> Identity:
    """Return the identity by which gaps with equal keys are the same one.

    Where a search has several of one key they are paired in their order.

    Parameters
    ----------
    key
        What a gap is about, from its figures or cell.
    """

    def match(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> list[tuple[int, int]]:
        rows: dict[Hashable, list[int]] = defaultdict(list)
        for row, facts in enumerate(gap_facts(old)):
            rows[key(facts)].append(row)
        for found in rows.values():
            found.reverse()
        pairs = []
        for row, facts in enumerate(gap_facts(new)):
            if former := rows.get(key(facts)):
                pairs.append((row, former.pop()))
        return pairs

    return match


def same_figures(*names: str) -> Identity:
    """Return the identity by which gaps that agree in some figures are the same one."""
    return same_key(lambda facts: tuple(facts.figures.get(name) for name in names))


def shared_ground(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    """Pair gaps whose ground overlaps: the largest shares first, each gap once."""
    if not len(old) or not len(new):
        return []
    # Degrees do: shares are only put in order, and stretching both alike changes no order.
    before, after = (np.asarray(frame.to_crs(LONLAT).geometry, dtype=object) for frame in (old, new))
    later, earlier = shapely.STRtree(before).query(after, predicate="intersects")
    share = shapely.area(shapely.intersection(after[later], before[earlier]))
    pairs, used_new, used_old = [], set(), set()
    for place in np.argsort(-share, kind="stable").tolist():
        row, other = int(later[place]), int(earlier[place])
        if share[place] > 0 and row not in used_new and other not in used_old:
            used_new.add(row)
            used_old.add(other)
            pairs.append((row, other))
    return pairs
