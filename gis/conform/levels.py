"""The clause on levels: of which whole cells of the level below a cell is made."""

import numpy as np
import shapely

from gis.arrays import Geometries, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.conform.clause import NOT_ASKED, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.graph import NeighbourGraph
from gis.profiles import Profile, Source
from gis.profiles.profile import LevelRule
from gis.text import Text
from gis.topology.findings import format_area
from gis.topology.polygon_layer import PolygonLayer, mean_width, read_polygon_layer

_MIN_WIDTH_M = 0.01
"""Ground of a unit outside its cell that is as narrow as this comes from rounding."""


def _look(given: ConformInput) -> Looked | NotLookedAt:
    if not given.profile.levels:
        return NOT_ASKED
    if given.units is None:
        return NotLookedAt(Text("未提供下一级网格", "no units are given"))
    rule = given.profile.levels.get(given.level)
    if rule is None:
        known = ", ".join(given.profile.levels)
        return NotLookedAt(
            Text(
                f"该标准没有层级 {given.level}（有 {known}）",
                f"the profile has no level {given.level} (it has {known})",
            )
        )
    units = read_polygon_layer(given.units, given.crs)
    cell_of_unit = _owners(units.polygons, given.layer.polygons)
    offences = [
        Offence(
            "",
            Text(f"下一级网格 {units.labels[k]} 不在任何网格内", f"unit {units.labels[k]} lies in no cell"),
        )
        for k in np.flatnonzero(cell_of_unit < 0)
    ]
    offences += _cut_units(given, units, cell_of_unit)
    offences += _further_ground(given, units, cell_of_unit)
    order = np.argsort(cell_of_unit, kind="stable")
    bounds = np.searchsorted(cell_of_unit[order], np.arange(len(given.layer) + 1))
    community, part = _communities(given), _parts(units.polygons, cell_of_unit)
    for k, label in enumerate(given.layer.labels):
        members = order[bounds[k] : bounds[k + 1]]
        offences += [Offence(label, fault) for fault in _faults(rule, community[members], part[members])]
    return Looked(offences)


def _owners(units: Geometries, cells: Geometries) -> IntArray:
    """Return which cell holds a point inside each unit, -1 if none does."""
    owner = np.full(len(units), -1, dtype=np.int64)
    unit, cell = shapely.STRtree(cells).query(shapely.point_on_surface(units), predicate="intersects")
    owner[unit[::-1]] = cell[::-1]
    return owner


def _communities(given: ConformInput) -> ObjectArray:
    """Return the community of each unit: the area it names, else that in its code."""
    assert given.units is not None
    if "area_code" in given.units.columns:
        named = normalize_codes(given.units["area_code"])
        if (named != "").all():
            return named
    return ConformInput(given.profile, given.units, given.crs).area_part


def _cut_units(given: ConformInput, units: PolygonLayer, cell_of_unit: IntArray) -> list[Offence]:
    """Find units that lie in their cell in part only."""
    owned = np.flatnonzero(cell_of_unit >= 0)
    beyond = shapely.difference(units.polygons[owned], given.layer.polygons[cell_of_unit[owned]])
    return [
        Offence(
            given.layer.labels[cell_of_unit[k]],
            Text(f"分割了下一级网格 {units.labels[k]}", f"holds only a part of unit {units.labels[k]}"),
        )
        for k in owned[mean_width(beyond) > _MIN_WIDTH_M]
    ]


def _further_ground(given: ConformInput, units: PolygonLayer, cell_of_unit: IntArray) -> list[Offence]:
    """Find cells that are larger than their units together."""
    owned = cell_of_unit >= 0
    held = np.bincount(
        cell_of_unit[owned], weights=shapely.area(units.polygons[owned]), minlength=len(given.layer)
    )
    further = shapely.area(given.layer.polygons) - held
    wide = 2 * further > _MIN_WIDTH_M * shapely.length(given.layer.polygons)
    return [
        Offence(
            given.layer.labels[k],
            Text(
                f"有 {format_area(further[k])} 不在任何下一级网格内",
                f"has {format_area(further[k])} of ground in no unit",
            ),
        )
        for k in np.flatnonzero(wide & (held > 0))
    ]


def _parts(units: Geometries, cell_of_unit: IntArray) -> IntArray:
    """Label each unit with the connected part of its cell that it is in."""
    graph = NeighbourGraph.from_polygons(units)
    return graph.select(cell_of_unit[graph.rows()] == cell_of_unit[graph.neighbours]).components()


def _faults(rule: LevelRule, community: ObjectArray, part: IntArray) -> list[Text]:
    """Return what is wrong with a cell whose units have these communities and parts."""
    count = len(part)
    faults = []
    if count < rule.least or (rule.most is not None and count > rule.most):
        most = "" if rule.most is None else f"–{rule.most}"
        faults.append(
            Text(
                f"由 {count} 个下一级网格组成，应为 {rule.least}{most or ' 个以上'}",
                f"is made of {count} units, not {rule.least}{most or ' or more'}",
            )
        )
    if rule.one_community:
        named = sorted(set(community))
        if len(named) > 1:
            faults.append(
                Text(f"跨越社区 {'、'.join(named)}", f"has units of several communities ({', '.join(named)})")
            )
    if rule.adjacent and count > 1:
        parts = len(np.unique(part))
        if parts > 1:
            faults.append(
                Text(
                    f"下一级网格不相邻，分为 {parts} 块", f"has units that are not adjacent, in {parts} parts"
                )
            )
    return faults


def _source(profile: Profile) -> Source | None:
    return next((rule.source for rule in profile.levels.values()), None)


LEVELS = Clause("levels", Text("层级构成", "Levels"), "fault", _source, _look)
