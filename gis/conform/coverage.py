"""Clauses on the plan as a coverage: closed cells, no blank, no overlap, no building cut."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import shapely

from gis.conform.clause import NOT_ASKED, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.profiles import Profile, Source
from gis.text import Text
from gis.topology.findings import format_area
from gis.topology.polygon_layer import mean_width, read_polygon_layer

_MIN_CUT_WIDTH_M = 0.01
"""A part of a building as narrow as this comes from rounding."""

_ZH = {
    "invalid": "几何无效",
    "overlap": "相互重叠",
    "unmatched": "公共边界的顶点不一致",
    "blank": "旁有空白",
}


def _asks_for_coverage(profile: Profile) -> Source | None:
    return profile.plan.get("coverage")


def topology_offences(given: ConformInput, kinds: Collection[str], zh: dict[str, str]) -> list[Offence]:
    """Return what the check of the topology found, of some kinds."""
    findings = given.topology.findings
    chosen = findings[findings["kind"].isin(kinds)]
    return [
        Offence(
            codes,
            Text(zh[kind] + (f"（{format_area(area)}）" if area else ""), detail.removesuffix(".")),
        )
        for kind, codes, area, detail in zip(
            chosen["kind"], chosen["codes"], chosen["area_m2"], chosen["detail"], strict=True
        )
    ]


def _look_at_closed(given: ConformInput) -> Looked | NotLookedAt:
    if _asks_for_coverage(given.profile) is None:
        return NOT_ASKED
    return Looked(topology_offences(given, {"invalid"}, _ZH))


def _look_at_overlaps(given: ConformInput) -> Looked | NotLookedAt:
    if _asks_for_coverage(given.profile) is None:
        return NOT_ASKED
    return Looked(topology_offences(given, {"overlap", "unmatched"}, _ZH))


def _look_at_blanks(given: ConformInput) -> Looked | NotLookedAt:
    if _asks_for_coverage(given.profile) is None:
        return NOT_ASKED
    note = None
    if given.areas is None:
        note = Text(
            "未提供区划，未检查外缘的空白", "blanks at the outside are not looked at: no areas are given"
        )
    return Looked(topology_offences(given, {"blank"}, _ZH), note)


def _look_at_buildings(given: ConformInput) -> Looked | NotLookedAt:
    if "whole_buildings" not in given.profile.plan:
        return NOT_ASKED
    if given.buildings is None:
        return NotLookedAt(Text("未提供建筑物", "no buildings are given"))
    numbers = np.arange(1, len(given.buildings) + 1)
    buildings = read_polygon_layer(given.buildings.assign(code=numbers), given.crs)
    building, cell = shapely.STRtree(given.layer.polygons).query(buildings.polygons, predicate="intersects")
    several = np.bincount(building, minlength=len(buildings))[building] > 1
    building, cell = building[several], cell[several]
    parts = shapely.intersection(buildings.polygons[building], given.layer.polygons[cell])
    wide = mean_width(parts) > _MIN_CUT_WIDTH_M
    cut = pd.DataFrame({"building": building[wide], "cell": given.layer.labels[cell[wide]]})
    offences = []
    for row, cells in cut.groupby("building")["cell"]:
        if len(cells) > 1:
            number = numbers[int(str(row))]
            offences.append(
                Offence(
                    ",".join(sorted(cells)),
                    Text(f"分割了第 {number} 个建筑物", f"cut building {number} into {len(cells)} parts"),
                )
            )
    return Looked(offences)


CLOSED = Clause("closed", Text("网格闭合", "Cells are closed"), "fault", _asks_for_coverage, _look_at_closed)
NO_BLANK = Clause("no_blank", Text("无空白", "No blank"), "fault", _asks_for_coverage, _look_at_blanks)
NO_OVERLAP = Clause(
    "no_overlap", Text("无重叠", "No overlap"), "fault", _asks_for_coverage, _look_at_overlaps
)
WHOLE_BUILDINGS = Clause(
    "whole_buildings",
    Text("不分割建筑物", "No building is cut"),
    "fault",
    lambda profile: profile.plan.get("whole_buildings"),
    _look_at_buildings,
)
