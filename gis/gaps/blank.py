"""Gaps of kind blank: ground of the areas in no cell."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import ObjectArray
from gis.codes import require_codes
from gis.crs import to_lonlat, to_working_crs
from gis.gaps.findings import HAIRLINE_M2, count_inhabitants, findings_from_area
from gis.gaps.frame import build_gap_frame
from gis.gaps.gap_input import GapInput, representative_points
from gis.gaps.identity import shared_ground
from gis.gaps.kind import Figure, GapFacts, GapKind, GapSymbol
from gis.gaps.phrases import beside_phrase, min_area_phrase
from gis.progress import Progress
from gis.text import Text
from gis.topology.findings import format_area
from gis.topology.polygon_layer import NOISE_WIDTH_M, mean_width


@dataclass(frozen=True)
class BlankRule:
    """Ground of an area that lies in no cell is a gap from this size on, m²."""

    min_area_m2: float = HAIRLINE_M2


def find_blank_gaps(gap_input: GapInput, rule: BlankRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each connected piece of an area that lies in no cell."""
    found = findings_from_area(gap_input, BLANK.name, rule.min_area_m2)
    progress(1, 1)
    polygons = np.array(found.geometry, dtype=object)
    households, enterprises = count_inhabitants(gap_input, polygons)
    widths = mean_width(np.array(to_working_crs(found, gap_input.working_crs).geometry, dtype=object))
    known = set(gap_input.cell_codes)
    figures = [
        {
            "min_area_m2": rule.min_area_m2,
            "cells": [code for code in codes.split(",") if code in known],
            "hairline": bool(width <= NOISE_WIDTH_M),
        }
        for codes, width in zip(found["codes"], widths, strict=True)
    ]
    return build_gap_frame(
        polygons,
        figures,
        area_code=_area_codes(gap_input, polygons),
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def _missing_input(gap_input: GapInput) -> Text | None:
    if not gap_input.whole:
        return Text("该网格体系只覆盖部分区域", "the scheme covers its areas in part")
    return Text("没有区划数据", "no areas were given") if gap_input.areas is None else None


def _area_codes(gap_input: GapInput, polygons: ObjectArray) -> ObjectArray:
    """Return the code of the area that each piece of ground lies on, the lowest of several, None for none."""
    codes: ObjectArray = np.full(len(polygons), None, dtype=object)
    if gap_input.leaf_areas is None or not len(polygons):
        return codes
    areas = to_lonlat(gap_input.leaf_areas)
    names = require_codes(areas["code"])
    piece, area = shapely.STRtree(np.array(areas.geometry, dtype=object)).query(
        representative_points(polygons), predicate="intersects"
    )
    for row, code in zip(piece.tolist(), names[area].tolist(), strict=True):
        if codes[row] is None or code < codes[row]:
            codes[row] = code
    return codes


def _explain_rule(facts: GapFacts) -> Text:
    phrase = min_area_phrase(facts.figures["min_area_m2"])
    return Text(f"区划内的地面都属于某个网格{phrase.zh}", f"all ground of an area lies in a cell{phrase.en}")


def _explain_detail(facts: GapFacts) -> Text:
    area = format_area(facts.area_m2)
    beside = beside_phrase(facts.figures.get("cells") or [])
    where = Text("", "")
    if facts.area_code is not None:
        where = Text(f"区划 {facts.area_code} 内的", f" in area {facts.area_code}")
    if facts.figures.get("hairline", False):
        return Text(f"{where.zh}边界缝隙共 {area}。", f"Hairlines{where.en} sum to {area}.")
    return Text(
        f"{where.zh}这片地不属于任何网格，面积 {area}{beside.zh}。",
        f"A blank of {area}{where.en}{beside.en}.",
    )


BLANK = GapKind(
    name="blank",
    label=Text("空白", "Blank"),
    symbol=GapSymbol(hatch=(0, 90)),
    default_rule=BlankRule(),
    figures=(
        Figure("min_area_m2", "number", "Smaller ground is no gap", unit="m²"),
        Figure(
            "cells", "array", "Codes of the cells beside it, lowest first", optional=True, names_cells=True
        ),
        Figure("hairline", "boolean", "It is rounding noise along a border", optional=True),
    ),
    identity=shared_ground,
    rule=_explain_rule,
    detail=_explain_detail,
    missing_input=_missing_input,
    find=find_blank_gaps,
)
