"""The lists of what a plan changes: its cells, and the entities that get another cell."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in
from layers.exports.layer_queries import LAYER_QUERIES
from layers.exports.layer_query import ExportFilters
from layers.lists.entities import entity_rows
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.words import plan_change_name
from layers.plans.changes import PlanChanges, read_changes

_MEASURES = ("area_before_m2", "area_after_m2", "gained_m2", "lost_m2")


def read_plan_changes(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the cells that a plan changes, by code; `kind` is one of the kinds of change."""
    rows = change_rows(_changes(session, request), request.language, request.kind)
    return ListPage(rows[offset : offset + limit], len(rows))


def change_rows(changes: PlanChanges, language: str, kind: str | None = None) -> list[ListRow]:
    """Return a row for each code that does not stay as it is."""
    codes = changes.difference.codes
    names = _names(changes)
    moves = changes.moves
    moved = [moves[column].value_counts() for column in ("from_code", "to_code")]
    return [
        {
            "cell_code": each["code"],
            "cell_name": names.get(each["code"]),
            "change": plan_change_name(each["kind"], language),
            **{name: round(each[name], 2) for name in _MEASURES},
            "before": " ".join(each["before"]),
            "after": " ".join(each["after"]),
            "left": int(moved[0].get(each["code"], 0)),
            "joined": int(moved[1].get(each["code"], 0)),
        }
        for each in codes[codes["kind"] != "unchanged"].to_dict("records")
        if kind in (None, each["kind"])
    ]


def _names(changes: PlanChanges) -> Mapping[str, Any]:
    """Return the names of cells by their codes; of a code in both plans the newer one."""
    compared = changes.compared
    return {
        code: name
        for cells in (compared.before, compared.after)
        for code, name in zip(cells["code"], cells["name"], strict=True)
    }


def read_moved_entities(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the entities that get another cell, of a kind, from or to a cell where one is named."""
    changes = _changes(session, request)
    moves = changes.moves
    for column, wanted in (
        ("kind", request.kind),
        ("from_code", request.from_cell),
        ("to_code", request.to_cell),
    ):
        if wanted is not None:
            moves = moves[moves[column] == wanted]
    columns = (moves[column].tolist() for column in ("entity", "from_code", "to_code"))
    cells = {
        entity: {"from_cell": source, "to_cell": target}
        for entity, source, target in zip(*columns, strict=True)
    }
    filters = ExportFilters(area_code=request.ground, on=changes.on)
    rows: list[ListRow] = []
    total = 0
    for statement in LAYER_QUERIES["entities"](session, filters, False).statements:
        states = statement.subquery()
        chosen = select(states).where(id_in(session, states.c.entity, list(cells)))
        found = session.execute(chosen.order_by(states.c.id, states.c.key)).mappings().all()
        first, left = max(0, offset - total), limit - len(rows)
        total += len(found)
        if left > 0:
            rows += entity_rows(session, request, found[first : first + left])
    return ListPage([{**row, **cells[row["id"]]} for row in rows], total)


def _changes(session: Session, request: ListRequest) -> PlanChanges:
    request.require("plan")
    return read_changes(session, request.plan or 0, request.against, on=request.on, scope=request.scope)


PLAN_CHANGES = Listing(
    "plan-changes",
    "方案变化清单",
    "Cells that a plan changes",
    (
        ListColumn("change", "变化", "Change"),
        ListColumn("cell_code", "网格编码", "Cell code"),
        ListColumn("cell_name", "网格名称", "Cell"),
        ListColumn("area_before_m2", "原面积（平方米）", "Ground before, m²", "number"),
        ListColumn("area_after_m2", "新面积（平方米）", "Ground after, m²", "number"),
        ListColumn("gained_m2", "划入面积（平方米）", "Ground gained, m²", "number"),
        ListColumn("lost_m2", "划出面积（平方米）", "Ground lost, m²", "number"),
        ListColumn("before", "来自网格", "Its ground was of"),
        ListColumn("after", "去往网格", "Its former ground is of"),
        ListColumn("left", "转出对象数", "Objects that leave", "number"),
        ListColumn("joined", "转入对象数", "Objects that join", "number"),
    ),
    read_plan_changes,
)
MOVED_ENTITIES = Listing(
    "moved-entities",
    "变更归属对象清单",
    "Objects that get another cell",
    (
        ListColumn("kind", "类型", "Kind"),
        ListColumn("external_id", "对象编号", "Number"),
        ListColumn("name", "名称", "Name"),
        ListColumn("class_name", "类别", "Class"),
        ListColumn("address", "地址", "Address"),
        ListColumn("area_code", "区划编码", "Area code"),
        ListColumn("from_cell", "原网格", "From cell"),
        ListColumn("to_cell", "新网格", "To cell"),
        ListColumn("lon", "经度", "Longitude", "number"),
        ListColumn("lat", "纬度", "Latitude", "number"),
    ),
    read_moved_entities,
)
