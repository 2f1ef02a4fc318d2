"""What a search finds: cells, areas, entities, officers, and the roads and buildings of the base map."""

from typing import Any, NamedTuple

import shapely
from sqlalchemy.orm import Session

from layers.areas.queries import search_areas
from layers.basemap import search_basemap
from layers.db.text_match import find_in_document
from layers.entities.search import search_entities
from layers.lists.entities import address_of
from layers.lists.listing import MAX_ROWS, ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.responsibility import RESPONSIBILITY_COLUMNS, visible_cells, with_responsibility
from layers.lists.words import kind_name, result_name
from layers.models import Entity, Officer
from layers.plans.cell_queries import search_cells
from layers.plans.schemes import find_scheme
from layers.staff.published import officer_name
from layers.staff.search import search_officers


class SearchResult(NamedTuple):
    """Something that was found.

    Attributes
    ----------
    type
        cell, area, entity, officer or feature (of the base map).
    rank
        How well it fits, 0 for a name or code that is the text itself.
    code
        By which it is known: a code, an identity or a number.
    name
        Its name; that of an officer is personal and not here.
    kind
        Of an entity or feature; the level of an area.
    source
        The row of an entity or officer, for what is not here.
    id
        By which an entity or officer is read.
    cell_code, area_code
        Where it is.
    detail
        The address, or the attribute by which it was found.
    lon, lat, bbox
        Where it is on the map, where that is not read with the thing itself.
    """

    type: str
    rank: int
    code: str
    name: str | None
    kind: str | None = None
    source: Entity | Officer | None = None
    id: int | None = None
    cell_code: str | None = None
    area_code: str | None = None
    detail: str | None = None
    lon: float | None = None
    lat: float | None = None
    bbox: tuple[float, float, float, float] | None = None


def search(session: Session, request: ListRequest, limit: int) -> list[SearchResult]:
    """Return what fits words best, at most so many of each sort; the sort with the best fit comes first."""
    request.require("text")
    text = " ".join(str(request.text).split())
    if not text:
        return []
    readers = (_cells, _areas, _features, _entities, _officers)
    groups = [read(session, request, text, limit) for read in readers]
    # Sorting keeps the order of groups that fit equally well.
    return [each for group in sorted(filter(None, groups), key=lambda group: group[0].rank) for each in group]


def _cells(session: Session, request: ListRequest, text: str, limit: int) -> list[SearchResult]:
    if request.scheme is None:
        return []
    scheme = find_scheme(session, request.scheme)
    return [
        SearchResult(
            "cell", rank, cell.code, cell.name, cell.kind, cell_code=cell.code, area_code=cell.area_code
        )
        for rank, cell in search_cells(session, scheme, request.on, request.ground, text, limit)
    ]


def _areas(session: Session, request: ListRequest, text: str, limit: int) -> list[SearchResult]:
    return [
        SearchResult("area", rank, area.code, area.name, area.level, area_code=area.code)
        for rank, area in search_areas(session, request.ground, text, limit)
    ]


def _features(session: Session, _request: ListRequest, text: str, limit: int) -> list[SearchResult]:
    return [
        SearchResult(
            "feature", each.rank, each.name, each.name, each.kind, lon=each.lon, lat=each.lat, bbox=each.bbox
        )
        for each in search_basemap(session, text, limit)
    ]


def _officers(session: Session, request: ListRequest, text: str, limit: int) -> list[SearchResult]:
    found = search_officers(session, request.ground, text, limit, personal=request.personal)
    return [
        SearchResult(
            "officer",
            rank,
            officer.external_id,
            None,
            source=officer,
            id=officer.id,
            area_code=officer.area_code,
        )
        for rank, officer in found
    ]


def _entities(session: Session, request: ListRequest, text: str, limit: int) -> list[SearchResult]:
    scheme = None if request.scheme is None else find_scheme(session, request.scheme).id
    found = search_entities(session, request.ground, text, limit, scheme_id=scheme, personal=request.personal)
    codes = {code for _, _, code in found}
    visible = set() if scheme is None else visible_cells(session, request, scheme, codes)
    return [
        _entity_result(rank, entity, code if code in visible else None, text) for rank, entity, code in found
    ]


def _entity_result(rank: int, entity: Entity, cell_code: str | None, text: str) -> SearchResult:
    found = find_in_document(text, entity.attributes)
    place = None
    if entity.geometry is not None and not shapely.is_empty(entity.geometry):
        place = shapely.point_on_surface(entity.geometry)
    return SearchResult(
        "entity",
        rank,
        entity.external_id,
        entity.name,
        entity.kind,
        source=entity,
        id=entity.id,
        cell_code=cell_code,
        area_code=entity.area_code,
        detail=address_of(entity.attributes) or (found.value if found is not None else None),
        lon=None if place is None else place.x,
        lat=None if place is None else place.y,
    )


def read_search(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read what fits words best as rows."""
    found = search(session, request, MAX_ROWS)
    scheme = None if request.scheme is None else find_scheme(session, request.scheme).id
    rows = [_to_row(each, request) for each in found[offset : offset + limit]]
    return ListPage(with_responsibility(session, request, scheme, rows), len(found))


def _to_row(found: SearchResult, request: ListRequest) -> ListRow:
    name: Any = found.name
    if isinstance(found.source, Officer):
        name = officer_name(found.source, request.personal_of(found.source))
    return {
        "id": found.id if found.id is not None else found.code,
        "type": result_name(found.type, request.language),
        "kind": None if found.kind is None else kind_name(found.kind, request.language),
        "code": found.code if found.type != "feature" else None,
        "name": name,
        "detail": found.detail,
        "cell_code": found.cell_code,
        "area_code": found.area_code,
        "lon": None if found.lon is None else round(found.lon, 7),
        "lat": None if found.lat is None else round(found.lat, 7),
    }


SEARCH = Listing(
    "search",
    "搜索结果",
    "Search results",
    (
        ListColumn("type", "结果类型", "Sort"),
        ListColumn("kind", "类型", "Kind"),
        ListColumn("code", "编号", "Code"),
        ListColumn("name", "名称", "Name"),
        ListColumn("detail", "地址", "Address"),
        *RESPONSIBILITY_COLUMNS,
        ListColumn("lon", "经度", "Longitude", "number"),
        ListColumn("lat", "纬度", "Latitude", "number"),
    ),
    read_search,
)
