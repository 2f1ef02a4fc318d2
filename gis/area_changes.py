"""What changed between two states of the areas: which were founded, merged, split; where ground went."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.crs import to_working_crs

MAIN_SHARE = 0.1
"""The least share of the ground of an area that went to another, or came from it, to make them kin."""

MOST = 0.5
"""The share of its ground that makes another the one that an area went to."""

NOISE_M2 = 0.01
"""Less ground than this is rounding."""

_SHARE_DIGITS = 3


class AreaChangeKind(StrEnum):
    """The kinds of change of an area; the first that holds names it where only one can stand."""

    merged = "merged"
    parted = "split"
    renumbered = "renumbered"
    founded = "founded"
    ended = "ended"
    moved = "moved"
    redrawn = "redrawn"
    renamed = "renamed"


class GroundFlow(NamedTuple):
    """Ground that went from one area to another of its level; None stands for ground of no area."""

    predecessor: str | None
    successor: str | None
    area_m2: float


@dataclass(frozen=True)
class AreaChange:
    """What became of one area.

    Attributes
    ----------
    code
        Of the area; the former one of one that ended.
    kinds
        In the order of `AreaChangeKind`, at least one.
    name, level, parent
        As they are now; the former ones of an area that ended.
    former_name, former_parent
        Where there was a former state.
    predecessors, successors
        The codes of the areas that a part of its ground came from or went to, without itself.
    """

    code: str
    kinds: tuple[AreaChangeKind, ...]
    name: str
    level: str
    parent: str | None
    former_name: str | None
    former_parent: str | None
    predecessors: tuple[str, ...]
    successors: tuple[str, ...]


@dataclass(frozen=True)
class AreaChanges:
    """The changes between two states by code, the ground that changed hands, and what each had before."""

    changes: tuple[AreaChange, ...]
    flows: tuple[GroundFlow, ...]
    before_m2: Mapping[str, float]

    def heirs(self) -> dict[str, str | None]:
        """Return each area that ends with the one that more than half of its ground went to, if any did."""
        heirs: dict[str, str | None] = {
            change.code: None for change in self.changes if AreaChangeKind.ended in change.kinds
        }
        for flow in self.flows:
            code = flow.predecessor
            # Half is not more than half, however it is rounded.
            if code in heirs and round(flow.area_m2 / self.before_m2[code], _SHARE_DIGITS) > MOST:
                heirs[code] = flow.successor
        return heirs

    def kin(self) -> list[GroundFlow]:
        """Return the flows of a real part between areas of which one ended or was founded."""
        kinds = {change.code: set(change.kinds) for change in self.changes}
        gained: dict[str | None, float] = defaultdict(float)
        for flow in self.flows:
            gained[flow.successor] += flow.area_m2
        new = {
            AreaChangeKind.merged,
            AreaChangeKind.parted,
            AreaChangeKind.renumbered,
            AreaChangeKind.founded,
        }
        return [
            flow
            for flow in self.flows
            if flow.predecessor is not None
            and flow.successor is not None
            and flow.predecessor != flow.successor
            and (
                AreaChangeKind.ended in kinds.get(flow.predecessor, ())
                or bool(new & kinds.get(flow.successor, set()))
            )
            and (
                flow.area_m2 >= MAIN_SHARE * self.before_m2[flow.predecessor]
                or flow.area_m2 >= MAIN_SHARE * gained[flow.successor]
            )
        ]


def compare_areas(
    before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, crs: CRS | None = None
) -> AreaChanges:
    """Compare two states of the areas.

    Parameters
    ----------
    before, after
        EPSG:4326 with code, name, level, parent, geometry; all areas of either state.
    crs
        Metric working CRS; chosen from the extent when not given.
    """
    old, new = _by_code(before), _by_code(after)
    redrawn = {
        code
        for code in old.keys() & new.keys()
        if not shapely.equals_identical(old[code]["geometry"], new[code]["geometry"])
    }
    changing = (old.keys() ^ new.keys()) | redrawn
    flows, before_m2 = _find_flows(
        before[before["code"].isin(changing)],
        after[after["code"].isin(changing)],
        level_keys(before),
        level_keys(after),
        crs,
    )
    comparison = _Comparison(old, new, redrawn, flows, before_m2)
    changes = []
    for code in sorted(old.keys() | new.keys()):
        kinds = comparison.kinds(code)
        if not kinds:
            continue
        now, former = new.get(code, old.get(code, {})), old.get(code)
        changes.append(
            AreaChange(
                code,
                tuple(kind for kind in AreaChangeKind if kind in kinds),
                now["name"],
                now["level"],
                _text(now["parent"]),
                None if former is None else former["name"],
                None if former is None else _text(former["parent"]),
                tuple(sorted(comparison.into[code].keys() - {code})),
                tuple(sorted(comparison.out[code].keys() - {code})),
            )
        )
    return AreaChanges(tuple(changes), tuple(flows), before_m2)


class _Comparison:
    """Two states of areas by code, and the ground that went from each to each."""

    def __init__(
        self,
        old: Mapping[str, Mapping[str, Any]],
        new: Mapping[str, Mapping[str, Any]],
        redrawn: set[str],
        flows: Iterable[GroundFlow],
        before_m2: Mapping[str, float],
    ) -> None:
        self._old, self._new, self._redrawn, self._before_m2 = old, new, redrawn, before_m2
        self.out: dict[str, dict[str, float]] = defaultdict(dict)
        self.into: dict[str, dict[str, float]] = defaultdict(dict)
        for flow in flows:
            if flow.predecessor is not None and flow.successor is not None:
                self.out[flow.predecessor][flow.successor] = flow.area_m2
                self.into[flow.successor][flow.predecessor] = flow.area_m2

    def kinds(self, code: str) -> set[AreaChangeKind]:
        """Return how an area has changed; nothing if it has not."""
        if code not in self._new:
            return {AreaChangeKind.ended}
        return self._kinds_of_kept(code) if code in self._old else self._kinds_of_founded(code)

    def _kinds_of_founded(self, code: str) -> set[AreaChangeKind]:
        kinds, sources, taken = {AreaChangeKind.founded}, self.into[code], self._taken(code)
        if len(taken) > 1:
            return kinds | {AreaChangeKind.merged}
        main = max(sources, key=sources.__getitem__, default=None)
        if main is None or sources[main] < MOST * sum(sources.values()):
            return kinds
        if self._parts(main) - {code}:
            kinds.add(AreaChangeKind.parted)
        elif main in taken and sources[main] >= (1 - MAIN_SHARE) * self._before_m2[main]:
            kinds.add(AreaChangeKind.renumbered)
        return kinds

    def _kinds_of_kept(self, code: str) -> set[AreaChangeKind]:
        kinds, former, now = set(), self._old[code], self._new[code]
        if self._taken(code):
            kinds.add(AreaChangeKind.merged)
        if code in self._redrawn:
            kinds.add(AreaChangeKind.redrawn)
        if any(other not in self._old for other in self._parts(code) if other != code):
            kinds.add(AreaChangeKind.parted)
        if _text(former["parent"]) != _text(now["parent"]) or former["level"] != now["level"]:
            kinds.add(AreaChangeKind.moved)
        if former["name"] != now["name"]:
            kinds.add(AreaChangeKind.renamed)
        return kinds

    def _taken(self, code: str) -> set[str]:
        """Return the areas that are no more and most of which became an area."""
        return {
            source
            for source, area in self.into[code].items()
            if source not in self._new and area >= MOST * self._before_m2[source]
        }

    def _parts(self, code: str) -> set[str]:
        """Return the areas that a real part of an area's ground went to."""
        return {other for other, area in self.out[code].items() if area >= MAIN_SHARE * self._before_m2[code]}


def _find_flows(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    before_levels: Mapping[str, str],
    after_levels: Mapping[str, str],
    crs: CRS | None,
) -> tuple[list[GroundFlow], dict[str, float]]:
    """Return the ground that changed hands, and the ground that each former area had, m²."""
    codes = [frame["code"].to_numpy(dtype=object) for frame in (before, after)]
    lonlat = [np.asarray(frame.geometry.to_numpy(), dtype=object) for frame in (before, after)]
    if not len(codes[0]) and not len(codes[1]):
        return [], {}
    both = gpd.GeoDataFrame(geometry=np.concatenate(lonlat), crs=before.crs or after.crs)
    metric = np.asarray(to_working_crs(both, crs).geometry.to_numpy(), dtype=object)
    projected = [metric[: len(codes[0])], metric[len(codes[0]) :]]
    # In metres and in degrees: a straight border that only one side has vertices on is none in one of them.
    measures = [[np.asarray(shapely.area(shapes)) for shapes in drawn] for drawn in (projected, lonlat)]
    scale = [metric / degrees for metric, degrees in zip(*measures, strict=True)]
    left = [[sizes.copy() for sizes in measure] for measure in measures]
    pairs: list[tuple[int, int]] = []
    if len(codes[0]):
        later, earlier = shapely.STRtree(lonlat[0]).query(lonlat[1], predicate="intersects")
        pairs = sorted(zip(later.tolist(), earlier.tolist(), strict=True))
    flows = []
    for new, old in pairs:
        if before_levels[codes[0][old]] != after_levels[codes[1][new]]:
            continue
        shared = [
            float(shapely.area(shapely.intersection(drawn[0][old], drawn[1][new])))
            for drawn in (projected, lonlat)
        ]
        for remaining, area in zip(left, shared, strict=True):
            remaining[0][old] -= area
            remaining[1][new] -= area
        shared_m2 = min(shared[0], shared[1] * float(scale[0][old]))
        if shared_m2 > NOISE_M2:
            flows.append(GroundFlow(codes[0][old], codes[1][new], shared_m2))
    for side in (0, 1):
        rest = np.minimum(left[0][side], left[1][side] * scale[side])
        for code, m2 in zip(codes[side], rest.tolist(), strict=True):
            if m2 > NOISE_M2:
                flows.append(GroundFlow(code, None, m2) if side == 0 else GroundFlow(None, code, m2))
    return flows, dict(zip(codes[0].tolist(), measures[0][0].tolist(), strict=True))


def level_keys(areas: gpd.GeoDataFrame) -> dict[str, str]:
    """Return what areas of one level share, by code: its name, the digits of the code, or the depth."""
    parents = dict(zip(areas["code"], areas["parent"], strict=True))
    keys = {}
    for code, level in zip(areas["code"], areas["level"], strict=True):
        depth, seen, above = 0, {code}, parents[code]
        while above in parents and above not in seen:
            seen.add(above)
            above, depth = parents[above], depth + 1
        keys[code] = level or (f"{len(code)} digits" if code.isdigit() else f"depth {depth}")
    return keys


def _by_code(areas: gpd.GeoDataFrame) -> dict[str, dict[str, Any]]:
    return {
        row["code"]: {str(name): value for name, value in row.items()} for row in areas.to_dict("records")
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
