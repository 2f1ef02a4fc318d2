"""Gaps of kind out_of_reach: homes, enterprises and ground too far, in a straight line, from services."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, IntArray, ObjectArray
from gis.crs import LONLAT, to_lonlat, to_working_crs
from gis.errors import InputError, ParameterError
from gis.gaps.buffers import subtract_buffers
from gis.gaps.frame import build_gap_frame
from gis.gaps.gap_input import GapInput, representative_points
from gis.gaps.identity import same_key
from gis.gaps.kind import Figure, GapFacts, GapKind, GapSymbol
from gis.gaps.phrases import list_phrase
from gis.progress import Progress
from gis.text import Text


@dataclass(frozen=True)
class OutOfReachRule:
    """How far a home, an enterprise and any ground may be from a service point.

    Attributes
    ----------
    distance_m
        Straight distance in the working CRS to the nearest service point of any class not in `by_class`.
    by_class
        Distance per class of service point (column `class`): each class named here is a service of its own,
        and must itself be within its distance. A class without any service point is out of reach everywhere.
    ground
        Whether ground is a gap too where no home and no enterprise is.
    min_ground_m2
        Smaller ground of a cell is no gap unless a home or an enterprise of the cell is out of reach.
    """

    distance_m: float = 1000.0
    by_class: Mapping[str, float] = field(default_factory=dict)
    ground: bool = True
    min_ground_m2: float = 100.0


class _ServiceRequirement(NamedTuple):
    """Service points that must be near: of one class, of all classes `other_than` those, or of any."""

    class_name: str | None
    other_than: list[str]
    points: ObjectArray
    distance_m: float


def _missing_input(gap_input: GapInput) -> Text | None:
    if gap_input.effective_service_points is not None:
        return None
    return Text("没有服务网点数据", "no service points were given")


def find_out_of_reach_gaps(gap_input: GapInput, rule: OutOfReachRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap per cell and service, with the part of the cell that is out of reach.

    Homes and enterprises count in the cell that owns them, by their exact distance; those in no cell are gaps
    of kind unassigned. Ground is cut with circles as `subtract_buffers` draws them.
    """
    requirements = _service_requirements(gap_input, rule)
    frames = []
    for number, service in enumerate(requirements):

        def report_service_progress(done: int, total: int, before: int = number) -> None:
            progress(before * total + done, len(requirements) * total)

        frames.append(_gaps_beyond(gap_input, rule, service, report_service_progress))
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=LONLAT)


def _service_requirements(gap_input: GapInput, rule: OutOfReachRule) -> list[_ServiceRequirement]:
    """Each service with its points in the working CRS."""
    services = gap_input.effective_service_points
    if services is None:
        raise InputError("There are no service points; give a file of them.")
    places = _projected_points(services, gap_input.working_crs)
    located = ~shapely.is_empty(places)
    if not rule.by_class:
        return [_ServiceRequirement(None, [], places[located], rule.distance_m)]
    if "class" not in services.columns:
        raise ParameterError(
            "The rules set out_of_reach.by_class, but the service points have no column 'class'."
        )
    classes = services["class"].astype(str).to_numpy(dtype=object)
    requirements = [
        _ServiceRequirement(name, [], places[located & (classes == name)], distance)
        for name, distance in sorted(rule.by_class.items())
    ]
    others = ~np.isin(classes.astype(str), list(rule.by_class))
    if others.any():
        requirements.append(
            _ServiceRequirement(None, sorted(rule.by_class), places[located & others], rule.distance_m)
        )
    return requirements


def _gaps_beyond(
    gap_input: GapInput, rule: OutOfReachRule, service: _ServiceRequirement, progress: Progress
) -> gpd.GeoDataFrame:
    cells, points, distance = len(gap_input.cell_polygons), service.points, service.distance_m
    remaining = subtract_buffers(gap_input.cell_polygons, points, distance, progress=progress)
    area = shapely.area(remaining)
    households, enterprises = _count_beyond(gap_input, points, distance)
    large = (area >= rule.min_ground_m2) & (area > 0) if rule.ground else np.zeros(cells, dtype=bool)
    rows = np.flatnonzero(large | (households > 0) | (enterprises > 0))
    all_households, all_enterprises = _cell_totals(gap_input)
    whole = shapely.area(gap_input.cell_polygons[rows])
    share = np.divide(area[rows], whole, out=np.zeros(len(rows)), where=whole > 0)
    rules = {"distance_m": distance, "class": service.class_name, "other_than": service.other_than}
    figures: list[dict[str, Any]] = [{**rules, "ground_share": round(part, 4)} for part in share.tolist()]
    if gap_input.entities is not None:
        totals = zip(all_households[rows].tolist(), all_enterprises[rows].tolist(), strict=True)
        figures = [
            {**each, "households_in_all": homes, "enterprises_in_all": firms}
            for each, (homes, firms) in zip(figures, totals, strict=True)
        ]
    geometries = gpd.GeoSeries(remaining[rows], crs=gap_input.working_crs)
    return build_gap_frame(
        np.array(to_lonlat(gpd.GeoDataFrame(geometry=geometries)).geometry, dtype=object),
        figures,
        cell_code=gap_input.cell_codes[rows],
        area_code=gap_input.cell_area_codes[rows],
        area_m2=area[rows],
        households=households[rows],
        enterprises=enterprises[rows],
    )


def _count_beyond(gap_input: GapInput, points: ObjectArray, distance: float) -> tuple[IntArray, IntArray]:
    """Households and enterprises of each cell farther than the distance from every point."""
    if gap_input.entities is None:
        return _sum_by_cell(gap_input, np.empty(0, dtype=np.int64))
    return _sum_by_cell(gap_input, _rows_beyond(gap_input, points, distance))


def _rows_beyond(gap_input: GapInput, points: ObjectArray, distance: float) -> IntArray:
    """Return the rows of the homes and enterprises in cells that are farther than that from every point."""
    assert gap_input.entities is not None
    counted = np.flatnonzero((gap_input.cell_rows >= 0) & (gap_input.households + gap_input.enterprises > 0))
    geometries = np.array(
        to_working_crs(to_lonlat(gap_input.entities.iloc[counted]), gap_input.working_crs).geometry,
        dtype=object,
    )
    located = np.flatnonzero(~(shapely.is_missing(geometries) | shapely.is_empty(geometries)))
    counted, geometries = counted[located], geometries[located]
    near: BoolArray = np.zeros(len(counted), dtype=bool)
    if len(points):
        (reached, _), gap = shapely.STRtree(points).query_nearest(
            geometries, all_matches=False, return_distance=True
        )
        near[reached] = gap <= distance
    beyond: IntArray = counted[~near]
    return beyond


def _affected_rows(gap_input: GapInput, facts: GapFacts, _ground: shapely.Geometry | None) -> IntArray:
    """Return the rows of the homes and enterprises of the gap's cell that the service does not reach."""
    distance, name, others = (facts.figures[key] for key in ("distance_m", "class", "other_than"))
    rule = OutOfReachRule(distance_m=distance, by_class=dict.fromkeys([name] if name else others, distance))
    services = _service_requirements(gap_input, rule)
    points = next((each.points for each in services if each.class_name == name), np.empty(0, dtype=object))
    rows = _rows_beyond(gap_input, points, distance)
    own: IntArray = rows[gap_input.cell_codes[gap_input.cell_rows[rows]] == facts.cell_code]
    return own


def _cell_totals(gap_input: GapInput) -> tuple[IntArray, IntArray]:
    """Households and enterprises of each cell."""
    if gap_input.entities is None:
        return _sum_by_cell(gap_input, np.empty(0, dtype=np.int64))
    return _sum_by_cell(gap_input, np.flatnonzero(gap_input.cell_rows >= 0))


def _sum_by_cell(gap_input: GapInput, entities: IntArray) -> tuple[IntArray, IntArray]:
    count = len(gap_input.cell_polygons)
    if not len(entities):
        zeros: IntArray = np.zeros(count, dtype=np.int64)
        return zeros, zeros
    cell_row = gap_input.cell_rows[entities]
    households = np.bincount(cell_row, weights=gap_input.households[entities], minlength=count)
    enterprises = np.bincount(cell_row, weights=gap_input.enterprises[entities], minlength=count)
    return households.astype(np.int64), enterprises.astype(np.int64)


def _projected_points(services: gpd.GeoDataFrame, crs: CRS) -> ObjectArray:
    projected = to_working_crs(to_lonlat(services), crs)
    return representative_points(np.array(projected.geometry, dtype=object))


def _explain_rule(facts: GapFacts) -> Text:
    distance, name, others = (facts.figures[key] for key in ("distance_m", "class", "other_than"))
    service = Text("", "")
    if name is not None:
        service = Text(f"（{name} 类）", f" of class {name}")
    elif others:
        listed = list_phrase(others)
        service = Text(f"（{listed.zh} 以外各类）", f" of a class other than {listed.en}")
    return Text(
        f"到服务网点{service.zh}的直线距离不超过 {distance:g} m",
        f"within {distance:g} m, in a straight line, of a service point{service.en}",
    )


def _explain_detail(facts: GapFacts) -> Text:
    share, homes, firms = (
        facts.figures.get(key) for key in ("ground_share", "households_in_all", "enterprises_in_all")
    )
    ground = Text(f"超出距离的占网格面积 {share:.0%}", f"Beyond: {share:.0%} of the ground")
    if homes is None or firms is None:
        return Text(f"{ground.zh}。", f"{ground.en}.")
    parts = [
        *_affected(facts.households, homes, Text("户", "households"), "户"),
        *_affected(facts.enterprises, firms, Text("家企业", "enterprises"), "家"),
    ]
    if not parts:
        return Text(f"{ground.zh}。", f"{ground.en}.")
    return Text(
        f"{ground.zh}，涉及{'、'.join(part.zh for part in parts)}。",
        f"{ground.en}, {', '.join(part.en for part in parts)}.",
    )


def _affected(number: int, whole: int, unit: Text, short: str) -> list[Text]:
    """Say how many of a cell's households or enterprises are out of reach; nothing where it has none."""
    if whole == 0:
        return []
    if number == whole:
        every = f"all {whole} {unit.en}" if whole > 1 else f"its only {unit.en.removesuffix('s')}"
        return [Text(f"全部 {whole} {unit.zh}", every)]
    return [Text(f" {whole} {unit.zh}中的 {number} {short}", f"{number} of {whole} {unit.en}")]


OUT_OF_REACH = GapKind(
    name="out_of_reach",
    label=Text("服务不可达", "Out of reach"),
    symbol=GapSymbol(hatch=(45,)),
    default_rule=OutOfReachRule(),
    figures=(
        Figure("distance_m", "number", "The distance that the rule allows", unit="m"),
        Figure("class", "string", "The class of service that is too far; null for any", nullable=True),
        Figure("other_than", "array", "Classes that are services of their own, and do not count here"),
        Figure("ground_share", "number", "Which share of the cell's ground is out of reach"),
        Figure(
            "households_in_all", "integer", "Households of the cell, where entities are known", optional=True
        ),
        Figure(
            "enterprises_in_all",
            "integer",
            "Enterprises of the cell, where entities are known",
            optional=True,
        ),
    ),
    # Whatever classes it leaves out, the rest of the services is one service.
    identity=same_key(
        lambda facts: (facts.cell_code, facts.figures.get("class"), bool(facts.figures.get("other_than")))
    ),
    rule=_explain_rule,
    detail=_explain_detail,
    missing_input=_missing_input,
    find=find_out_of_reach_gaps,
    affected=_affected_rows,
)
