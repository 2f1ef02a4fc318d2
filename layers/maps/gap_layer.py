"""The gaps of a map: as an HTML map holds them, and as they are drawn and explained on paper."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gis.arrays import IntArray, ObjectArray
from gis.gaps import (
    NOT_ANALYSED,
    SEVERITIES,
    SEVERITY_COLOURS,
    GapAnalysis,
    OutcomeState,
    explain_gap,
    gap_facts,
    gap_label,
    gap_symbol,
    severity_order,
)
from layers.maps import mpl_style
from layers.maps.encoding import encode_geometry
from layers.maps.map_layers import as_strings, dictionary_encode, rounded_list

MAX_GAPS = 20_000
"""The most gaps that a file holds."""

_GAP_SIZE_COLUMNS = ("area_m2", "households", "enterprises")
_SEVERITY = {severity: level for level, severity in enumerate(reversed(SEVERITIES), 1)}
LEVEL_COLOURS = {level: SEVERITY_COLOURS[severity] for severity, level in _SEVERITY.items()}
"""The colours of severities from 1 (low) to 3 (high)."""


def encode_gaps(gaps: gpd.GeoDataFrame, language: str) -> dict[str, Any]:
    """Describe the gaps, the most severe first, at most `MAX_GAPS` of them."""
    severity = severity_levels(gaps)
    sizes = {name: gaps[name] for name in _GAP_SIZE_COLUMNS if name in gaps}
    order = severity_order(gaps)[:MAX_GAPS]
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


def analysis_lines(
    gaps: gpd.GeoDataFrame | None, analysis: GapAnalysis | None, words: Mapping[str, str], language: str
) -> list[str]:
    """Return what a legend says beside the gaps it counts, so that a map without gaps is not taken for proof.

    Parameters
    ----------
    gaps
        Those of the map; None where it has none to show.
    analysis
        What is known of them; None where nobody says it, as for gaps from a file.
    words
        The words of the map.
    """
    unknown = unknown_lines(gaps, analysis, words, language)
    if analysis is None or analysis.on is None:
        return unknown
    lines = [words["gaps_on"].format(day=analysis.on.isoformat())]
    if analysis.part is not None:
        lines.append(words["gaps_in_part"].format(code=analysis.part))
    none = [
        each.sentence(language)
        for each in analysis.outcomes
        if each.state is OutcomeState.analysed and not each.gaps
    ]
    return lines + none + unknown


def unknown_lines(
    gaps: gpd.GeoDataFrame | None, analysis: GapAnalysis | None, words: Mapping[str, str], language: str
) -> list[str]:
    """Return what is not known of gaps: kinds that were skipped or not analysed; see `analysis_lines`."""
    if analysis is None:
        return [words["gaps_from_file" if gaps is not None else "gaps_unknown"]]
    if analysis.on is None:
        return [f"{words['gaps']} · {getattr(NOT_ANALYSED, language)}"]
    return [each.sentence(language) for each in analysis.outcomes if each.state is not OutcomeState.analysed]


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
    for level, tint in sorted(LEVEL_COLOURS.items()):
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
    for level, tint in sorted(LEVEL_COLOURS.items(), reverse=True):
        if count := int((severity == level).sum()):
            text = f"{words['gap']} · {words[f'severity_{level}']}  {count:,}"
            sidebar.swatch(Rectangle, text, facecolor=tint, alpha=0.6)
    for kind, count in zip(*np.unique(kinds[kinds != ""], return_counts=True), strict=True):
        text = f"{getattr(gap_label(kind), language)}  {count:,}"
        pattern = mpl_style.hatch_pattern(gap_symbol(kind).hatch)
        sidebar.swatch(Rectangle, text, facecolor="none", hatch=pattern)
