"""The clause on the record of a cell: which fields it has, of which type and length."""

import math

import numpy as np
import pandas as pd
import shapely

from gis.arrays import FloatArray
from gis.conform.clause import NOT_ASKED, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput, read_day
from gis.profiles.profile import Attribute
from gis.text import Text

_AREA_SHARE = 0.005
"""Areas differ between the CRS of a file's record and the working CRS by less than this share."""


def _look(given: ConformInput) -> Looked | NotLookedAt:
    if not given.profile.record:
        return NOT_ASKED
    offences: list[Offence] = []
    area_m2 = shapely.area(given.layer.polygons)
    for attribute in given.profile.record:
        column = given.column_of(attribute)
        if column is not None:
            offences += _look_at_column(given, attribute, given.cells[column], area_m2)
        elif attribute.obligation == "must":
            names = ", ".join(attribute.columns)
            offences.append(
                Offence(
                    "",
                    Text(
                        f"缺少“{attribute.label.zh}”列（{names}）",
                        f"there is no {attribute.label.en} ({names})",
                    ),
                )
            )
    return Looked([*offences, *_look_at_dates(given)])


def _look_at_column(
    given: ConformInput, attribute: Attribute, values: pd.Series, area_m2: FloatArray
) -> list[Offence]:
    offences = []
    missing = values.isna().to_numpy()
    for row, (value, absent) in enumerate(zip(values.tolist(), missing.tolist(), strict=True)):
        if absent or str(value).strip() == "":
            fault = Text("为空", "is missing") if attribute.obligation == "must" else None
        else:
            fault = _fault_of(attribute, value, float(area_m2[row]))
        if fault is not None:
            offences.append(
                Offence(
                    given.layer.labels[row],
                    Text(f"{attribute.label.zh}{fault.zh}", f"its {attribute.label.en} {fault.en}"),
                )
            )
    return offences


def _fault_of(attribute: Attribute, value: object, area_m2: float) -> Text | None:
    """Return what is wrong with a value that is there."""
    if attribute.type == "date" and read_day(value) is None:
        return Text(f"“{value}”不是日期", f"'{value}' is no date")
    if attribute.type == "area":
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float, np.number))
            or not math.isfinite(value)
        ):
            return Text(f"“{value}”不是数字", f"'{value}' is no number")
        if abs(value - area_m2) > max(1.0, _AREA_SHARE * area_m2):
            return Text(
                f"为 {value:,.0f} 平方米，图形面积为 {area_m2:,.0f} 平方米",
                f"is {value:,.0f} m², that of its polygon {area_m2:,.0f} m²",
            )
    if attribute.type == "text" and attribute.length is not None and len(str(value)) > attribute.length:
        return Text(
            f"有 {len(str(value))} 个字符，多于 {attribute.length} 个",
            f"has {len(str(value))} characters, more than {attribute.length}",
        )
    return None


def _look_at_dates(given: ConformInput) -> list[Offence]:
    """Find cells that end before they begin."""
    columns = {each.key: given.column_of(each) for each in given.profile.record}
    begin, end = columns.get("initial_date"), columns.get("end_date")
    if begin is None or end is None:
        return []
    days = zip(
        given.layer.labels, given.cells[begin].map(read_day), given.cells[end].map(read_day), strict=True
    )
    return [
        Offence(
            label,
            Text(f"终止日期 {last} 早于初始日期 {first}", f"ends on {last}, before it begins on {first}"),
        )
        for label, first, last in days
        if not pd.isna(first) and not pd.isna(last) and last < first
    ]


RECORD = Clause(
    "record",
    Text("属性记录", "Fields of the record"),
    "fault",
    lambda profile: profile.record[0].source if profile.record else None,
    _look,
)
