"""The gaps of a map: as an HTML map holds them, and as they are drawn and explained on paper."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gis.arrays import IntArray, ObjectArray
from gis.gaps import explain_gap, gap_facts, gap_label, gap_symbol
from layers.maps import mpl_style
from layers.maps.encoding import encode_geometry
from layers.maps.map_layers import as_strings, dictionary_encode, rounded_list

MAX_GAPS = 20_000
"""The most gaps that a file holds."""

_GAP_SIZE_COLUMNS = ("area_m2", "households", "enterprises")
_SEVERITY = {"low": 1, "medium": 2, "high": 3}
_SEVERITY_COLOURS = {3: "#B2182B", 2: "#E08214", 1: "#C4A000"}


def encode_gaps(gaps: gpd.GeoDataFrame, language: str) -> dict[str, Any]:
    """Describe the gaps, the most severe and largest first, at most `MAX_GAPS` of them."""
    severity = severity_levels(gaps)
    sizes = {name: gaps[name] for name in _GAP_SIZE_COLUMNS if name in gaps}
    largest = gaps["area_m2"].to_numpy(dtype=float, na_value=0) if "area_m2" in gaps else np.zeros(len(gaps))
    order = np.lexsort((np.arange(len(gaps)), -np.nan_to_num(largest), -severity))[:MAX_GAPS]
    kinds = dictionary_encode(gap_kinds(gaps)[order].tolist())
    return {
        "geo": encode_geometry(gaps.geometry.to_numpy()[order]),
        "total": len(gaps),
        "kind": kinds,
        "hatch": [list(gap_symbol(kind).hatch) for kind in kinds["values"]],
        "rule": dictionary_encode(_rules(gaps.iloc[order], language)) if "rule" in gaps else None,
        "severity": severity[order].tolist(),
        "cell": as_strings(gaps["cell_code"].iloc[order]) if "cell_code" in gaps else None,
        "sizes": {name: rounded_list(values.iloc[order]) for name, values in sizes.items()},
    }


def gap_kinds(gaps: gpd.GeoDataFrame) -> ObjectArray:
    """Return the kind of each gap, an empty text where it has none."""
    kinds: ObjectArray = np.full(len(gaps), "", dtype=object)
    if "kind" in gaps:
        kinds[:] = as_strings(gaps["kind"])
    return kinds


def _rules(gaps: gpd.GeoDataFrame, language: str) -> list[str]:
    """Return the rule that each gap breaks, in the words it was stored with where these are all it has."""
    stored = as_strings(gaps["rule"])
    if "figures" not in gaps:
        return stored
    return [
        getattr(explain_gap(kind, facts, rule=rule, detail="")[0], language)
        for kind, facts, rule in zip(gap_kinds(gaps), gap_facts(gaps), stored, strict=True)
    ]


def severity_levels(gaps: gpd.GeoDataFrame) -> IntArray:
    """Return severity as 1 (low) to 3 (high); a word that is none of the three counts as medium."""
    words = as_strings(gaps["severity"]) if "severity" in gaps else [""] * len(gaps)
    return np.array([_SEVERITY.get(word.lower(), 2) for word in words], dtype=np.int64)


def draw_gaps(axes: Axes, gaps: gpd.GeoDataFrame, *, zorder: float) -> None:
    """Draw gaps in the colours of their severities: ground hatched as its kind says, places as crosses."""
    severity, kinds, geometries = severity_levels(gaps), gap_kinds(gaps), gaps.geometry.to_numpy()
    dimensions = shapely.get_dimensions(geometries)
    for level, tint in sorted(_SEVERITY_COLOURS.items()):
        for kind in np.unique(kinds):
            ground = geometries[(severity == level) & (kinds == kind) & (dimensions == 2)]
            mpl_style.hatch_polygons(axes, ground, tint, gap_symbol(kind).hatch, zorder=zorder)
        places = geometries[(severity == level) & (dimensions == 0)]
        mpl_style.draw_markers(axes, places, "x", tint, zorder=zorder)


def draw_gap_legend(
    sidebar: mpl_style.Sidebar, gaps: gpd.GeoDataFrame, words: Mapping[str, str], language: str
) -> None:
    """Explain the colours of severities and the hatching of kinds, each with the number of its gaps."""
    severity, kinds = severity_levels(gaps), gap_kinds(gaps)
    for level, tint in sorted(_SEVERITY_COLOURS.items(), reverse=True):
        if count := int((severity == level).sum()):
            text = f"{words['gap']} · {words[f'severity_{level}']}  {count:,}"
            sidebar.swatch(Rectangle, text, facecolor=tint, alpha=0.6)
    for kind, count in zip(*np.unique(kinds[kinds != ""], return_counts=True), strict=True):
        text = f"{getattr(gap_label(kind), language)}  {count:,}"
        pattern = mpl_style.hatch_pattern(gap_symbol(kind).hatch)
        sidebar.swatch(Rectangle, text, facecolor="none", hatch=pattern)
