"""The list of entities as they are on a day: of a cell, an area or a kind."""

from typing import Any

import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.db.bulk import decode_geometries, id_in
from layers.exports.layer_queries import LAYER_QUERIES
from layers.exports.layer_query import ExportFilters
from layers.formats.write_batches import GEOMETRY_COLUMN
from layers.lists.gap_entities import affected_entities
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, visible_cells, with_responsibility
from layers.lists.words import kind_name
from layers.plans.schemes import find_scheme

ADDRESS_FIELDS = ("address", "addr", "地址", "详细地址", "住址", "位置")
"""Where the attributes of an entity tell its address, the first that is there."""


def read_entities(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read entities, with their cell in the scheme."""
    request.require("scheme")
    affected = None if request.gap is None else affected_entities(session, request)
    filters = ExportFilters(
        area_code=request.ground,
        scope=request.scope,
        on=request.on if affected is None else affected.on,
        kind=request.kind,
        scheme=request.scheme,
        cell_code=request.cell,
    )
    statements = LAYER_QUERIES["entities"](session, filters, False).statements
    rows: list[ListRow] = []
    total = 0
    for statement in statements:
        states = statement.subquery()
        if affected is not None:
            states = select(states).where(id_in(session, states.c.entity, affected.ids)).subquery()
        found = session.scalar(select(func.count()).select_from(states)) or 0
        first, left = max(0, offset - total), limit - len(rows)
        total += found
        if left > 0 and first < found:
            page = select(states).order_by(states.c.id, states.c.key).limit(left).offset(first)
            rows += entity_rows(session, request, session.execute(page).mappings().all())
    scheme = find_scheme(session, str(request.scheme))
    visible = visible_cells(session, request, scheme.id, (row["cell_code"] for row in rows))
    rows = [row if row["cell_code"] in visible else {**row, "cell_code": None} for row in rows]
    return ListPage(with_responsibility(session, request, scheme.id, rows), total)


def entity_rows(session: Session, request: ListRequest, found: Any) -> list[ListRow]:
    """Return what lists tell of entities, which `layers.exports` has selected."""
    geometries = decode_geometries(session, [row[GEOMETRY_COLUMN] for row in found])
    places = [None if each is None else shapely.point_on_surface(each) for each in geometries]
    return [
        {
            "id": row["entity"],
            "kind": kind_name(row["kind"], request.language),
            "external_id": row["id"],
            "name": row["name"],
            "class_name": row["class_name"],
            "address": address_of(row["attributes"]),
            "cell_code": row.get("cell_code"),
            "area_code": row["area_code"],
            "valid_from": row["valid_from"],
            "lon": None if place is None or place.is_empty else round(place.x, 7),
            "lat": None if place is None or place.is_empty else round(place.y, 7),
        }
        for row, place in zip(found, places, strict=True)
    ]


def address_of(attributes: dict[str, Any]) -> str | None:
    """Return the address among the attributes of an entity."""
    return next((str(attributes[field]) for field in ADDRESS_FIELDS if attributes.get(field)), None)


ENTITIES = Listing(
    "entities",
    "对象清单",
    "Objects",
    (
        ListColumn("kind", "类型", "Kind"),
        ListColumn("external_id", "对象编号", "Number"),
        ListColumn("name", "名称", "Name"),
        ListColumn("class_name", "类别", "Class"),
        ListColumn("address", "地址", "Address"),
        *RESPONSIBILITY_COLUMNS,
        ListColumn("valid_from", "登记日期", "Recorded", "date"),
        ListColumn("lon", "经度", "Longitude", "number"),
        ListColumn("lat", "纬度", "Latitude", "number"),
    ),
    read_entities,
)
