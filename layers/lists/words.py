"""The words of lists in Chinese and English; a value without a word stands for itself."""

from collections.abc import Mapping

_KINDS = {
    "household": ("住户", "Household"),
    "enterprise": ("企业", "Enterprise"),
    "sensor": ("传感器", "Sensor"),
    "component": ("城市部件", "Component"),
    "service_point": ("服务网点", "Service point"),
    "roads": ("道路", "Road"),
    "railway": ("铁路", "Railway"),
    "water": ("水体", "Water"),
    "green": ("绿地", "Green"),
    "buildings": ("建筑", "Building"),
}
_DUTIES = {
    "leader": ("网格长", "Leader"),
    "officer": ("网格员", "Officer"),
    "inspector": ("巡查员", "Inspector"),
    "assistant": ("协管员", "Assistant"),
}
_PLACE_LEVELS = {
    "cell": ("网格", "Cell"),
    "group": ("片区", "Group of cells"),
    "area": ("行政区划", "Area"),
    "entity": ("对象", "Object"),
}
_SEVERITIES = {"high": ("严重", "High"), "medium": ("较重", "Medium"), "low": ("一般", "Low")}
_CELL_CHANGES = {"begun": ("新增", "Begun"), "ended": ("取消", "Ended"), "changed": ("调整", "Changed")}
_GAP_CHANGES = {"appeared": ("新增", "New"), "gone": ("消除", "Closed"), "lasting": ("持续", "Lasting")}
_PLAN_CHANGES = {
    "redrawn": ("微调", "Redrawn"),
    "renamed": ("换码", "Renamed"),
    "split": ("拆分", "Split"),
    "merged": ("合并", "Merged"),
    "moved_border": ("边界调整", "Border moved"),
    "added": ("新增", "Added"),
    "removed": ("取消", "Removed"),
}
_RESULTS = {
    "cell": ("网格", "Cell"),
    "area": ("行政区划", "Area"),
    "entity": ("对象", "Object"),
    "officer": ("责任人", "Officer"),
    "feature": ("地图要素", "Map feature"),
}


def _word(words: Mapping[str, tuple[str, str]], value: str | None, language: str) -> str | None:
    if value is None or value not in words:
        return value
    return words[value][0 if language == "zh" else 1]


def kind_name(kind: str, language: str) -> str | None:
    """Return the name of a kind of entity or of feature of the base map."""
    return _word(_KINDS, kind, language)


def duty_name(duty: str | None, language: str) -> str | None:
    """Return the name of what an officer does."""
    return _word(_DUTIES, duty, language)


def place_level_name(level: str, language: str) -> str | None:
    """Return the name of the sort of place at which a post is."""
    return _word(_PLACE_LEVELS, level, language)


def yes_or_no(value: bool, language: str) -> str:
    """Return the word for whether something is so."""
    return ("是" if value else "否") if language == "zh" else ("yes" if value else "no")


def severity_name(severity: str, language: str) -> str | None:
    """Return the name of how severe a gap is."""
    return _word(_SEVERITIES, severity, language)


def cell_change_name(change: str, language: str) -> str | None:
    """Return what has happened to a cell between two days."""
    return _word(_CELL_CHANGES, change, language)


def plan_change_name(change: str, language: str) -> str | None:
    """Return what a plan does to a cell."""
    return _word(_PLAN_CHANGES, change, language)


def gap_change_name(change: str, language: str) -> str | None:
    """Return what has happened to a gap between two runs."""
    return _word(_GAP_CHANGES, change, language)


def result_name(kind: str, language: str) -> str | None:
    """Return what sort of thing a search has found."""
    return _word(_RESULTS, kind, language)
