"""Gaps of kind overlap: ground in several cells."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from gis.gaps.findings import HAIRLINE_M2, count_inhabitants, findings_from_area
from gis.gaps.frame import build_gap_frame
from gis.gaps.gap_input import GapInput
from gis.gaps.identity import shared_ground
from gis.gaps.kind import Figure, GapFacts, GapKind, GapSymbol
from gis.gaps.phrases import cell_phrase, min_area_phrase
from gis.progress import Progress
from gis.text import Text
from gis.topology.findings import format_area


@dataclass(frozen=True)
class OverlapRule:
    """Ground that lies in several cells is a gap from this size on, m²."""

    min_area_m2: float = HAIRLINE_M2


def find_overlap_gaps(gap_input: GapInput, rule: OverlapRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each piece of ground in several cells; its cell is the one of the lowest code."""
    found = findings_from_area(gap_input, OVERLAP.name, rule.min_area_m2)
    progress(1, 1)
    polygons = np.array(found.geometry, dtype=object)
    households, enterprises = count_inhabitants(gap_input, polygons)
    cell_codes = [codes.split(",") for codes in found["codes"]]
    first = [codes[0] for codes in cell_codes]
    area_of = dict(zip(gap_input.cell_codes, gap_input.cell_area_codes, strict=True))
    return build_gap_frame(
        polygons,
        [{"min_area_m2": rule.min_area_m2, "cells": codes} for codes in cell_codes],
        cell_code=first,
        area_code=[area_of.get(code) for code in first],
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def _explain_rule(facts: GapFacts) -> Text:
    phrase = min_area_phrase(facts.figures["min_area_m2"])
    return Text(f"任何地面都不同时属于两个网格{phrase.zh}", f"no ground lies in two cells{phrase.en}")


def _explain_detail(facts: GapFacts) -> Text:
    # Two cells may bear one code.
    first, last = facts.figures["cells"][0], facts.figures["cells"][-1]
    area = format_area(facts.area_m2)
    if first is None or last is None:
        one, other = cell_phrase(first), cell_phrase(last)
        begin = one.en[0].upper() + one.en[1:]
        return Text(f"{one.zh}与{other.zh}重叠 {area}。", f"{begin} and {other.en} overlap by {area}.")
    return Text(f"网格 {first} 与 {last} 重叠 {area}。", f"Cells {first} and {last} overlap by {area}.")


OVERLAP = GapKind(
    name="overlap",
    label=Text("重叠", "Overlap"),
    symbol=GapSymbol(hatch=(45, 135)),
    default_rule=OverlapRule(),
    figures=(
        Figure("min_area_m2", "number", "Smaller ground is no gap", unit="m²"),
        Figure("cells", "array", "Codes of the cells, lowest first", names_cells=True),
    ),
    identity=shared_ground,
    rule=_explain_rule,
    detail=_explain_detail,
    missing_input=lambda _: None,
    find=find_overlap_gaps,
    lies_in_named_cells=True,
)
