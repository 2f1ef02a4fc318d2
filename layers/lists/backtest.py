"""The sheets of a backtest: the loads of cells and officers before and after, and figures of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gis.measures import MEASURES
from layers.models import Officer
from layers.plans.backtest import NOT_LOOKED_AT, Backtest, side_figures
from layers.plans.load_ledger import OwnedLoad
from layers.staff.published import officer_name

Columns = Mapping[str, Sequence[Any]]
PersonalOf = Callable[[Officer], Mapping[str, Any]]

_FIGURES = (
    ("owners", "数量", "Number"),
    ("mean", "平均负荷", "Mean load"),
    ("greatest_deviation", "最大偏差", "Greatest deviation"),
    ("mean_deviation", "平均偏差", "Mean deviation"),
    ("out_of_tolerance", "超出容差数", "Out of tolerance"),
)
_SIDES = (("before", "现行", "before"), ("after", "本方案", "after"))
_OWNERS = (("cells", "网格", "Cells"), ("officers", "责任人", "Officers"))
_NOT_LOOKED_AT = {"visits": "巡查：本数据库未保存，未评估", "events": "事件：本数据库未保存，未评估"}


def backtest_sheets(
    found: Backtest,
    officers: Mapping[int, Officer],
    personal_of: PersonalOf,
    *,
    tolerance: float,
    language: str,
) -> dict[str, Columns]:
    """Return the columns of each sheet by the sheet's title.

    Parameters
    ----------
    officers
        Those of both sides by their numbers.
    personal_of
        Returns the personal values of an officer as the reader may see them.
    tolerance
        The share of the mean by which a load may differ from it.
    language
        zh or en.
    """
    is_zh = language == "zh"
    sheets = {("总览" if is_zh else "Summary"): _summary(found, tolerance, is_zh)}
    for kind, kind_zh, kind_en in _OWNERS:
        for side, side_zh, side_en in _SIDES:
            rows: list[OwnedLoad[Any]] = getattr(getattr(found, side), kind)
            title = f"{kind_zh}（{side_zh}）" if is_zh else f"{kind_en} {side_en}"
            if kind == "cells":
                owner: dict[str, Sequence[Any]] = {
                    ("网格编码" if is_zh else "Cell code"): [each.owner for each in rows],
                    ("网格名称" if is_zh else "Cell"): [found.names.get(each.owner) for each in rows],
                }
            else:
                people = [officers[each.owner] for each in rows]
                owner = {
                    ("责任人编号" if is_zh else "Number of the person"): [one.external_id for one in people],
                    ("责任人" if is_zh else "Responsible person"): [
                        officer_name(one, personal_of(one)) for one in people
                    ],
                }
            sheets[title] = owner | _loads(found, rows, language)
    return sheets


def _loads(found: Backtest, rows: Sequence[OwnedLoad[Any]], language: str) -> dict[str, Sequence[Any]]:
    """Return the days and, of each load that there is, the mean of a day and its deviation."""
    is_zh = language == "zh"
    columns: dict[str, Sequence[Any]] = {("天数" if is_zh else "Days"): [each.days for each in rows]}
    for load in judged_loads(found):
        label = MEASURES[load].label(language)
        columns[label] = [round(each.loads[load], 2) for each in rows]
        columns[f"{label}{'偏差' if is_zh else ', deviation'}"] = [
            None if each.deviations[load] is None else round(each.deviations[load] or 0.0, 4) for each in rows
        ]
    return columns


def judged_loads(found: Backtest) -> list[str]:
    """Return the loads of which there was anything on either side, households and enterprises always."""
    always = ("households", "enterprises")
    sides = (*found.before.cells, *found.after.cells)
    return [load for load in found.loads if load in always or any(each.entity_days[load] for each in sides)]


def _summary(found: Backtest, tolerance: float, is_zh: bool) -> Columns:
    """Return the figures of each load, and what was not looked at."""
    loads = [
        (kind, load, side) for kind, *_ in _OWNERS for load in judged_loads(found) for side, *_ in _SIDES
    ]
    words = {key: (zh if is_zh else en) for key, zh, en in (*_OWNERS, *_SIDES)}
    language = "zh" if is_zh else "en"
    figures = [
        side_figures(getattr(getattr(found, side), kind), load, tolerance) for kind, load, side in loads
    ]
    notes = (
        list(_NOT_LOOKED_AT.values())
        if is_zh
        else [f"Not looked at: {each}" for each in NOT_LOOKED_AT.values()]
    )
    period = f"{found.since} – {found.until}"
    padding = [None] * (len(notes) + 1)
    columns: dict[str, Sequence[Any]] = {
        ("对象" if is_zh else "Of"): [*(words[kind] for kind, _, _ in loads), period, *notes],
        ("负荷" if is_zh else "Load"): [*(MEASURES[load].label(language) for _, load, _ in loads), *padding],
        ("方案" if is_zh else "Side"): [*(words[side] for _, _, side in loads), *padding],
    }
    for key, zh, en in _FIGURES:
        columns[zh if is_zh else en] = [
            *(None if each[key] is None else round(float(each[key] or 0), 4) for each in figures),
            *padding,
        ]
    return columns
