"""The register of posts held on a day, and the list of those of which rotation is due."""

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.areas.versions import areas_in_force
from layers.db.bulk import in_force
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest, ListRow
from layers.lists.words import duty_name, place_level_name, yes_or_no
from layers.models import Area, Cell, CellGroup, Entity, Officer, Post, Scheme
from layers.plans.cells import cells_in_force
from layers.plans.schemes import find_scheme, rotation_months
from layers.staff.places import level_of, lies_at_visible_place
from layers.staff.published import PublishedPost
from layers.staff.responsible import absent_officers
from layers.staff.rotation import is_due, rotation_due


def read_posts(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the posts held on the day: of a scheme and of all, or of any where none is named."""
    return _read(session, request, limit, offset, true())


def read_rotation(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read the posts held on the day of which rotation is due by then, by the rules of their schemes."""
    return _read(session, request, limit, offset, is_due(session, request.on))


def _read(
    session: Session, request: ListRequest, limit: int, offset: int, condition: ColumnElement[bool]
) -> ListPage:
    visible = lies_at_visible_place(request.scope)
    statement = (
        select(Post, Officer, Scheme.code, Scheme.rules, visible, CellGroup, Entity, Area)
        .join(Officer, Officer.id == Post.officer_id)
        .outerjoin(Scheme, Scheme.id == Post.scheme_id)
        .outerjoin(CellGroup, CellGroup.id == Post.group_id)
        .outerjoin(Entity, Entity.id == Post.entity_id)
        .outerjoin(Area, (Area.code == Post.area_code) & areas_in_force(request.on))
        .where(
            in_force(Post.valid_from, Post.valid_to, request.on),
            within(Officer.area_code, request.scope),
            within(Officer.area_code, request.area),
            condition,
        )
    )
    if request.scheme is not None:
        of_scheme = Post.scheme_id == find_scheme(session, request.scheme).id
        statement = statement.where(or_(of_scheme, Post.scheme_id.is_(None)))
    if request.cell is not None:
        statement = statement.where(Post.cell_code == request.cell, visible)
    total = session.scalar(select(func.count()).select_from(statement.with_only_columns(Post.id).subquery()))
    ordered = statement.order_by(
        Post.area_code, Post.group_id, Post.cell_code, Post.entity_id, Post.duty.desc(), Post.rank, Post.id
    )
    away = absent_officers(session, request.on)
    found = session.execute(ordered.limit(limit).offset(offset)).all()
    names = _cell_names(session, request, [row[0] for row in found])
    return ListPage([_to_row(request, row, away, names) for row in found], total or 0)


def _cell_names(session: Session, request: ListRequest, posts: list[Post]) -> dict[tuple[int, str], str]:
    found: dict[tuple[int, str], str] = {}
    for scheme_id in {post.scheme_id for post in posts if post.cell_code is not None}:
        assert scheme_id is not None
        chosen = select(Cell.code, Cell.name).where(cells_in_force(scheme_id, request.on))
        found |= {(scheme_id, code): name for code, name in session.execute(chosen)}
    return found


def _to_row(request: ListRequest, row: Any, away: set[int], names: dict[tuple[int, str], str]) -> ListRow:
    post, officer, scheme, rules, seen, group, entity, area = row
    personal = request.personal_of(officer)
    published = PublishedPost(officer, post)
    place: tuple[str | None, str | None] = (None, None)
    if seen and post.cell_code is not None:
        place = post.cell_code, names.get((post.scheme_id, post.cell_code))
    elif seen:
        named = group or area
        place = (entity.external_id, entity.name) if named is None else (named.code, named.name)
    return {
        "id": officer.id,
        "person_number": officer.external_id,
        "person": published.name(personal),
        "person_phone": published.phone(personal),
        "person_duty": duty_name(post.duty, request.language),
        "rank": post.rank,
        "part_time": yes_or_no(post.part_time, request.language),
        "absent": yes_or_no(officer.id in away, request.language),
        "scheme": scheme,
        "level": place_level_name(level_of(post), request.language),
        "place": place[0],
        "place_name": place[1],
        "held_since": post.held_since,
        "rotation_due": rotation_due(post.held_since, rotation_months(rules or {})),
        "valid_from": post.valid_from,
        "valid_to": post.valid_to,
    }


_COLUMNS = (
    ListColumn("level", "层级", "Level"),
    ListColumn("place", "岗位所在编码", "Code of the place"),
    ListColumn("place_name", "岗位所在名称", "Place"),
    ListColumn("person_duty", "岗位", "Duty"),
    ListColumn("rank", "A/B 岗", "Rank"),
    ListColumn("person", "责任人", "Responsible person"),
    ListColumn("person_number", "责任人编号", "Number of the person"),
    ListColumn("person_phone", "责任人电话", "Phone of the person"),
    ListColumn("part_time", "兼职", "Part-time"),
    ListColumn("absent", "当日缺勤", "Away on the day"),
    ListColumn("scheme", "网格体系", "Scheme"),
    ListColumn("held_since", "任岗起", "Held since", "date"),
    ListColumn("rotation_due", "轮岗到期", "Rotation due", "date"),
    ListColumn("valid_from", "生效日期", "In force since", "date"),
    ListColumn("valid_to", "结束日期", "Until", "date"),
)

POSTS = Listing("posts", "岗位名册", "Register of posts", _COLUMNS, read_posts)

ROTATION = Listing("rotation", "到期轮岗", "Rotation due", _COLUMNS, read_rotation)
