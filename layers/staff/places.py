"""Where posts are: at a cell or a group of cells of a scheme, at an area, or at an entity."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import within
from layers.areas.versions import area_ends, has_days
from layers.models import Area, Cell, CellGroup, Entity, Post, Scheme
from layers.plans.cells import lies_in_scope
from layers.plans.schemes import find_scheme

Level = Literal["cell", "group", "area", "entity"]

PLACE_COLUMNS: Mapping[str, str] = {
    "cell": "cell_code",
    "group": "group_id",
    "area": "area_code",
    "entity": "entity_id",
}
"""The column of a post that names its place, by the level."""

_NEED_SCHEME = frozenset({"cell", "group"})


class Place(NamedTuple):
    """A place of posts.

    Attributes
    ----------
    level
        What it is.
    key
        What the column of its level has.
    scheme
        The scheme whose posts are there; None of an area or entity for all schemes.
    area_code
        The area that it is or lies in.
    """

    level: str
    key: str | int
    scheme: Scheme | None
    area_code: str | None

    def values(self) -> dict[str, Any]:
        """Return the columns of a post that is there."""
        columns = dict.fromkeys(PLACE_COLUMNS.values())
        return {
            **columns,
            PLACE_COLUMNS[self.level]: self.key,
            "scheme_id": None if self.scheme is None else self.scheme.id,
        }


def level_of(post: Post) -> str:
    """Return the level of the place of a post."""
    return next(level for level, column in PLACE_COLUMNS.items() if getattr(post, column) is not None)


def find_place(
    session: Session,
    *,
    scheme: str | None = None,
    cell_code: str | None = None,
    group: str | None = None,
    area_code: str | None = None,
    entity_id: int | None = None,
    on: date,
    until: date | None = None,
    scope: str | None = None,
) -> Place:
    """Return the place that one of four names.

    Parameters
    ----------
    scheme
        Code of the scheme; a cell or group needs one.
    cell_code, group, area_code, entity_id
        Code of a cell, of a group or of an area, or the number of an entity; one of them.
    on, until
        The day from which there is to be a post, and the day on which it ends, if that is known.
    scope
        The area that the place must lie in; None for any.

    Raises
    ------
    InputError
        If none is named or several are, a cell or group without its scheme, or a cell or area that begins
        later.
    NotFoundError
        If there is no such scheme, or no such place in the scope.
    ConflictError
        If the group, area or entity has ended, or the area ends before the post does.
    """
    given = {"cell": cell_code, "group": group, "area": area_code, "entity": entity_id}
    named = {level: key for level, key in given.items() if key is not None}
    if len(named) != 1:
        raise InputError("A post is at one place: give a cell_code, a group, an area_code or an entity_id.")
    ((level, key),) = named.items()
    if scheme is None and level in _NEED_SCHEME:
        raise InputError(f"A post at a {level} needs the scheme of the {level}.")
    found = None if scheme is None else find_scheme(session, scheme)
    if level == "cell":
        assert found is not None
        return _find_cell(session, found, str(key), scope, on)
    if level == "group":
        assert found is not None
        place = find_group(session, found, str(key), scope)
        _require_lasting(f"Group '{key}'", place.valid_to)
        return Place(level, place.id, found, place.area_code)
    if level == "area":
        return _find_area(session, str(key), found, scope, on, until)
    entity = session.scalar(select(Entity).where(Entity.id == key, within(Entity.area_code, scope)))
    if entity is None:
        raise NotFoundError(f"There is no entity number {key}.")
    _require_lasting(f"Entity number {key}", entity.valid_to)
    return Place(level, entity.id, found, entity.area_code)


def find_group(session: Session, scheme: Scheme, code: str, scope: str | None = None) -> CellGroup:
    """Return a group of cells of a scheme, also one that has ended.

    Raises
    ------
    NotFoundError
        If there is none in the scope.
    """
    chosen = select(CellGroup).where(
        CellGroup.scheme_id == scheme.id, CellGroup.code == code, within(CellGroup.area_code, scope)
    )
    group = session.scalar(chosen)
    if group is None:
        raise NotFoundError(f"There is no group '{code}' in scheme '{scheme.code}'.")
    return group


def lies_at_visible_place(scope: str | None) -> ColumnElement[bool]:
    """Return the condition that a row of `Post` is at a place that a caller bound to an area may see."""
    if scope is None:
        return true()
    # The query around it may join groups and entities itself.
    in_group = exists().where(CellGroup.id == Post.group_id, within(CellGroup.area_code, scope))
    in_group = in_group.correlate(Post)
    at_entity = exists().where(Entity.id == Post.entity_id, within(Entity.area_code, scope)).correlate(Post)
    at_cell = Post.cell_code.is_not(None) & lies_in_scope(Post.scheme_id, Post.cell_code, scope)
    at_area = Post.area_code.is_not(None) & within(Post.area_code, scope)
    return or_(at_cell, at_area, in_group, at_entity)


def _find_cell(session: Session, scheme: Scheme, code: str, scope: str | None, on: date) -> Place:
    chosen = select(Cell.area_code, Cell.valid_from, Cell.valid_to).where(
        Cell.scheme_id == scheme.id,
        Cell.code == code,
        Cell.valid_from.is_not(None),
        within(Cell.area_code, scope),
    )
    versions = session.execute(chosen.order_by(Cell.valid_from.desc(), Cell.id.desc())).all()
    lasting = next((version for version in versions if version.valid_to is None), None)
    if lasting is None:
        raise NotFoundError(f"There is no cell '{code}' in force in scheme '{scheme.code}'.")
    since = lasting.valid_from
    for version in versions:
        if version.valid_to == since:
            since = version.valid_from
    if on < since:
        raise InputError(f"Cell '{code}' is in force from {since} on; give the post from that day (on).")
    return Place("cell", code, scheme, lasting.area_code)


def _find_area(
    session: Session, code: str, scheme: Scheme | None, scope: str | None, on: date, until: date | None
) -> Place:
    chosen = select(Area.valid_from, Area.valid_to).where(
        Area.code == code, has_days(), within(Area.code, scope)
    )
    versions = session.execute(chosen).all()
    if not versions:
        raise NotFoundError(f"There is no area '{code}'.")
    ends = area_ends(session, on, code)
    if code not in ends:
        since = min((start for start, _ in versions if start is not None and start > on), default=None)
        if since is not None:
            raise InputError(f"Area '{code}' is in force from {since} on; give the post from that day (on).")
        _require_lasting(f"Area '{code}'", max(end for _, end in versions if end is not None))
    end = ends[code]
    if end is not None and (until is None or until > end):
        raise ConflictError(
            f"Area '{code}' ends on {end}; give the post until that day (until), or at an area that follows."
        )
    return Place("area", code, scheme, code)


def _require_lasting(name: str, end: date | None) -> None:
    if end is not None:
        raise ConflictError(f"{name} has ended on {end}.")
