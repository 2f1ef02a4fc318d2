"""Gaps of kind blank and overlap: ground of the areas in no cell, and ground in several cells.

The ground is found by `gis.topology.check`; here it becomes gaps, with who lives and works on it.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.codes import require_codes
from gis.crs import to_lonlat
from gis.gaps.base import (
    GapInput,
    GapKind,
    IntArray,
    ObjectArray,
    Progress,
    build_gap_frame,
    representative_points,
)

# As much as a plan's cells may differ from their area in all: what two plans side by side leave where one has
# vertices on their border that the other has not is much less.
_HAIRLINE_M2 = 0.01


@dataclass(frozen=True)
class BlankRule:
    """Ground of an area that lies in no cell is a gap from this size on, m²."""

    min_area_m2: float = _HAIRLINE_M2


@dataclass(frozen=True)
class OverlapRule:
    """Ground that lies in several cells is a gap from this size on, m²."""

    min_area_m2: float = _HAIRLINE_M2


def _missing_blank_input(gap_input: GapInput) -> str | None:
    return "no areas were given" if gap_input.areas is None else None


def find_blank_gaps(gap_input: GapInput, rule: BlankRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each connected piece of an area that lies in no cell.

    Figures: min_area_m2.
    """
    found = _findings_from_area(gap_input, "blank", rule.min_area_m2, progress)
    polygons = np.array(found.geometry, dtype=object)
    households, enterprises = _count_inhabitants(gap_input, polygons)
    return build_gap_frame(
        BLANK.name,
        polygons,
        rule=f"all ground of an area lies in a cell{_min_area_phrase(rule.min_area_m2)}",
        detail=found["detail"].tolist(),
        figures=[{"min_area_m2": rule.min_area_m2}] * len(found),
        area_code=_area_codes(gap_input, polygons),
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def find_overlap_gaps(gap_input: GapInput, rule: OverlapRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each piece of ground in several cells; its cell is the one of the lowest code.

    Figures: min_area_m2, cells (their codes).
    """
    found = _findings_from_area(gap_input, "overlap", rule.min_area_m2, progress)
    polygons = np.array(found.geometry, dtype=object)
    households, enterprises = _count_inhabitants(gap_input, polygons)
    cell_codes = [codes.split(",") for codes in found["codes"]]
    first = [codes[0] for codes in cell_codes]
    area_of = dict(zip(gap_input.cell_codes, gap_input.cell_area_codes, strict=True))
    return build_gap_frame(
        OVERLAP.name,
        polygons,
        rule=f"no ground lies in two cells{_min_area_phrase(rule.min_area_m2)}",
        detail=found["detail"].tolist(),
        figures=[{"min_area_m2": rule.min_area_m2, "cells": codes} for codes in cell_codes],
        cell_code=first,
        area_code=[area_of.get(code) for code in first],
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def _min_area_phrase(min_area_m2: float) -> str:
    return f", pieces from {min_area_m2:g} m² on" if min_area_m2 > 0 else ""


def _findings_from_area(
    gap_input: GapInput, kind: str, min_area_m2: float, progress: Progress
) -> gpd.GeoDataFrame:
    found = gap_input.topology_report.of_kind(kind)
    progress(1, 1)
    return found[found["area_m2"] >= min_area_m2]


def _count_inhabitants(gap_input: GapInput, polygons: ObjectArray) -> tuple[IntArray, IntArray]:
    """Households and enterprises whose location lies inside each piece of ground."""
    if gap_input.entities is None or not len(polygons):
        nobody: IntArray = np.zeros(len(polygons), dtype=np.int64)
        return nobody, nobody
    places = representative_points(np.array(to_lonlat(gap_input.entities).geometry, dtype=object))
    piece, entity = shapely.STRtree(places).query(polygons, predicate="contains")
    count = len(polygons)
    households = np.bincount(piece, weights=gap_input.households[entity], minlength=count)
    enterprises = np.bincount(piece, weights=gap_input.enterprises[entity], minlength=count)
    return households.astype(np.int64), enterprises.astype(np.int64)


def _area_codes(gap_input: GapInput, polygons: ObjectArray) -> ObjectArray:
    """Code of the area on which each piece of ground lies, the lowest where several do, else None."""
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


BLANK = GapKind("blank", BlankRule(), _missing_blank_input, find_blank_gaps)
OVERLAP = GapKind("overlap", OverlapRule(), lambda _: None, find_overlap_gaps)
