"""Posts: what an officer is in a cell of a scheme, given and ended one by one or by area and duty."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import within
from layers.db.bulk import in_force, insert_rows, read_rows, text_in
from layers.db.locks import lock_scheme
from layers.db.versions import require_version
from layers.models import Cell, Officer, Post, Scheme
from layers.plans.cells import cells_in_force, lies_in_scope
from layers.plans.schemes import find_scheme

Duty = Literal["leader", "officer", "inspector", "assistant"]
Rank = Literal["A", "B"]
"""B is the backup of A."""

_CODES_AT_ONCE = 500

DUTIES: tuple[str, ...] = get_args(Duty)
RANKS: tuple[str, ...] = get_args(Rank)


class SchemePost(NamedTuple):
    """A post with the code of its scheme, and the area of the cell or officer by which it is audited.

    `cell_code` is None where the cell lies elsewhere than the caller may see.
    """

    post: Post
    scheme: str
    area_code: str | None
    cell_code: str | None


def list_posts(session: Session, officer: Officer, scope: str | None = None) -> Sequence[SchemePost]:
    """Return the posts that an officer holds or held, in the order in which they were given.

    Cells outside the scope are not named.
    """
    is_visible = lies_in_scope(Post.scheme_id, Post.cell_code, scope)
    statement = (
        select(Post, Scheme.code, is_visible)
        .join(Scheme, Scheme.id == Post.scheme_id)
        .where(Post.officer_id == officer.id)
        .order_by(Post.id)
    )
    return [
        SchemePost(post, scheme, officer.area_code, post.cell_code if visible else None)
        for post, scheme, visible in session.execute(statement)
    ]


def posts_in_cell(
    session: Session, scheme_id: int, cell_code: str, on: date, *, limit: int
) -> Sequence[tuple[Post, Officer]]:
    """Return the posts held in a cell on a date with their holders, by duty, the A before the B; so many."""
    duty_position = case({duty: position for position, duty in enumerate(DUTIES)}, value=Post.duty)
    statement = (
        select(Post, Officer)
        .join(Officer, Officer.id == Post.officer_id)
        .where(
            Post.scheme_id == scheme_id,
            Post.cell_code == cell_code,
            in_force(Post.valid_from, Post.valid_to, on),
        )
        .order_by(duty_position, Post.rank, Post.id)
        .limit(limit)
    )
    return [(post, officer) for post, officer in session.execute(statement)]


class HeldPost(NamedTuple):
    """A post held in a cell, and its holder."""

    cell_code: str
    officer_id: int
    external_id: str
    area_code: str | None
    duty: str
    rank: str
    attributes: dict[str, Any]
    personal: dict[str, Any]


def held_posts(
    session: Session, scheme_id: int, cell_codes: Collection[str], on: date
) -> dict[str, list[HeldPost]]:
    """Return the posts held in some cells on a date, ordered as by `posts_in_cell`, with one query."""
    duty_position = case({duty: position for position, duty in enumerate(DUTIES)}, value=Post.duty)
    statement = (
        select(
            *(Post.cell_code, Officer.id, Officer.external_id, Officer.area_code),
            *(Post.duty, Post.rank, Officer.attributes, Officer.personal),
        )
        .join(Officer, Officer.id == Post.officer_id)
        .where(
            Post.scheme_id == scheme_id,
            text_in(session, Post.cell_code, cell_codes),
            in_force(Post.valid_from, Post.valid_to, on),
        )
        .order_by(Post.cell_code, duty_position, Post.rank, Post.id)
    )
    found: dict[str, list[HeldPost]] = defaultdict(list)
    for row in read_rows(session, statement):
        found[row[0]].append(HeldPost(*row))
    return found


def first_posts(
    session: Session, scheme_id: int, cell_codes: Collection[str], on: date
) -> dict[str, tuple[Post, Officer]]:
    """Return who answers for some cells on a date: of each, the first of `posts_in_cell`, if there is one."""
    duty_position = case({duty: position for position, duty in enumerate(DUTIES)}, value=Post.duty)
    statement = (
        select(Post, Officer)
        .join(Officer, Officer.id == Post.officer_id)
        .where(Post.scheme_id == scheme_id, in_force(Post.valid_from, Post.valid_to, on))
        # The last one stays.
        .order_by(duty_position.desc(), Post.rank.desc(), Post.id.desc())
    )
    codes = sorted(set(cell_codes))
    found: dict[str, tuple[Post, Officer]] = {}
    for start in range(0, len(codes), _CODES_AT_ONCE):
        part = statement.where(Post.cell_code.in_(codes[start : start + _CODES_AT_ONCE]))
        found |= {post.cell_code: (post, officer) for post, officer in session.execute(part)}
    return found


def add_post(
    session: Session,
    officer: Officer,
    *,
    scheme: str,
    cell_code: str,
    duty: Duty,
    rank: Rank,
    on: date,
    scope: str | None,
) -> SchemePost:
    """Add a post of an officer who is locked and has not left.

    Parameters and errors are those of `layers.staff.officers.appoint_officer`.
    """
    found = find_scheme(session, scheme)
    area_codes = session.scalars(
        select(Cell.area_code).where(
            Cell.scheme_id == found.id,
            Cell.code == cell_code,
            Cell.valid_from.is_not(None),
            Cell.valid_to.is_(None),
            within(Cell.area_code, scope),
        )
    ).all()
    if not area_codes:
        raise NotFoundError(f"There is no cell '{cell_code}' in force in scheme '{found.code}'.")
    post = Post(
        officer_id=officer.id,
        scheme_id=found.id,
        cell_code=cell_code,
        duty=duty,
        rank=rank,
        held_since=on,
        valid_from=on,
        version=1,
    )
    session.add(post)
    session.flush()
    return SchemePost(post, found.code, area_codes[0], cell_code)


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
    held = select(Post, Officer, lies_in_scope(Post.scheme_id, Post.cell_code, scope)).join(
        Officer, Officer.id == Post.officer_id
    )
    found = session.execute(
        held.where(Post.id == post_id, within(Officer.area_code, scope)).with_for_update(of=Post),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no post number {post_id}.")
    post, holder, is_visible = found
    require_version(post.version, version)
    if post.valid_to is not None and post.valid_to <= max(date.today(), post.valid_from):
        raise ConflictError(f"Post number {post_id} has ended on {post.valid_to}.")
    _end(post, date.today())
    session.flush()
    scheme = session.get_one(Scheme, post.scheme_id).code
    return SchemePost(post, scheme, holder.area_code, post.cell_code if is_visible else None)


def end_posts(session: Session, officer_id: int, on: date) -> None:
    """End on a day all posts that an officer holds."""
    # Also what publishing a plan ends on a later day, or begins then.
    lasting = or_(Post.valid_to.is_(None), Post.valid_to > on)
    for post in session.scalars(select(Post).where(Post.officer_id == officer_id, lasting)):
        if post.valid_to != post.valid_from:
            _end(post, on)


class Appointment(NamedTuple):
    """The duty of an officer in all cells of the officer's area; None for one who is to hold no post."""

    officer: Officer
    duty: str | None
    rank: str


class PostChanges(NamedTuple):
    """How many posts began, ended and stayed; how many officers with a duty have no cell in their area."""

    begun: int
    ended: int
    kept: int
    without_cells: int


def appoint_by_area(
    session: Session, scheme_code: str, appointments: Collection[Appointment], on: date
) -> PostChanges:
    """Give officers the posts that area and duty call for in a scheme, and end what else they hold in it.

    An officer gets a post in each cell in force on the day that belongs to exactly the officer's area.

    Parameters
    ----------
    session
        Of `Database.write`. The scheme's lock is taken.
    scheme_code
        Code of the scheme.
    appointments
        The officers concerned; posts of others stay.
    on
        The day from which it holds.

    Raises
    ------
    InputError
        If the scheme has no cells in force on the day.
    NotFoundError
        If there is no such scheme.
    """
    scheme = find_scheme(session, scheme_code)
    # Publishing decides which cells are in force: one of the two waits for the other.
    lock_scheme(session, scheme.id, shared=True)
    cells: dict[str | None, list[str]] = defaultdict(list)
    chosen = select(Cell.area_code, Cell.code).where(cells_in_force(scheme.id, on))
    for area_code, code in session.execute(chosen.order_by(Cell.code)):
        cells[area_code].append(code)
    if not cells:
        raise InputError(f"The scheme '{scheme_code}' has no cells in force on {on}; publish a plan first.")
    held: dict[int, dict[tuple[str, str, str], Post]] = defaultdict(dict)
    for post in session.scalars(select(Post).where(Post.scheme_id == scheme.id, Post.valid_to.is_(None))):
        held[post.officer_id][post.cell_code, post.duty, post.rank] = post
    ended = kept = without_cells = 0
    begun = []
    for officer, duty, rank in appointments:
        codes = cells.get(officer.area_code, []) if duty is not None else []
        without_cells += duty is not None and not codes
        expected = {(code, str(duty), rank) for code in codes}
        current = held[officer.id]
        kept += len(expected & current.keys())
        begun += [
            {
                "officer_id": officer.id,
                "scheme_id": scheme.id,
                "cell_code": code,
                "duty": duty,
                "rank": rank,
                "part_time": False,
                "published_name": None,
                "published_phone": None,
                "held_since": on,
                **dict.fromkeys(("group_id", "area_code", "entity_id")),
                "valid_from": on,
                "valid_to": None,
                "version": 1,
                "carried_from_id": None,
                "ended_by_plan_id": None,
            }
            for code, duty, rank in sorted(expected - current.keys())
        ]
        for key in current.keys() - expected:
            _end(current[key], on)
            ended += 1
    session.flush()
    insert_rows(session, Post.metadata.tables["posts"], begun)
    return PostChanges(len(begun), ended, kept, without_cells)


def _end(post: Post, on: date) -> None:
    """End a post on a day; one that begins later keeps an empty interval as a trace."""
    post.valid_to = max(on, post.valid_from)
    post.ended_by_plan_id = None
    post.version += 1
