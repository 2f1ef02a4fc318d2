"""The clause that every cell belongs to one community."""

from gis.codes import fits_area
from gis.conform.clause import NOT_ASKED, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.conform.coverage import topology_offences
from gis.text import Text

_ZH = {"crossed_parent": "越过所属区划的边界", "outside": "超出区划范围"}


def _is_merged(given: ConformInput, area: str) -> bool:
    """Return whether an area's code stands for communities that were merged."""
    rule = given.profile.code
    length = rule.area_segments[-1].length
    return (
        rule.merged_from is not None
        and length is not None
        and area[-length:].isdigit()
        and int(area[-length:]) >= rule.merged_from
    )


def _look(given: ConformInput) -> Looked | NotLookedAt:
    if "one_community" not in given.profile.plan:
        return NOT_ASKED
    rule = given.profile.code
    if not any(given.area_code) and given.areas is None:
        return NotLookedAt(
            Text("网格没有 area_code 列，也未提供区划", "the cells have no area_code, and no areas are given")
        )
    offences = []
    if any(given.area_code):
        for label, area in zip(given.layer.labels, given.area_code, strict=True):
            if not area:
                offences.append(Offence(label, Text("不属于任何社区", "belongs to no community")))
            elif not fits_area(rule, area):
                offences.append(
                    Offence(
                        label,
                        Text(f"直接属于 {area}，而不是社区", f"belongs to {area}, which is no community"),
                    )
                )
    if given.areas is None:
        return Looked(
            offences,
            Text("未提供区划，未检查是否在社区界内", "borders are not looked at: no areas are given"),
        )
    merged = {
        label
        for label, area, part in zip(given.layer.labels, given.area_code, given.area_part, strict=True)
        if _is_merged(given, area or part)
    }
    crossing = topology_offences(given, {"crossed_parent", "outside"}, _ZH)
    return Looked([*offences, *(each for each in crossing if each.codes not in merged)])


ONE_COMMUNITY = Clause(
    "one_community",
    Text("每个网格属于一个社区", "Every cell belongs to one community"),
    "fault",
    lambda profile: profile.plan.get("one_community"),
    _look,
)
