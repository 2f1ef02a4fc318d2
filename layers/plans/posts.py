"""Posts follow the ground: when a plan comes into force its cells take over the posts of those before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from layers.areas.hierarchy import AreaHierarchy
from layers.db.bulk import in_force, text_in
from layers.models import Absence, Cell, Plan, PlanOfficers, Post
from layers.plans.followers import (
    GROUP_CELLS,
    POSTS,
    Follower,
    FollowingRows,
    Span,
    lasts,
    read_following,
    subtract,
)
from layers.plans.succession import Succession, read_succession
from layers.plans.takeover import Takeover


class FollowedPosts(NamedTuple):
    """What became of the posts when a plan came into force.

    Attributes
    ----------
    carried
        Posts that began in the plan's cells: those of their predecessors, or those chosen for them.
    ended
        Posts that ended with their cells, or for a choice, and that nothing continues.
    vacant
        Cells that began and have nobody on the plan's first day: no post, or all who hold one are away.
    """

    carried: int
    ended: int
    vacant: int


@dataclass(frozen=True, eq=False)
class _Ground:
    """What a plan changes of the cells in force: those that begin, end and go on."""

    plan: Plan
    on: date
    kept: set[str]
    begun: list[str]
    ended: list[str]
    ends: Mapping[str, date]
    """For each of the plan's cells the day on which a later plan follows it."""
    succession: Succession


def follow_ground(
    session: Session,
    plan: Plan,
    on: date,
    takeover: Takeover,
    after: gpd.GeoDataFrame,
    kept_codes: Iterable[str],
    hierarchy: AreaHierarchy,
) -> tuple[FollowedPosts, dict[str, Any]]:
    """End the posts of cells that end, and begin them in the cells that have most of their ground.

    A cell takes over all posts of its main predecessor, see `layers.plans.predecessors`, and its place in
    groups; one that is its own keeps what it has. What was chosen for a cell of the draft takes the place of
    that. A post that lasts while the plan is in force, and beyond, comes back where its cell does.

    Parameters
    ----------
    session
        Whose transaction has locked the scheme and written the cells.
    plan, on
        What has been published, and for which day.
    takeover, after
        The cells that were in force on that day, and the plan's own.
    kept_codes
        Which of the plan's cells go on unchanged.

    Returns
    -------
    followed : FollowedPosts
        How many.
    undo : dict
        What `layers.plans.post_undo.take_back_posts` must know, by what followed.
    """
    kept = set(kept_codes)
    begun = after[~after["code"].isin(kept)]
    ended = takeover.before[~takeover.before["code"].isin(kept)]
    ground = _Ground(
        plan,
        on,
        kept,
        begun["code"].tolist(),
        ended["code"].tolist(),
        {code: end or date.max for code, end in zip(after["code"], takeover.ends, strict=True)},
        read_succession(session, plan, on, takeover, begun, hierarchy),
    )
    posts = _follow(session, POSTS, ground, read_choices(session, plan.id))
    group_cells = _follow(session, GROUP_CELLS, ground, {})
    carried, lost = posts.write()
    group_cells.write()
    staffed = select(Post.cell_code).where(
        Post.scheme_id == plan.scheme_id, text_in(session, Post.cell_code, set(ground.begun)), is_held(on)
    )
    vacant = set(ground.begun) - set(session.scalars(staffed))
    undo = {"posts": posts.undo(), "groups": group_cells.undo()}
    return FollowedPosts(carried, lost, len(vacant)), undo


def is_held(on: date) -> ColumnElement[bool]:
    """Return the condition that a post is held on a date by somebody who is not away."""
    away = exists().where(
        Absence.officer_id == Post.officer_id, in_force(Absence.valid_from, Absence.valid_to, on)
    )
    return in_force(Post.valid_from, Post.valid_to, on) & ~away


def _follow(
    session: Session,
    follower: Follower,
    ground: _Ground,
    choices: Mapping[str, Sequence[Mapping[str, Any]]],
) -> FollowingRows:
    """Find which rows change and which begin."""
    on, kept, ends, succession = ground.on, ground.kept, ground.ends, ground.succession
    sources = {*succession.of_day_before.values(), *(succession.of_day or {}).values()}
    concerned = {*ground.ended, *sources, *ground.begun, *choices}
    held = read_following(session, follower, ground.plan.scheme_id, on, concerned)
    chosen = {code: wanted for code, wanted in choices.items() if code in ends}
    spans = spans_in_force(session, ground.plan.scheme_id, on, {*held, *chosen})
    # For a cell that goes on a choice holds as long as the cell does.
    last_of = {code: _end_at(spans[code], on) if code in kept else ends[code] for code in chosen}
    # Before any row is ended: who takes over what depends on how it was.
    carried = [
        (row, code, until)
        for code in ground.begun
        if code not in chosen
        for row, until in succession.taken_over(code, held, on)
    ]
    before = {code: _continued_values(succession, code, held) for code in chosen}
    rows = FollowingRows(session, follower, ground.plan, on)
    for code, present in held.items():
        for row in present:
            if not lasts(row, on):
                continue
            allowed = spans[code]
            if code in ends and code not in kept and not succession.keeps(row, code, on):
                allowed = subtract(allowed, (on, ends[code]))
            if code in chosen and not (
                row.valid_from <= on and any(_is_same(row, each) for each in chosen[code])
            ):
                allowed = subtract(allowed, (on, last_of[code]))
            rows.confine(row, allowed)
    for row, code, until in carried:
        rows.carry(row, code, max(on, row.valid_from), min(until, ends[code]))
    for code, wanted in chosen.items():
        for each in wanted:
            values = {name: each[name] for name in POSTS.identity}
            known = before[code].get((values["officer_id"], values["duty"]), _NEW | {"held_since": on})
            rows.begin(values | known, code, on, last_of[code])
    return rows


_NEW = {"part_time": False, "published_name": None, "published_phone": None}


def _continued_values(
    succession: Succession, code: str, posts: Mapping[str, Sequence[Post]]
) -> dict[tuple[int, str], dict[str, Any]]:
    """Return what officers go on with who have a duty at a cell, or the one it comes from, and are chosen."""
    sources = (code, succession.of_day_before.get(code), (succession.of_day or {}).get(code))
    held = [post for source in sources if source is not None for post in posts.get(source, ())]
    return {
        (post.officer_id, post.duty): {name: getattr(post, name) for name in POSTS.continued}
        for post in reversed(held)
    }


def read_choices(session: Session, plan_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return the posts chosen for cells of a draft, by the codes of the cells."""
    rows = select(PlanOfficers.cell_code, PlanOfficers.posts).where(PlanOfficers.plan_id == plan_id)
    return dict(iter(session.execute(rows)))


def spans_in_force(session: Session, scheme_id: int, on: date, codes: set[str]) -> dict[str, list[Span]]:
    """Return when cells are in force from a day on, by their codes, in order; what adjoins is one span."""
    rows = select(Cell.code, Cell.valid_from, Cell.valid_to).where(
        Cell.scheme_id == scheme_id,
        Cell.valid_from.is_not(None),
        or_(Cell.valid_to.is_(None), Cell.valid_to > on),
        text_in(session, Cell.code, codes),
    )
    found: dict[str, list[Span]] = defaultdict(list)
    for code, start, end in session.execute(rows.order_by(Cell.valid_from)):
        first, last = max(start or on, on), end or date.max
        if last <= first:
            continue
        if found[code] and found[code][-1][1] == first:
            first = found[code].pop()[0]
        found[code].append((first, last))
    return found


def _is_same(post: Post, chosen: Mapping[str, Any]) -> bool:
    values = post.officer_id, post.duty, post.rank
    return values == (chosen["officer_id"], chosen["duty"], chosen["rank"])


def _end_at(spans: Sequence[Span], on: date) -> date:
    """Return the end of the span that holds a day; the day itself where none does."""
    return next((last for first, last in spans if first <= on < last), on)
