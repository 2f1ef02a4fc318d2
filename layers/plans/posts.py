"""Posts follow the ground: when a plan comes into force its cells take over the posts of those before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import geopandas as gpd
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from layers.areas.hierarchy import AreaHierarchy
from layers.db.bulk import insert_rows, text_in
from layers.models import Cell, Officer, Plan, PlanOfficers, Post, Scheme
from layers.plans.cells import cells_as_of
from layers.plans.predecessors import find_predecessors, main_predecessors
from layers.plans.takeover import Takeover, within_area

Span = tuple[date, date]
"""From a day to before another; `date.max` while it lasts."""


class FollowedPosts(NamedTuple):
    """What became of the posts when a plan came into force.

    Attributes
    ----------
    carried
        Posts that began in the plan's cells: those of their predecessors, or those chosen for them.
    ended
        Posts that ended with their cells, or for a choice, and that nothing continues.
    vacant
        Cells that began and have nobody on the plan's first day.
    """

    carried: int
    ended: int
    vacant: int


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

    A cell takes over all posts of its main predecessor, see `layers.plans.predecessors`; one that is its own
    keeps what it has. What was chosen for a cell of the draft takes the place of that. A post that lasts
    while the plan is in force, and beyond, comes back where its cell does.

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
        What `layers.plans.post_undo.take_back_posts` must know.
    """
    kept = set(kept_codes)
    ends = {code: end or date.max for code, end in zip(after["code"], takeover.ends, strict=True)}
    begun = after[~after["code"].isin(kept)]
    ended = takeover.before[~takeover.before["code"].isin(kept)]
    succession = read_succession(session, plan, on, takeover, begun, hierarchy)
    choices = read_choices(session, plan.id)
    concerned = {*ended["code"], *succession.of_day_before.values(), *begun["code"], *choices}
    posts = read_posts(session, plan.scheme_id, on, concerned)
    chosen = {code: wanted for code, wanted in choices.items() if code in ends}
    spans = _spans_in_force(session, plan.scheme_id, on, {*posts, *chosen})
    # For a cell that goes on a choice holds as long as the cell does.
    last_of = {code: _end_at(spans[code], on) if code in kept else ends[code] for code in chosen}
    # Before any post is ended: who takes over what depends on how it was.
    carried = [
        (post, code, until)
        for code in begun["code"]
        if code not in chosen
        for post, until in succession.taken_over(code, posts, on)
    ]
    rows = _Rows(session, plan, on)
    for code, held in posts.items():
        for post in held:
            if not _lasts(post, on):
                continue
            allowed = spans[code]
            if code in ends and code not in kept and not succession.keeps(post, code, on):
                allowed = _subtract(allowed, (on, ends[code]))
            if code in chosen and not (
                post.valid_from <= on and any(_is_same(post, each) for each in chosen[code])
            ):
                allowed = _subtract(allowed, (on, last_of[code]))
            rows.confine(post, allowed)
    for post, code, until in carried:
        rows.carry(post, code, max(on, post.valid_from), min(until, ends[code]))
    for code, wanted in chosen.items():
        for each in wanted:
            rows.begin(each, code, on, last_of[code])
    number, lost = rows.write()
    staffed = {code for code, since in rows.begun_at if since == on}
    staffed |= {code for code, held in posts.items() if any(holds(post, on) for post in held)}
    return FollowedPosts(number, lost, len(set(begun["code"]) - staffed)), rows.undo()


def read_choices(session: Session, plan_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return the posts chosen for cells of a draft, by the codes of the cells."""
    rows = select(PlanOfficers.cell_code, PlanOfficers.posts).where(PlanOfficers.plan_id == plan_id)
    return dict(iter(session.execute(rows)))


class Succession(NamedTuple):
    """Whose posts each cell that begins takes over: the code of a cell of the day before, and of the day.

    They differ where another plan was published for the same day, which never came into force.
    """

    of_day_before: Mapping[str, str]
    of_day: Mapping[str, str] | None
    origins: set[int]
    """Posts in force on the day before from which some of the day were carried."""

    def is_replaced(self, post: Post, on: date) -> bool:
        """Return whether a post was only carried along by the plan that this one replaces on its day."""
        return self.of_day is not None and post.valid_from == on and post.carried_from_id in self.origins

    def keeps(self, post: Post, code: str, on: date) -> bool:
        """Return whether a post stays in the cell that has its code now."""
        if self.is_replaced(post, on):
            return False
        source = self.of_day_before
        if self.of_day is not None and post.valid_from >= on:
            source = self.of_day
        return source.get(code) == code

    def taken_over(
        self, code: str, posts: Mapping[str, Sequence[Post]], on: date
    ) -> Iterable[tuple[Post, date]]:
        """Yield the posts that a cell takes over, with the day before which each ends at the latest."""
        source = self.of_day_before.get(code)
        for post in posts.get(source, ()) if source is not None else ():
            if self.of_day is not None and post.valid_from >= on:
                continue
            if _lasts(post, on):
                if source != code:
                    yield post, post.valid_to or date.max
            elif self.of_day is not None and post.valid_to == on and post.ended_by_plan_id is not None:
                yield post, date.max
        source = None if self.of_day is None else self.of_day.get(code)
        for post in posts.get(source, ()) if source is not None and source != code else ():
            if post.valid_from >= on and _lasts(post, on) and not self.is_replaced(post, on):
                yield post, post.valid_to or date.max


def read_succession(
    session: Session,
    plan: Plan,
    on: date,
    takeover: Takeover,
    begun: gpd.GeoDataFrame,
    hierarchy: AreaHierarchy,
) -> Succession:
    """Find out whose posts the cells that begin take over; parameters as for `follow_ground`."""
    scheme = session.get_one(Scheme, plan.scheme_id)
    of_day = main_predecessors(find_predecessors(session, scheme, takeover.before, begun, on))
    if on not in set(takeover.before["valid_from"]):
        return Succession(of_day, None, set())
    present = cells_as_of(session, scheme.id, on - timedelta(days=1))
    inside, _ = within_area(session, scheme.id, plan.area_code, present, hierarchy)
    cells = present[inside].reset_index(drop=True)
    of_day_before = main_predecessors(find_predecessors(session, scheme, cells, begun, on))
    origin = aliased(Post)
    carried = (
        select(origin.id)
        .join(Post, Post.carried_from_id == origin.id)
        .where(
            Post.scheme_id == scheme.id,
            Post.valid_from == on,
            origin.valid_from < on,
            text_in(session, origin.cell_code, set(cells["code"])),
        )
    )
    return Succession(of_day_before, of_day, set(session.scalars(carried)))


def read_posts(session: Session, scheme_id: int, on: date, codes: set[str]) -> dict[str, list[Post]]:
    """Return the posts of some cells that last to a day or beyond, and those whose cell is no more."""
    lasting = select(Cell.id).where(
        Cell.scheme_id == scheme_id,
        Cell.code == Post.cell_code,
        Cell.valid_from.is_not(None),
        or_(Cell.valid_to.is_(None), Cell.valid_to > on),
    )
    chosen = select(Post).where(
        Post.scheme_id == scheme_id,
        or_(Post.valid_to.is_(None), Post.valid_to >= on),
        or_(text_in(session, Post.cell_code, codes), ~lasting.exists()),
    )
    found: dict[str, list[Post]] = defaultdict(list)
    for post in session.scalars(chosen.order_by(Post.id)):
        found[post.cell_code].append(post)
    return found


def _spans_in_force(session: Session, scheme_id: int, on: date, codes: set[str]) -> dict[str, list[Span]]:
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


class _Rows:
    """The rows of posts to change and to add.

    A post that begins where the same officer has the same already is not added.
    """

    def __init__(self, session: Session, plan: Plan, on: date) -> None:
        self._session, self._plan, self._on = session, plan, on
        self._begun: list[dict[str, Any]] = []
        self._cut: dict[int, Post] = {}
        self._former_ends: dict[int, date | None] = {}
        self._held: dict[tuple[str, int, str, str], list[Span]] = defaultdict(list)
        self._followed: set[int] = set()
        self._carried = 0
        self._leaving: dict[int, date | None] | None = None
        self._newest = 0
        self.begun_at: set[tuple[str, date]] = set()

    def confine(self, post: Post, allowed: Sequence[Span]) -> None:
        """Let a post go on where its cell does; what of it is left after a break begins again."""
        start, end = post.valid_from, post.valid_to or date.max
        spans = [(start, min(end, self._on))] if start < self._on else []
        for first, last in allowed:
            part = max(first, start), min(last, end)
            if part[0] >= part[1]:
                continue
            if spans and spans[-1][1] == part[0]:
                part = spans.pop()[0], part[1]
            spans.append(part)
        key = post.cell_code, post.officer_id, post.duty, post.rank
        self._held[key] += spans
        if spans == [(start, end)]:
            return
        self._former_ends.setdefault(post.id, post.valid_to)
        stays = spans.pop(0) if spans and spans[0][0] == start else (start, start)
        post.valid_to, post.version = stays[1], post.version + 1
        post.ended_by_plan_id = self._plan.id
        self._cut[post.id] = post
        self._begun += [self._row(post, post.cell_code, *span) for span in spans]

    def carry(self, post: Post, code: str, start: date, end: date) -> None:
        """Begin a post in a cell that takes it over."""
        self._add(self._row(post, code, start, end), start, end, origin=post.id)

    def begin(self, chosen: Mapping[str, Any], code: str, start: date, end: date) -> None:
        """Begin a post that was chosen."""
        values = {key: chosen[key] for key in ("officer_id", "duty", "rank")}
        self._add(self._values(values, code, start, end), start, end, origin=None)

    def _add(self, row: dict[str, Any], start: date, end: date, *, origin: int | None) -> None:
        end = min(end, self._last_day_of(row["officer_id"]))
        key = row["cell_code"], row["officer_id"], row["duty"], row["rank"]
        if start >= end:
            return
        if origin is not None:
            self._followed.add(origin)
        if any(first < end and start < last for first, last in self._held[key]):
            return
        self._held[key].append((start, end))
        self._begun.append({**row, "valid_to": None if end == date.max else end})
        self._carried += 1
        self.begun_at.add((row["cell_code"], start))

    def _last_day_of(self, officer_id: int) -> date:
        if self._leaving is None:
            rows = select(Officer.id, Officer.valid_to).where(Officer.valid_to.is_not(None))
            self._leaving = dict(iter(self._session.execute(rows)))
        return self._leaving.get(officer_id) or date.max

    def _row(self, post: Post, code: str, start: date, end: date) -> dict[str, Any]:
        values = {"officer_id": post.officer_id, "duty": post.duty, "rank": post.rank}
        return {**self._values(values, code, start, end), "carried_from_id": post.id}

    def _values(self, values: Mapping[str, Any], code: str, start: date, end: date) -> dict[str, Any]:
        return {
            **values,
            "scheme_id": self._plan.scheme_id,
            "cell_code": code,
            "valid_from": start,
            "valid_to": None if end == date.max else end,
            "version": 1,
            "carried_from_id": None,
            "ended_by_plan_id": None,
        }

    def write(self) -> tuple[int, int]:
        """Write all, and return how many began in other cells and how many ended that nothing continues."""
        self._session.flush()
        self._newest = self._session.scalars(select(func.max(Post.id))).one() or 0
        insert_rows(self._session, Post.metadata.tables["posts"], self._begun)
        # What a plan had carried along that never came into force is no loss.
        lost = [
            post
            for number, post in self._cut.items()
            if number not in self._followed
            and (post.carried_from_id is None or post.valid_to != post.valid_from)
        ]
        return self._carried, len(lost)

    def undo(self) -> dict[str, Any]:
        """Return which posts have begun, and for each that was cut its end now and before."""
        names = ("cell_code", "officer_id", "duty", "rank", "valid_from")
        keys = {tuple(row[name] for name in names) for row in self._begun}
        added = select(Post).where(Post.scheme_id == self._plan.scheme_id, Post.id > self._newest)
        return {
            "on": self._on.isoformat(),
            "begun": [
                post.id
                for post in self._session.scalars(added)
                if tuple(getattr(post, name) for name in names) in keys
            ],
            "cut": {
                str(number): (_text(post.valid_to), _text(self._former_ends[number]))
                for number, post in self._cut.items()
            },
        }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _lasts(post: Post, on: date) -> bool:
    return post.valid_to is None or post.valid_to > max(on, post.valid_from)


def holds(post: Post, on: date) -> bool:
    """Return whether a post is held on a day."""
    return post.valid_from <= on and (post.valid_to is None or post.valid_to > on)


def _is_same(post: Post, chosen: Mapping[str, Any]) -> bool:
    values = post.officer_id, post.duty, post.rank
    return values == (chosen["officer_id"], chosen["duty"], chosen["rank"])


def _end_at(spans: Sequence[Span], on: date) -> date:
    """Return the end of the span that holds a day; the day itself where none does."""
    return next((last for first, last in spans if first <= on < last), on)


def _subtract(spans: Sequence[Span], taken: Span) -> list[Span]:
    """Return what is left of spans without another."""
    parts = [
        part for first, last in spans for part in ((first, min(last, taken[0])), (max(first, taken[1]), last))
    ]
    return [part for part in parts if part[0] < part[1]]
