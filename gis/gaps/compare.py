"""Comparing the gaps of two searches: which have appeared, which are gone, which last."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.gaps.catalogue import GAP_KINDS
from gis.gaps.frame import FIGURES_COLUMN


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
    """Find which gaps of one search are gaps of another, as the identity of each kind decides.

    A gap of a kind that is not in the catalogue is the same as no other.

    Parameters
    ----------
    old, new
        Frames with kind, cell_code and geometry in EPSG:4326, and the sizes that identities ask for.
    old_figures, new_figures
        The figures of their gaps.
    """
    before, after = _with_figures(old, old_figures), _with_figures(new, new_figures)
    lasting = []
    for name, kind in GAP_KINDS.items():
        former, latter = (np.flatnonzero(frame["kind"] == name) for frame in (before, after))
        lasting += [
            (int(latter[row]), int(former[other]))
            for row, other in kind.identity(before.iloc[former], after.iloc[latter])
        ]
    lasting.sort()
    stays, stayed = {row for row, _ in lasting}, {row for _, row in lasting}
    return GapComparison(
        [row for row in range(len(new)) if row not in stays],
        [row for row in range(len(old)) if row not in stayed],
        lasting,
    )


def _with_figures(gaps: gpd.GeoDataFrame, figures: Sequence[Mapping[str, Any]]) -> gpd.GeoDataFrame:
    return gaps.assign(**{FIGURES_COLUMN: pd.Series(list(figures), index=gaps.index, dtype=object)})
