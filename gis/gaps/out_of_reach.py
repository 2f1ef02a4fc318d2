"""Gaps of kind out_of_reach: homes, enterprises and ground too far, in a straight line, from a service point.

It cuts the ground and counts who is beyond; distance along streets would be a kind of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.crs import LONLAT, to_lonlat, to_working
from gis.errors import InputError
from gis.gaps.base import GapInput, Integers, Kind, Objects, Progress, gap_frame, on_surface
from gis.gaps.buffers import ground_beyond


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
        Whether ground where nobody lives or works is a gap too.
    min_ground_m2
        Smaller ground of a cell is no gap unless a home or an enterprise of the cell is out of reach.
    """

    distance_m: float = 1000.0
    by_class: Mapping[str, float] = field(default_factory=dict)
    ground: bool = True
    min_ground_m2: float = 100.0


class _Service(NamedTuple):
    """Service points that must be near: of one class, of all classes `other_than` those, or of any."""

    class_name: str | None
    other_than: list[str]
    points: Objects
    distance_m: float

    @property
    def words(self) -> str:
        """How the rule names them, after "a service point"."""
        if self.class_name is not None:
            return f" of class {self.class_name}"
        return f" of a class other than {', '.join(self.other_than)}" if self.other_than else ""


def _missing(given: GapInput) -> str | None:
    return "no service points were given" if given.services is None else None


def find(given: GapInput, rule: OutOfReachRule, progress: Progress) -> gpd.GeoDataFrame:
    """Return one gap per cell and service, with the part of the cell that is out of reach.

    Homes and enterprises count in the cell that owns them, by their exact distance; those in no cell are gaps
    of kind unassigned. Ground is cut with circles as `ground_beyond` draws them. Figures: distance_m, class,
    other_than (classes), ground_share, and where entities were given households_in_all, enterprises_in_all
    of the cell.
    """
    parts = _services(given, rule)
    frames = []
    for number, service in enumerate(parts):

        def tell(done: int, total: int, before: int = number) -> None:
            progress(before * total + done, len(parts) * total)

        frames.append(_beyond(given, rule, service, tell))
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=LONLAT)


def _services(given: GapInput, rule: OutOfReachRule) -> list[_Service]:
    """Each service with its points in the working CRS."""
    services = given.services
    if services is None:
        raise InputError("There are no service points; give a file of them.")
    places = _places(services, given.working)
    located = ~shapely.is_empty(places)
    if not rule.by_class:
        return [_Service(None, [], places[located], rule.distance_m)]
    if "class" not in services.columns:
        raise InputError(
            "The rules set out_of_reach.by_class, but the service points have no column 'class'."
        )
    classes = services["class"].astype(str).to_numpy(dtype=object)
    parts = [
        _Service(name, [], places[located & (classes == name)], distance)
        for name, distance in sorted(rule.by_class.items())
    ]
    others = ~np.isin(classes.astype(str), list(rule.by_class))
    if others.any():
        parts.append(_Service(None, sorted(rule.by_class), places[located & others], rule.distance_m))
    return parts


def _beyond(given: GapInput, rule: OutOfReachRule, service: _Service, progress: Progress) -> gpd.GeoDataFrame:
    cells, points, distance = len(given.shapes), service.points, service.distance_m
    remaining = ground_beyond(given.shapes, points, distance, progress=progress)
    area = shapely.area(remaining)
    households, enterprises = _people_beyond(given, points, distance)
    large = (area >= rule.min_ground_m2) & (area > 0) if rule.ground else np.zeros(cells, dtype=bool)
    rows = np.flatnonzero(large | (households > 0) | (enterprises > 0))
    all_households, all_enterprises = _totals(given)
    whole = shapely.area(given.shapes[rows])
    share = np.divide(area[rows], whole, out=np.zeros(len(rows)), where=whole > 0)
    details = [f"{part:.0%} of the ground" for part in share]
    rules = {"distance_m": distance, "class": service.class_name, "other_than": service.other_than}
    figures: list[dict[str, Any]] = [{**rules, "ground_share": round(part, 4)} for part in share.tolist()]
    if given.entities is not None:
        totals = list(zip(all_households[rows].tolist(), all_enterprises[rows].tolist(), strict=True))
        beyond = zip(households[rows].tolist(), enterprises[rows].tolist(), strict=True)
        details = [
            f"{ground}, {lost} of {homes} households, {out} of {firms} enterprises"
            for ground, (lost, out), (homes, firms) in zip(details, beyond, totals, strict=True)
        ]
        figures = [
            {**each, "households_in_all": homes, "enterprises_in_all": firms}
            for each, (homes, firms) in zip(figures, totals, strict=True)
        ]
    shapes = gpd.GeoSeries(remaining[rows], crs=given.working)
    return gap_frame(
        OUT_OF_REACH.name,
        np.array(to_lonlat(gpd.GeoDataFrame(geometry=shapes)).geometry, dtype=object),
        rule=f"within {distance:g} m, in a straight line, of a service point{service.words}",
        detail=[f"Beyond: {detail}." for detail in details],
        figures=figures,
        cell_code=given.codes[rows],
        area_code=given.cell_areas[rows],
        area_m2=area[rows],
        households=households[rows],
        enterprises=enterprises[rows],
    )


def _people_beyond(given: GapInput, points: Objects, distance: float) -> tuple[Integers, Integers]:
    """Households and enterprises of each cell farther than the distance from every point."""
    if given.entities is None:
        return _sums(given, np.empty(0, dtype=np.int64))
    counted = np.flatnonzero((given.owners >= 0) & (given.households + given.enterprises > 0))
    shapes = np.array(
        to_working(to_lonlat(given.entities.iloc[counted]), given.working).geometry, dtype=object
    )
    located = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    counted, shapes = counted[located], shapes[located]
    near: NDArray[np.bool_] = np.zeros(len(counted), dtype=bool)
    if len(points):
        (found, _), gap = shapely.STRtree(points).query_nearest(
            shapes, all_matches=False, return_distance=True
        )
        near[found] = gap <= distance
    return _sums(given, counted[~near])


def _totals(given: GapInput) -> tuple[Integers, Integers]:
    """Households and enterprises of each cell."""
    if given.entities is None:
        return _sums(given, np.empty(0, dtype=np.int64))
    return _sums(given, np.flatnonzero(given.owners >= 0))


def _sums(given: GapInput, entities: Integers) -> tuple[Integers, Integers]:
    count = len(given.shapes)
    if not len(entities):
        nobody: Integers = np.zeros(count, dtype=np.int64)
        return nobody, nobody
    owner = given.owners[entities]
    households = np.bincount(owner, weights=given.households[entities], minlength=count)
    enterprises = np.bincount(owner, weights=given.enterprises[entities], minlength=count)
    return households.astype(np.int64), enterprises.astype(np.int64)


def _places(services: gpd.GeoDataFrame, crs: CRS) -> Objects:
    projected = to_working(to_lonlat(services), crs)
    return on_surface(np.array(projected.geometry, dtype=object))


OUT_OF_REACH = Kind("out_of_reach", OutOfReachRule(), _missing, find)
