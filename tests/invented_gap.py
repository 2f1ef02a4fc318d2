"""A kind of gap that the product does not have: cells farther than a distance from any lamp.

Whatever kinds have in common must work for it without another line in the product.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.crs import to_lonlat, to_working_crs
from gis.gaps import GAP_KINDS, GapInput, GapKind
from gis.gaps.frame import build_gap_frame
from gis.gaps.identity import same_figures
from gis.gaps.kind import Figure, GapFacts, GapSymbol, Progress
from gis.text import Text


@dataclass(frozen=True)
class DarkRule:
    """How far the middle of a cell may be from a lamp."""

    lamp_m: float = 100.0
    lamps: tuple[str, ...] = ("sensor",)


def _distances(gap_input: GapInput, rule: DarkRule) -> np.ndarray:
    entities = gap_input.entities
    assert entities is not None
    lamps = to_working_crs(to_lonlat(entities[entities["kind"].isin(rule.lamps)]), gap_input.working_crs)
    ground = shapely.union_all(lamps.geometry.to_numpy())
    return shapely.distance(shapely.centroid(gap_input.cell_polygons), ground)


def _find(gap_input: GapInput, rule: DarkRule, progress: Progress) -> gpd.GeoDataFrame:
    away = _distances(gap_input, rule)
    rows = np.flatnonzero(away > rule.lamp_m)
    progress(1, 1)
    polygons = gpd.GeoSeries(gap_input.cell_polygons[rows], crs=gap_input.working_crs).to_crs(4326)
    return build_gap_frame(
        np.array(polygons, dtype=object),
        [
            {
                "lamp_m": rule.lamp_m,
                "away_m": round(float(away[row]), 1),
                "place": str(gap_input.cell_codes[row]),
            }
            for row in rows
        ],
        cell_code=gap_input.cell_codes[rows],
        area_code=gap_input.cell_area_codes[rows],
        area_m2=shapely.area(gap_input.cell_polygons[rows]),
    )


def _missing(gap_input: GapInput) -> Text | None:
    return Text("没有对象数据", "no entities were given") if gap_input.entities is None else None


def _rule(facts: GapFacts) -> Text:
    return Text(f"路灯不远于 {facts.figures['lamp_m']:g} 米", f"a lamp within {facts.figures['lamp_m']:g} m")


def _detail(facts: GapFacts) -> Text:
    away = facts.figures["away_m"]
    return Text(f"最近的路灯在 {away:g} 米外。", f"The nearest lamp is {away:g} m away.")


TOO_DARK = GapKind(
    name="too_dark",
    label=Text("照明不足", "Too dark"),
    symbol=GapSymbol(hatch=(0,)),
    default_rule=DarkRule(),
    figures=(
        Figure("lamp_m", "number", "How far a lamp may be", unit="m"),
        Figure("away_m", "number", "How far the nearest is", unit="m"),
        Figure("place", "string", "The cell"),
    ),
    identity=same_figures("place"),
    rule=_rule,
    detail=_detail,
    missing_input=_missing,
    find=_find,
)


@contextmanager
def registered(kind: GapKind = TOO_DARK) -> Iterator[GapKind]:
    """Have a kind in the catalogue for a while."""
    GAP_KINDS[kind.name] = kind
    try:
        yield kind
    finally:
        del GAP_KINDS[kind.name]
