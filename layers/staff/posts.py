"""Posts: what an officer is at a place, given, changed and ended one by one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, TypedDict, Unpack, get_args

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import within
from layers.areas.versions import area_ends
from layers.db.bulk import id_in, in_force
from layers.db.keyset import PageRequest
from layers.db.versions import require_version
from layers.models import CellGroup, Officer, Post, Scheme
from layers.plans.schemes import find_scheme, rotation_months
from layers.staff.places import PLACE_COLUMNS, Place, find_place, level_of, lies_at_visible_place
from layers.staff.rotation import is_due, rotation_due

Duty = Literal["leader", "officer", "inspector", "assistant"]
Rank = Literal["A", "B"]
"""B is the backup of A."""

DUTIES: tuple[str, ...] = get_args(Duty)
RANKS: tuple[str, ...] = get_args(Rank)

UPDATABLE_FIELDS = frozenset({"part_time", "published_name", "published_phone", "valid_to"})
"""What `change_post` may change; another duty, rank or place is another post."""


class SchemePost(NamedTuple):
    """A post with the code of its scheme and group, and the area of the place or officer for its audit.

    `visible` is false where the place lies elsewhere than the caller may see, and is not to be told.
    """

    post: Post
    scheme: str | None
    area_code: str | None
    visible: bool = True
    group: str | None = None
    rotation_due: date | None = None

    @property
    def level(self) -> str:
        """The level of the place."""
        return level_of(self.post)


class PostDetails(TypedDict, total=False):
    """The place of a post as `layers.staff.places.find_place` takes it, and what else is known of it."""

    scheme: str | None
    cell_code: str | None
    group: str | None
    area_code: str | None
    entity_id: int | None
    part_time: bool
    published_name: str | None
    published_phone: str | None
    until: date | None


class PostFilters(NamedTuple):
    """Which posts of a list are asked for; what is not given does not restrict.

    `on` asks for those held on a day, `ended` also for those that have ended, `due_by` for those of which
    rotation is due by a day.
    """

    scheme: str | None = None
    level: str | None = None
    cell_code: str | None = None
    group: str | None = None
    area_code: str | None = None
    entity_id: int | None = None
    officer_id: int | None = None
    duty: str | None = None
    on: date | None = None
    ended: bool = False
    due_by: date | None = None


def list_posts(session: Session, officer: Officer, scope: str | None = None) -> Sequence[SchemePost]:
    """Return the posts that an officer holds or held, in the order in which they were given.

    Places outside the scope are not told.
    """
    statement = _described(scope).where(Post.officer_id == officer.id).order_by(Post.id)
    return [_to_scheme_post(row) for row in session.execute(statement)]


def list_all_posts(
    session: Session, page: PageRequest, scope: str | None, filters: PostFilters
) -> tuple[list[SchemePost], str | None]:
    """Return a page of the posts of officers in the scope, and the cursor of the next page.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    NotFoundError
        If there is no such scheme.
    """
    statement = _described(scope).where(within(Officer.area_code, scope))
    statement = statement.where(*_conditions(session, filters))
    # A place is looked for where the caller may see it, else the answer would tell of it.
    if any((filters.cell_code, filters.group, filters.area_code, filters.entity_id)):
        statement = statement.where(lies_at_visible_place(scope))
    rows, next_cursor = page.fetch(session, statement, Post.id)
    return [_to_scheme_post(row) for row in rows], next_cursor


def _conditions(session: Session, filters: PostFilters) -> Iterable[Any]:
    if filters.scheme is not None:
        yield Post.scheme_id == find_scheme(session, filters.scheme).id
    if filters.level is not None:
        yield getattr(Post, PLACE_COLUMNS[filters.level]).is_not(None)
    if filters.group is not None:
        yield CellGroup.code == filters.group
    for name in ("cell_code", "area_code", "entity_id", "officer_id", "duty"):
        if getattr(filters, name) is not None:
            yield getattr(Post, name) == getattr(filters, name)
    if filters.due_by is not None:
        yield is_due(session, filters.due_by)
    if filters.on is not None:
        yield in_force(Post.valid_from, Post.valid_to, filters.on)
    elif not filters.ended:
        yield or_(Post.valid_to.is_(None), Post.valid_to > date.today())


def _to_scheme_post(row: Any) -> SchemePost:
    post, area_code, scheme, rules, visible, group = row
    due = rotation_due(post.held_since, rotation_months(rules or {}))
    return SchemePost(post, scheme, area_code, bool(visible), group, due)


def _described(scope: str | None) -> Select[Any]:
    visible = lies_at_visible_place(scope)
    return (
        select(Post, Officer.area_code, Scheme.code, Scheme.rules, visible, CellGroup.code)
        .join(Officer, Officer.id == Post.officer_id)
        .outerjoin(Scheme, Scheme.id == Post.scheme_id)
        .outerjoin(CellGroup, CellGroup.id == Post.group_id)
    )


def find_post(
    session: Session, post_id: int, scope: str | None = None, *, for_update: bool = False
) -> SchemePost:
    """Return a post of an officer in the scope, also one that has ended.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    statement = _described(scope).where(Post.id == post_id, within(Officer.area_code, scope))
    if for_update:
        statement = statement.with_for_update(of=Post).execution_options(populate_existing=True)
    found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no post number {post_id}.")
    return _to_scheme_post(found)


def add_post(
    session: Session,
    officer: Officer,
    *,
    duty: Duty,
    rank: Rank,
    on: date,
    scope: str | None,
    **details: Unpack[PostDetails],
) -> SchemePost:
    """Add a post of an officer who is locked and has not left.

    Parameters and errors are those of `layers.staff.officers.appoint_officer`.
    """
    place = find_place(
        session,
        scheme=details.get("scheme"),
        cell_code=details.get("cell_code"),
        group=details.get("group"),
        area_code=details.get("area_code"),
        entity_id=details.get("entity_id"),
        on=on,
        until=details.get("until"),
        scope=scope,
    )
    until = details.get("until")
    if until is not None and until <= on:
        raise InputError(f"The post would end on {until}, before it begins on {on}.")
    values = place.values()
    _require_not_held(session, officer, place, values, duty, rank, on, until)
    post = Post(
        officer_id=officer.id,
        **values,
        duty=duty,
        rank=rank,
        part_time=details.get("part_time", False),
        published_name=_text_or_none(details.get("published_name")),
        published_phone=_text_or_none(details.get("published_phone")),
        held_since=on,
        valid_from=on,
        valid_to=until,
        version=1,
    )
    session.add(post)
    session.flush()
    return find_post(session, post.id)._replace(area_code=place.area_code)


def _require_not_held(
    session: Session,
    officer: Officer,
    place: Place,
    values: Mapping[str, Any],
    duty: str,
    rank: str,
    on: date,
    until: date | None,
) -> None:
    """Refuse a post that the officer holds at the same time."""
    held = select(Post).where(
        Post.officer_id == officer.id,
        *(getattr(Post, name).is_not_distinct_from(value) for name, value in values.items()),
        Post.duty == duty,
        Post.rank == rank,
        or_(Post.valid_to.is_(None), (Post.valid_to > on) & (Post.valid_to > Post.valid_from)),
    )
    if until is not None:
        held = held.where(Post.valid_from < until)
    if (found := session.scalars(held.limit(1)).first()) is not None:
        raise ConflictError(
            f"Officer number {officer.id} holds this post at the {place.level} already, "
            f"as number {found.id} since {found.valid_from}."
        )


def change_post(
    session: Session, post_id: int, version: int, changes: Mapping[str, Any], *, scope: str | None = None
) -> SchemePost:
    """Change what a post publishes, whether it is part-time, or on which day it ends.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the change is based on.
    changes
        New values for some of `UPDATABLE_FIELDS`; `valid_to` is a day to come, or None to let it last.
    scope
        The area that the holder must be of; None for any.

    Raises
    ------
    InputError
        If another field is to be changed, or the day is not after its first day or is past.
    NotFoundError, StaleError, ConflictError
        As for `end_post`; also if the post is to last longer than its place or its holder.
    """
    not_updatable = set(changes) - UPDATABLE_FIELDS
    if not_updatable:
        raise InputError(f"The field '{min(not_updatable)}' of a post cannot be changed.")
    found = find_post(session, post_id, scope, for_update=True)
    post = found.post
    require_version(post.version, version)
    _require_lasting(post)
    if "valid_to" in changes and changes["valid_to"] != post.valid_to:
        _change_end(session, post, changes["valid_to"])
    for name in ("published_name", "published_phone"):
        if name in changes:
            setattr(post, name, _text_or_none(changes[name]))
    if "part_time" in changes:
        post.part_time = changes["part_time"]
    post.version += 1
    session.flush()
    return found


def _change_end(session: Session, post: Post, end: date | None) -> None:
    if end is not None and end <= max(date.today(), post.valid_from):
        raise InputError("A post ends on a day to come, after its first day; end it today with DELETE.")
    if post.valid_to is not None and (end is None or end > post.valid_to):
        if post.ended_by_plan_id is not None:
            raise ConflictError(
                f"Post number {post.id} ends on {post.valid_to} with its cell, for plan "
                f"{post.ended_by_plan_id}; give the officer a post in the cell that follows."
            )
        if post.area_code is not None:
            last = area_ends(session, post.valid_from, post.area_code).get(post.area_code)
            if last is not None and (end is None or end > last):
                raise ConflictError(
                    f"Post number {post.id} ends on {post.valid_to}, for its area ends on {last}; give the "
                    "officer a post at an area that follows."
                )
        leaves = session.get_one(Officer, post.officer_id).valid_to
        if leaves is not None:
            raise ConflictError(f"Officer number {post.officer_id} has left on {leaves}.")
    post.valid_to = end


def end_post(session: Session, post_id: int, version: int, *, scope: str | None = None) -> SchemePost:
    """End a post today.

    Parameters
    ----------
    session
        Of `Database.write`.
    version
        The version that the change is based on.
    scope
        The area that the holder must be of; None for any.

    Raises
    ------
    NotFoundError
        If there is no such post.
    StaleError
        If the post has another version by now.
    ConflictError
        If it has ended already.
    """
    found = find_post(session, post_id, scope, for_update=True)
    require_version(found.post.version, version)
    _require_lasting(found.post)
    end_on(found.post, date.today())
    session.flush()
    return found


def _require_lasting(post: Post) -> None:
    if post.valid_to is not None and post.valid_to <= max(date.today(), post.valid_from):
        raise ConflictError(f"Post number {post.id} has ended on {post.valid_to}.")


def end_posts_of(session: Session, officer_id: int, on: date) -> int:
    """End on a day all posts that an officer holds; return how many."""
    return _end_all(session, Post.officer_id == officer_id, on)


def end_posts_at(session: Session, level: str, keys: Iterable[int], on: date) -> int:
    """End on a day all posts at some groups or entities; return how many."""
    return _end_all(session, id_in(session, getattr(Post, PLACE_COLUMNS[level]), list(keys)), on)


def _end_all(session: Session, chosen: Any, on: date) -> int:
    # Also what publishing a plan ends on a later day, or begins then.
    lasting = or_(Post.valid_to.is_(None), Post.valid_to > on)
    posts = session.scalars(
        select(Post).where(chosen, lasting, Post.valid_to.is_distinct_from(Post.valid_from))
    )
    ended = posts.all()
    for post in ended:
        end_on(post, on)
    session.flush()
    return len(ended)


def end_on(post: Post, on: date) -> None:
    """End a post on a day; one that begins later keeps an empty interval as a trace."""
    post.valid_to = max(on, post.valid_from)
    post.ended_by_plan_id = None
    post.version += 1


def _text_or_none(text: str | None) -> str | None:
    return None if text is None else text.strip() or None
