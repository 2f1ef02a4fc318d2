"""Gaps of kind blank and overlap: ground of the areas in no cell, and ground in several cells.

The ground is found by `gis.topology.check`; here it becomes gaps, with who lives and works on it.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.codes import required_codes
from gis.crs import to_lonlat
from gis.gaps.base import GapInput, Integers, Kind, Objects, Progress, gap_frame, on_surface

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


def _blank_missing(given: GapInput) -> str | None:
    return "no areas were given" if given.areas is None else None


def find_blank(given: GapInput, rule: BlankRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each connected piece of an area that lies in no cell.

    Figures: min_area_m2.
    """
    found = _ground(given, "blank", rule.min_area_m2, progress)
    shapes = np.array(found.geometry, dtype=object)
    households, enterprises = _inhabitants(given, shapes)
    return gap_frame(
        BLANK.name,
        shapes,
        rule=f"all ground of an area lies in a cell{_from(rule.min_area_m2)}",
        detail=found["detail"].tolist(),
        figures=[{"min_area_m2": rule.min_area_m2}] * len(found),
        area_code=_areas(given, shapes),
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def find_overlap(given: GapInput, rule: OverlapRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap for each piece of ground in several cells; its cell is the one of the lowest code.

    Figures: min_area_m2, cells (their codes).
    """
    found = _ground(given, "overlap", rule.min_area_m2, progress)
    shapes = np.array(found.geometry, dtype=object)
    households, enterprises = _inhabitants(given, shapes)
    several = [codes.split(",") for codes in found["codes"]]
    first = [codes[0] for codes in several]
    area_of = dict(zip(given.codes, given.cell_areas, strict=True))
    return gap_frame(
        OVERLAP.name,
        shapes,
        rule=f"no ground lies in two cells{_from(rule.min_area_m2)}",
        detail=found["detail"].tolist(),
        figures=[{"min_area_m2": rule.min_area_m2, "cells": codes} for codes in several],
        cell_code=first,
        area_code=[area_of.get(code) for code in first],
        area_m2=found["area_m2"].to_numpy(),
        households=households,
        enterprises=enterprises,
    )


def _from(smallest: float) -> str:
    return f", pieces from {smallest:g} m² on" if smallest > 0 else ""


def _ground(given: GapInput, kind: str, smallest: float, progress: Progress) -> gpd.GeoDataFrame:
    found = given.report.of(kind)
    progress(1, 1)
    return found[found["area_m2"] >= smallest]


def _inhabitants(given: GapInput, ground: Objects) -> tuple[Integers, Integers]:
    """Households and enterprises whose location lies inside each piece of ground."""
    if given.entities is None or not len(ground):
        nobody: Integers = np.zeros(len(ground), dtype=np.int64)
        return nobody, nobody
    places = on_surface(np.array(to_lonlat(given.entities).geometry, dtype=object))
    piece, entity = shapely.STRtree(places).query(ground, predicate="contains")
    count = len(ground)
    households = np.bincount(piece, weights=given.households[entity], minlength=count)
    enterprises = np.bincount(piece, weights=given.enterprises[entity], minlength=count)
    return households.astype(np.int64), enterprises.astype(np.int64)


def _areas(given: GapInput, ground: Objects) -> Objects:
    """Code of the area on which each piece of ground lies, the lowest where several do, else None."""
    codes: Objects = np.full(len(ground), None, dtype=object)
    if given.lowest_areas is None or not len(ground):
        return codes
    areas = to_lonlat(given.lowest_areas)
    names = required_codes(areas["code"])
    piece, area = shapely.STRtree(np.array(areas.geometry, dtype=object)).query(
        on_surface(ground), predicate="intersects"
    )
    for row, code in zip(piece.tolist(), names[area].tolist(), strict=True):
        if codes[row] is None or code < codes[row]:
            codes[row] = code
    return codes


BLANK = Kind("blank", BlankRule(), _blank_missing, find_blank)
OVERLAP = Kind("overlap", OverlapRule(), lambda _: None, find_overlap)
