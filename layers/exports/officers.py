"""Officers in a file, with the posts they hold in a scheme, as `layers.imports.officers` reads them again."""

from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import LargeBinary, Select, and_, cast, func, null, select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.db.bulk import in_force
from layers.exports.layer_query import ExportFilters, LayerQuery, RowSelect
from layers.formats.write_batches import GEOMETRY_COLUMN
from layers.models import CellGroup, Entity, Officer, Post
from layers.plans.schemes import find_scheme
from layers.staff.places import lies_at_visible_place

_TOLD = ("duty", "rank", "published_name", "published_phone")


def select_officers(session: Session, filters: ExportFilters, personal: bool) -> LayerQuery:
    """Select a row for each post of a scheme on a day, and one for each officer who has none in it."""
    day = filters.on or date.today()
    officers = select(Officer).where(
        in_force(Officer.valid_from, Officer.valid_to, day), within(Officer.area_code, filters.area_code)
    )
    types = {"officer_id": pa.string(), **dict.fromkeys(("area_code", *_TOLD), pa.string())}
    documents = ("attributes", "personal") if personal else ("attributes",)
    own = {
        "officer_id": Officer.external_id,
        "area_code": Officer.area_code,
        **{name: Officer.attributes[name].as_string() for name in _TOLD},
    }
    if filters.scheme is None:
        statements = [_columns(officers, Officer.id, own, documents)]
        return LayerQuery(types, documents, statements, told_keys=frozenset(_TOLD))
    places: dict[str, Any] = {
        "cell_code": Post.cell_code,
        "group_code": CellGroup.code,
        "post_area_code": Post.area_code,
        "entity_kind": Entity.kind,
        "entity_id": Entity.external_id,
    }
    times = {"post_from": Post.valid_from, "post_to": Post.valid_to}
    types |= {**dict.fromkeys(places, pa.string()), "part_time": pa.bool_()}
    types |= dict.fromkeys(times, pa.date32())
    held = and_(
        Post.officer_id == Officer.id,
        Post.scheme_id == find_scheme(session, filters.scheme).id,
        in_force(Post.valid_from, Post.valid_to, day),
        lies_at_visible_place(filters.scope),
    )
    at_post = own | {name: func.coalesce(getattr(Post, name), own[name]) for name in _TOLD}
    posts = officers.join(Post, held)
    posts = posts.outerjoin(CellGroup, CellGroup.id == Post.group_id)
    posts = posts.outerjoin(Entity, Entity.id == Post.entity_id)
    without = officers.where(~select(Post.id).where(held).exists())
    empty: dict[str, Any] = {name: null() for name in (*places, "part_time", *times)}
    columns: dict[str, Any] = {**places, "part_time": Post.part_time, **times}
    statements = [
        _columns(posts, Post.id, at_post | columns, documents),
        _columns(without, Officer.id, own | empty, documents),
    ]
    return LayerQuery(types, documents, statements, told_keys=frozenset(_TOLD))


def _columns(rows: Select[Any], key: Any, columns: dict[str, Any], documents: tuple[str, ...]) -> RowSelect:
    chosen: RowSelect = rows.with_only_columns(
        key.label("key"),
        *(column.label(name) for name, column in columns.items()),
        *(getattr(Officer, name) for name in documents),
        # People have no place on the map.
        cast(null(), LargeBinary).label(GEOMETRY_COLUMN),
    )
    return chosen
