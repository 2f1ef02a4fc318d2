"""Who answers for places on a day: the holders of their posts, without those who are away."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in, in_force, read_rows, text_in
from layers.models import Absence, Area, CellGroup, GroupCell, Officer, Post
from layers.staff.posts import DUTIES


class Holder(NamedTuple):
    """The officer who holds a post."""

    id: int
    external_id: str
    area_code: str | None
    attributes: dict[str, Any]
    personal: dict[str, Any]


class HeldPost(NamedTuple):
    """A post that is held on a day, and its holder.

    `absent` holders are away on the day; `acting` are the backups who then stand in for them.
    """

    id: int
    scheme_id: int | None
    cell_code: str | None
    group_id: int | None
    area_code: str | None
    entity_id: int | None
    duty: str
    rank: str
    part_time: bool
    published_name: str | None
    published_phone: str | None
    valid_from: date
    officer: Holder
    absent: bool = False
    acting: bool = False


class GroupLabel(NamedTuple):
    """A group of cells as answers name it; `area_level` is the level of the area that holds it."""

    id: int
    code: str
    name: str
    area_code: str | None
    area_level: str | None

    def position_in(self, areas: Sequence["NamedArea"]) -> int:
        """Return before which of the areas above a cell, the lowest first, the group comes.

        On other days another area may have held it, of the same level.
        """
        codes = [area.code for area in areas]
        if self.area_code in codes:
            return codes.index(self.area_code)
        levels = [area.level for area in areas]
        return levels.index(self.area_level) if self.area_level in levels else len(areas)


class ResponsibleLevel(NamedTuple):
    """Who holds posts at one level of a place, from the cell upwards."""

    level: str
    code: str
    name: str
    posts: Sequence[HeldPost]


class NamedArea(Protocol):
    """An area as it is named."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def level(self) -> str:
        """The level."""


class Responsibility(NamedTuple):
    """Who holds posts at the cells of a scheme and above them, each list in the order of `order_posts`.

    Attributes
    ----------
    cells, areas
        By their codes.
    groups
        By their numbers.
    group_of
        The group in which a cell is, by the code of the cell.
    """

    cells: Mapping[str, Sequence[HeldPost]]
    areas: Mapping[str, Sequence[HeldPost]]
    groups: Mapping[int, Sequence[HeldPost]]
    group_of: Mapping[str, GroupLabel]

    def levels(self, cell: tuple[str, str] | None, areas: Sequence[NamedArea]) -> list[ResponsibleLevel]:
        """Return who holds posts at a cell and above it; a group lies beneath the lowest area that holds it.

        Parameters
        ----------
        cell
            Code and name; None for the areas alone.
        areas
            The area of the cell and those above, the lowest first.
        """
        found = []
        group = None
        if cell is not None:
            code, name = cell
            found.append(ResponsibleLevel("cell", code, name, self.cells.get(code, ())))
            group = self.group_of.get(code)
        above = [
            ResponsibleLevel(each.level, each.code, each.name, self.areas.get(each.code, ()))
            for each in areas
        ]
        if group is not None:
            above.insert(group.position_in(areas), self._level_of(group))
        return found + above

    def _level_of(self, group: GroupLabel) -> ResponsibleLevel:
        return ResponsibleLevel("group", group.code, group.name, self.groups.get(group.id, ()))


_DUTY_POSITION = {duty: position for position, duty in enumerate(DUTIES)}


def read_responsibility(
    session: Session, scheme_id: int, cell_codes: Collection[str], area_codes: Collection[str], on: date
) -> Responsibility:
    """Read who holds posts at some cells of a scheme, at the groups that hold them, and at some areas."""
    group_of = groups_of_cells(session, scheme_id, cell_codes, on)
    groups = {group.id for group in group_of.values()}
    at_cells = and_(Post.scheme_id == scheme_id, text_in(session, Post.cell_code, cell_codes))
    conditions: list[ColumnElement[bool]] = [at_cells]
    if groups:
        conditions.append(id_in(session, Post.group_id, groups))
    if area_codes:
        conditions.append(and_(_of_scheme(scheme_id), text_in(session, Post.area_code, area_codes)))
    held = [post for condition in conditions for post in read_held(session, condition, on)]
    return Responsibility(
        _by(held, lambda post: post.cell_code),
        _by(held, lambda post: post.area_code),
        _by(held, lambda post: post.group_id),
        group_of,
    )


def posts_at_entity(session: Session, entity_id: int, scheme_id: int, on: date) -> Sequence[HeldPost]:
    """Return the posts held at an entity on a date, those of a scheme and of all."""
    return order_posts(read_held(session, (Post.entity_id == entity_id) & _of_scheme(scheme_id), on))


def posts_at_areas(
    session: Session, area_codes: Collection[str], scheme_id: int | None, on: date
) -> dict[str, list[HeldPost]]:
    """Return the posts held at areas themselves: of a scheme and of all, or of any if none is named."""
    of_scheme = [] if scheme_id is None else [_of_scheme(scheme_id)]
    held = read_held(session, and_(text_in(session, Post.area_code, area_codes), *of_scheme), on)
    return _by(held, lambda post: post.area_code)


def first_posts(
    session: Session, scheme_id: int, cell_codes: Collection[str], on: date
) -> dict[str, HeldPost]:
    """Return who answers for some cells on a date: of each the first who is there, if somebody is."""
    condition = and_(Post.scheme_id == scheme_id, text_in(session, Post.cell_code, cell_codes))
    held = _by(read_held(session, condition, on), lambda post: post.cell_code)
    return {code: posts[0] for code, posts in held.items() if not posts[0].absent}


def read_held(session: Session, condition: ColumnElement[bool], on: date) -> list[HeldPost]:
    """Return the posts that fit a condition and are held on a date; who is away, and who acts, is marked."""
    position = case(_DUTY_POSITION, value=Post.duty)
    chosen = condition & in_force(Post.valid_from, Post.valid_to, on)
    own = HeldPost._fields[: HeldPost._fields.index("officer")]
    posts = select(Post.officer_id, *(getattr(Post, name) for name in own)).where(chosen)
    rows = read_rows(session, posts.order_by(position, Post.rank, Post.id))
    # Of an officer with many posts everything is read once.
    officers = select(*(getattr(Officer, name) for name in Holder._fields))
    held_by = id_in(session, Officer.id, {row[0] for row in rows})
    holders = {row[0]: Holder(*row) for row in read_rows(session, officers.where(held_by))}
    away = absent_officers(session, on)
    held = [HeldPost._make((*row[1:], holders[row[0]], row[0] in away, False)) for row in rows]
    return mark_acting(held) if away else held


def absent_officers(session: Session, on: date) -> set[int]:
    """Return the officers who are away on a date."""
    away = select(Absence.officer_id).where(in_force(Absence.valid_from, Absence.valid_to, on))
    return {officer_id for (officer_id,) in read_rows(session, away)}


def mark_acting(held: Sequence[HeldPost]) -> list[HeldPost]:
    """Mark as acting each backup of a duty at a place of which an A is away."""
    without: dict[Hashable, set[int | None]] = defaultdict(set)
    for post in held:
        if post.absent and post.rank == "A":
            without[_place_and_duty(post)].add(post.scheme_id)

    def acts(post: HeldPost) -> bool:
        if post.rank != "B" or post.absent or (schemes := without.get(_place_and_duty(post))) is None:
            return False
        # One of all schemes stands in for one of any, and the other way round.
        return post.scheme_id is None or not schemes.isdisjoint({post.scheme_id, None})

    return [post._replace(acting=True) if acts(post) else post for post in held]


def _place_and_duty(post: HeldPost) -> tuple[Hashable, ...]:
    return post.cell_code, post.group_id, post.area_code, post.entity_id, post.duty


def order_posts(posts: Iterable[HeldPost]) -> list[HeldPost]:
    """Order posts: who is away last, then by duty, leaders first, the A before the B."""
    return sorted(posts, key=lambda each: (each.absent, _DUTY_POSITION[each.duty], each.rank, each.id))


def groups_of_cells(
    session: Session, scheme_id: int, cell_codes: Collection[str], on: date
) -> dict[str, GroupLabel]:
    """Return the groups in which some cells are on a date."""
    columns = (CellGroup.id, CellGroup.code, CellGroup.name, CellGroup.area_code)
    level = select(Area.level).where(Area.code == CellGroup.area_code).order_by(Area.id.desc()).limit(1)
    statement = (
        select(GroupCell.cell_code, *columns, level.scalar_subquery())
        .join(CellGroup, CellGroup.id == GroupCell.group_id)
        .where(
            GroupCell.scheme_id == scheme_id,
            text_in(session, GroupCell.cell_code, cell_codes),
            in_force(GroupCell.valid_from, GroupCell.valid_to, on),
            in_force(CellGroup.valid_from, CellGroup.valid_to, on),
        )
        .order_by(GroupCell.id)
    )
    return {code: GroupLabel(*label) for code, *label in read_rows(session, statement)}


def _of_scheme(scheme_id: int) -> ColumnElement[bool]:
    """Return the condition that a post is one in a scheme, or in all."""
    return or_(Post.scheme_id == scheme_id, Post.scheme_id.is_(None))


def _by(held: Iterable[HeldPost], key: Callable[[HeldPost], Any]) -> dict[Any, list[HeldPost]]:
    found: dict[Any, list[HeldPost]] = defaultdict(list)
    for post in held:
        if (name := key(post)) is not None:
            found[name].append(post)
    return {name: order_posts(posts) for name, posts in found.items()}
