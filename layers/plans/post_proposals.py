"""Who would answer for the cells of a draft: what their ground proposes, and what is chosen instead."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from layers.areas.grounds import AreaGrounds
from layers.areas.hierarchy import read_hierarchy
from layers.db.bulk import in_force, text_in
from layers.models import Cell, Plan, PlanOfficers, Post, Scheme
from layers.plans.cells import cells_as_of, plan_cells
from layers.plans.followers import POSTS, holds, read_following
from layers.plans.posts import read_choices
from layers.plans.predecessors import Predecessor, find_predecessors
from layers.plans.states import Step, require_step
from layers.plans.succession import read_succession
from layers.plans.takeover import examine_takeover, match_unchanged, within_area


class Proposal(NamedTuple):
    """Who would answer for a cell of a draft: the posts of its predecessors, or those chosen instead.

    `begins` is false of a cell that goes on unchanged, whose predecessors are not told.
    """

    code: str
    name: str
    begins: bool
    predecessors: Sequence[Predecessor]
    posts: Sequence[Mapping[str, Any]]
    chosen: bool


def propose_posts(session: Session, plan: Plan, on: date) -> list[Proposal]:
    """Return for each cell of a plan who would answer for it if the plan were published for a day.

    Of one that is published it is who answers on its first day; its cells count as unchanged then.
    """
    if plan.valid_from is not None:
        return _posts_of_first_day(session, plan, plan.valid_from)
    grounds = AreaGrounds(session)
    after = plan_cells(session, plan.id)
    takeover = examine_takeover(session, plan, after, on, grounds, None)
    scheme = session.get_one(Scheme, plan.scheme_id)
    _, kept_after = match_unchanged(session, scheme, takeover.before, after)
    kept = set(after["code"].iloc[kept_after])
    begun = after[~after["code"].isin(kept)]
    succession = read_succession(session, plan, on, takeover, begun, grounds.hierarchy(on))
    choices = read_choices(session, plan.id)
    concerned = {*after["code"], *takeover.before["code"], *succession.of_day_before.values()}
    posts = read_following(session, POSTS, plan.scheme_id, on, concerned)
    predecessors = find_predecessors(session, scheme, takeover.before, begun, on, count_all=True)
    proposals = []
    for code, name in zip(after["code"], after["name"], strict=True):
        held = [
            post
            for post in posts.get(code, ())
            if holds(post, on) and (code in kept or succession.keeps(post, code, on))
        ]
        if code not in kept:
            held += [post for post, _ in succession.taken_over(code, posts, on) if post.valid_from <= on]
        proposed = [_values(post) for post in held]
        proposals.append(
            Proposal(
                code,
                name,
                code not in kept,
                predecessors.get(code, []),
                choices.get(code, proposed),
                code in choices,
            )
        )
    return proposals


def _posts_of_first_day(session: Session, plan: Plan, on: date) -> list[Proposal]:
    cells = plan_cells(session, plan.id)
    posts = read_following(session, POSTS, plan.scheme_id, on, set(cells["code"]))
    return [
        Proposal(
            code,
            name,
            begins=False,
            predecessors=[],
            posts=[_values(post) for post in posts.get(code, ()) if holds(post, on)],
            chosen=False,
        )
        for code, name in zip(cells["code"], cells["name"], strict=True)
    ]


def _values(post: Post) -> dict[str, Any]:
    return {"officer_id": post.officer_id, "duty": post.duty, "rank": post.rank}


def choose_posts(
    session: Session, plan: Plan, cell_code: str, posts: Sequence[Mapping[str, Any]] | None, chosen_by: str
) -> None:
    """Choose who is to answer for a cell of a plan that is not published; None takes the proposal again.

    Parameters
    ----------
    plan
        Locked; it gets another version.
    posts
        officer_id, duty and rank of each, of officers that there are; nobody where there are none.

    Raises
    ------
    ConflictError
        If the plan is published or withdrawn.
    NotFoundError
        If it has no such cell.
    """
    require_step(plan, Step.publish)
    cell = select(Cell.id).where(Cell.plan_id == plan.id, Cell.code == cell_code)
    if session.scalar(cell) is None:
        raise NotFoundError(f"Plan {plan.id} has no cell '{cell_code}'.")
    former = session.get(PlanOfficers, (plan.id, cell_code))
    if former is not None:
        session.delete(former)
        session.flush()
    if posts is not None:
        chosen = [dict(each) for each in posts]
        session.add(PlanOfficers(plan_id=plan.id, cell_code=cell_code, posts=chosen, chosen_by=chosen_by))
    plan.version += 1
    session.flush()


class Handover(NamedTuple):
    """What an officer gives away and takes over: cells by their codes, what lies there, to and from whom."""

    officer_id: int
    cells_lost: tuple[str, ...]
    cells_gained: tuple[str, ...]
    households_lost: int
    households_gained: int
    enterprises_lost: int
    enterprises_gained: int
    given_to: tuple[int, ...]
    taken_from: tuple[int, ...]


def read_handover(session: Session, plan: Plan, on: date) -> list[Handover]:
    """Return for each officer what changes when a plan comes into force; for all others nothing does.

    Parameters
    ----------
    plan
        Of one that is published the posts of its first day are compared with those of the day before.
    on
        The day for which one that is not might be published.
    """
    new, last = plan_cells(session, plan.id), on
    if plan.valid_from is None:
        proposals = propose_posts(session, plan, on)
        after = {each.code: {post["officer_id"] for post in each.posts} for each in proposals}
        # A cell of a draft has another number than the version that it leaves as it is.
        same = {each.code for each in proposals if not each.begins}
    else:
        last = plan.valid_from - timedelta(days=1)
        after = _officers(session, plan.scheme_id, new["code"], plan.valid_from)
        same = {code for code, start in zip(new["code"], new["valid_from"], strict=True) if start <= last}
    present = cells_as_of(session, plan.scheme_id, last)
    inside, _ = within_area(
        session, plan.scheme_id, plan.area_code, present, read_hierarchy(session, plan.valid_from or on)
    )
    old = present[inside].reset_index(drop=True)
    before = _officers(session, plan.scheme_id, old["code"], last)
    changed = new[
        [code not in same or before.get(code, set()) != after.get(code, set()) for code in new["code"]]
    ]
    scheme = session.get_one(Scheme, plan.scheme_id)
    found = find_predecessors(session, scheme, old, changed, last, count_all=True)
    moved: Counter[tuple[int, str]] = Counter()
    pairs: set[tuple[int, int]] = set()
    for code, predecessors in found.items():
        for each in predecessors:
            has, had = after.get(code, set()), before.get(each.code, set())
            pairs |= {(giver, taker) for giver in had - has for taker in has - had}
            for officers, change in ((has - had, "gained"), (had - has, "lost")):
                for officer in officers:
                    moved[officer, f"households_{change}"] += each.households
                    moved[officer, f"enterprises_{change}"] += each.enterprises
    takers: dict[int, set[int]] = defaultdict(set)
    givers: dict[int, set[int]] = defaultdict(set)
    for giver, taker in pairs:
        takers[giver].add(taker)
        givers[taker].add(giver)
    lost, gained = _by_officer(before, after), _by_officer(after, before)
    return [
        Handover(
            officer,
            tuple(sorted(lost.get(officer, ()))),
            tuple(sorted(gained.get(officer, ()))),
            moved[officer, "households_lost"],
            moved[officer, "households_gained"],
            moved[officer, "enterprises_lost"],
            moved[officer, "enterprises_gained"],
            tuple(sorted(takers[officer])),
            tuple(sorted(givers[officer])),
        )
        for officer in sorted({*lost, *gained, *(officer for officer, _ in moved)})
    ]


def _officers(session: Session, scheme_id: int, codes: Iterable[str], on: date) -> dict[str, set[int]]:
    """Return the officers with a post in some cells on a day, by the codes of the cells."""
    held = select(Post.cell_code, Post.officer_id).where(
        Post.scheme_id == scheme_id,
        text_in(session, Post.cell_code, set(codes)),
        in_force(Post.valid_from, Post.valid_to, on),
    )
    found: dict[str, set[int]] = defaultdict(set)
    for code, officer in session.execute(held):
        found[str(code)].add(officer)
    return found


def _by_officer(these: Mapping[str, set[int]], others: Mapping[str, set[int]]) -> dict[int, set[str]]:
    """Return the cells that officers have in the one and not in the other."""
    found: dict[int, set[str]] = defaultdict(set)
    for code, officers in these.items():
        for officer in officers - others.get(code, set()):
            found[officer].add(code)
    return found
