"""The words of the map in Chinese and English."""

from collections.abc import Mapping
from typing import Final

from gis.classes import ClassificationMethod
from gis.errors import InputError
from gis.gaps import GAP_KINDS
from gis.kinds import CELL_KINDS

_PAGE: Final[dict[str, tuple[str, str]]] = {
    "title": ("责任网格图", "Responsibility cells"),
    "search": ("搜索网格编码或名称", "Search cell code or name"),
    "nothing": ("没有匹配的网格或区划", "No cell or area matches"),
    "cells": ("网格", "Cells"),
    "cell": ("网格", "Cell"),
    "areas": ("行政区划", "Areas"),
    "area": ("行政区划", "Area"),
    "total_area": ("总面积", "Ground"),
    "gaps": ("盲区", "Gaps"),
    "layers": ("图层", "Layers"),
    "fill": ("网格着色", "Colour cells by"),
    "fill_none": ("相邻区分", "Neighbours apart"),
    "method": ("分级方法", "Classes by"),
    "quantiles": ("分位数", "Quantiles"),
    "natural_breaks": ("自然间断", "Natural breaks"),
    "equal_interval": ("等间距", "Equal intervals"),
    "labels": ("编码与名称", "Codes and names"),
    "units": ("单元", "Units"),
    "no_data": ("无数据", "No data"),
    "close": ("关闭", "Close"),
    "zoom_to": ("定位", "Zoom to"),
    "whole": ("全图", "Whole map"),
    "print": ("打印", "Print"),
    "panel": ("图层与图例", "Layers and legend"),
    "more": ("另有 {n} 处，请缩小范围查询", "and {n} more"),
    "gaps_unknown": ("本图没有盲区分析", "No analysis of gaps on this map"),
    "gaps_from_file": ("未列出的盲区类型不一定分析过", "Kinds not listed may not have been analysed"),
    "gaps_on": ("盲区分析日期 {day}", "Gaps analysed on {day}"),
    "gaps_in_part": ("仅分析了区划 {code}", "Only area {code} was analysed"),
    "severity_3": ("严重", "High"),
    "severity_2": ("较重", "Medium"),
    "severity_1": ("一般", "Low"),
    "gaps_here": ("本网格盲区", "Gaps in this cell"),
    "none": ("无", "none"),
    "drawn_on": ("制图日期", "Drawn on"),
    "synthetic": ("合成数据，仅供演示", "Synthetic data, for demonstration"),
    "simplified": ("边界已概化，容差约 {m} 米", "Borders simplified to about {m} m"),
    "no_shape": ("无图形", "No shape"),
    "n_households": ("{n} 户", "{n} households"),
    "n_enterprises": ("{n} 家企业", "{n} enterprises"),
}

_PRINT_MAP: Final[dict[str, tuple[str, str]]] = {
    **{key: _PAGE[key] for key in ("title", "synthetic", "no_data", "cells", "gaps")},
    **{key: _PAGE[key] for key in ("gaps_unknown", "gaps_from_file", "gaps_on", "gaps_in_part")},
    **{key: _PAGE[key] for key in ("method", *ClassificationMethod)},
    **{key: _PAGE[key] for key in ("severity_1", "severity_2", "severity_3")},
    "total_area": _PAGE["total_area"],
    "legend": ("图例", "Legend"),
    "neighbours": ("颜色仅区分相邻网格", "Tell neighbours apart"),
    "border": ("网格界", "Border of cells"),
    "unit_border": ("单元界", "Border of units"),
    "area_border": ("行政区划界", "Border of areas"),
    "gap": ("盲区", "Gap"),
    "highlight": ("变更归属的地面", "Ground that gets another cell"),
    "north": ("北", "N"),
    "codes_begin": ("图内编码省略前缀 {code}", "Codes on the map begin with {code}"),
    "leader": ("编码下方为网格长", "Below a code: the leader"),
    "projection": ("投影", "Projection"),
    "printed": ("出图日期", "Printed"),
}

_FIELDS: Final[dict[str, tuple[str, str]]] = {
    "code": ("编码", "Code"),
    "name": ("名称", "Name"),
    "kind": ("类型", "Kind"),
    "area_code": ("所属区划", "Administrative area"),
    "leader": ("网格长", "Leader"),
    "households": ("户", "Households"),
    "household": ("户", "Households"),
    "enterprises": ("企业", "Enterprises"),
    "enterprise": ("企业", "Enterprises"),
    "buildings": ("建筑", "Buildings"),
    "sensors": ("传感器", "Sensors"),
    "sensor": ("传感器", "Sensors"),
    "components": ("城市部件", "Components"),
    "component": ("城市部件", "Components"),
    "service_points": ("服务网点", "Service points"),
    "service_point": ("服务网点", "Service points"),
    "roads": ("道路", "Roads"),
    "water": ("水系", "Water"),
    "railway": ("铁路", "Railway"),
    "green": ("绿地", "Green"),
    "class": ("类别", "Class"),
    "id": ("编号", "Number"),
    "level": ("级别", "Level"),
}

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "square": ("单元格网", "Square"),
    "block": ("街区网格", "Block"),
    "balanced": ("均衡网格", "Balanced"),
    "merged": ("合并网格", "Merged"),
    **CELL_KINDS,
    "enterprise": ("企业", "Enterprise"),
    "household": ("户", "Household"),
    "sensor": ("传感器", "Sensor"),
    "component": ("城市部件", "Component"),
    "service_point": ("服务网点", "Service point"),
}

_LANGUAGE_COLUMNS: Final[dict[str, int]] = {"zh": 0, "en": 1}


def _language_column(language: str) -> int:
    if language not in _LANGUAGE_COLUMNS:
        raise InputError(f"The map speaks zh or en, not '{language}'.")
    return _LANGUAGE_COLUMNS[language]


def _select_language(table: Mapping[str, tuple[str, str]], language: str) -> dict[str, str]:
    column = _language_column(language)
    return {key: pair[column] for key, pair in table.items()}


def page_labels(language: str) -> dict[str, str]:
    """Return the words of the page itself.

    Raises
    ------
    InputError
        If the language is neither zh nor en.
    """
    return _select_language(_PAGE, language)


def print_map_labels(language: str) -> dict[str, str]:
    """Return the words of the printed sheet.

    Raises
    ------
    InputError
        If the language is neither zh nor en.
    """
    return _select_language(_PRINT_MAP, language)


def kind_labels(language: str) -> dict[str, str]:
    """Return the words for kinds of cells, entities and gaps; a kind not listed shows as it is.

    Raises
    ------
    InputError
        If the language is neither zh nor en.
    """
    column = _language_column(language)
    gaps = {name: kind.label[column] for name, kind in GAP_KINDS.items()}
    return gaps | _select_language(_KINDS, language)


def field_labels(language: str) -> dict[str, str]:
    """Return the labels of all columns and layers that have one.

    Raises
    ------
    InputError
        If the language is neither zh nor en.
    """
    return _select_language(_FIELDS, language)


def field_label(name: str, language: str) -> str:
    """Return the label of a column or layer, its own name where no word is known.

    Raises
    ------
    InputError
        If the language is neither zh nor en.
    """
    column = _language_column(language)
    return _FIELDS[name][column] if name in _FIELDS else name
