"""Posts at areas follow the ground: those at an area that ends go on at the one that most of it became."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.area_changes import AreaChangeKind, AreaChanges
from gis.errors import ConflictError
from layers.db.bulk import id_in, text_in
from layers.models import AreaAdjustment, Officer, Post
from layers.plans.followers import POSTS, Span, subtract
from layers.staff.posts import end_on

_SAME = ("officer_id", "scheme_id", "duty", "rank")
"""What is the same in two posts at an area is never held twice at once."""


class HandedOnPosts(NamedTuple):
    """How many posts at an area that ends go on at another; at none, if `successor` is None."""

    area_code: str
    successor: str | None
    posts: int


class AreaPosts(NamedTuple):
    """What becomes of posts at areas.

    Attributes
    ----------
    handed_on
        Of each area that ends and has posts.
    vacant
        The areas that begin on ground whose former area had posts, and get none.
    """

    handed_on: tuple[HandedOnPosts, ...]
    vacant: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Return what must be known before the day, a sentence each."""
        told = [
            f"{each.posts:,} posts at area '{each.area_code}' go on at area '{each.successor}'"
            if each.successor is not None
            else f"{each.posts:,} posts at area '{each.area_code}' end, for no area takes more than half of "
            "its ground; give their officers posts at the areas that follow"
            for each in self.handed_on
        ]
        if self.vacant:
            listed = ", ".join(self.vacant[:3]) + (", ..." if len(self.vacant) > 3 else "")
            told.append(f"{len(self.vacant):,} areas begin without a post ({listed})")
        return told


NO_POSTS = AreaPosts((), ())


def find_area_posts(session: Session, changes: AreaChanges, day: date) -> AreaPosts:
    """Find what becomes of the posts at areas that end on a day, or hand on ground to areas that begin."""
    heirs, kin = changes.heirs(), changes.kin()
    sources = {str(flow.predecessor) for flow in kin}
    counts: dict[str, int] = defaultdict(int)
    for post in _lasting_posts(session, sources | heirs.keys(), day):
        counts[str(post.area_code)] += 1
    founded = {change.code for change in changes.changes if AreaChangeKind.founded in change.kinds}
    bereft = {str(flow.successor) for flow in kin if counts[str(flow.predecessor)]}
    staffed = {heir for code, heir in heirs.items() if counts[code]}
    return AreaPosts(
        tuple(HandedOnPosts(code, heirs[code], counts[code]) for code in sorted(heirs) if counts[code]),
        tuple(sorted(bereft & founded - staffed)),
    )


def hand_on_posts(session: Session, changes: AreaChanges, day: date) -> dict[str, Any]:
    """End the posts at areas that end on a day, and begin them at the areas that follow.

    An officer who holds the same post there already does not get it twice.

    Returns
    -------
    dict
        What `take_back_posts` must know: the posts that began, and of each that was cut its end now and
        before, and the posts that continue it.
    """
    heirs = changes.heirs()
    held: dict[tuple[Any, ...], list[tuple[Span, Post]]] = defaultdict(list)
    for post in _lasting_posts(session, {heir for heir in heirs.values() if heir is not None}, day):
        held[post.area_code, *_same(post)].append((_span(post), post))
    begun: list[Post] = []
    cut: dict[str, list[Any]] = {}
    for post in _lasting_posts(session, heirs.keys(), day):
        heir, former = heirs[str(post.area_code)], post.valid_to
        spans, following = [(max(day, post.valid_from), former or date.max)], []
        here = held[heir, *_same(post)]
        for span, other in here:
            left = subtract(spans, span)
            if left != spans and other in begun:
                following.append(other)
            spans = left
        for start, end in spans if heir is not None else ():
            continued = _continue(post, str(heir), start, end)
            session.add(continued)
            begun.append(continued)
            following.append(continued)
            here.append(((start, end), continued))
        end_on(post, day)
        session.flush()
        cut[str(post.id)] = [_text(post.valid_to), _text(former), [each.id for each in following]]
    return {"begun": [each.id for each in begun], "cut": cut}


def take_back_posts(session: Session, adjustment: AreaAdjustment) -> None:
    """Bring the posts at areas back to what they were before an adjustment.

    What was changed since of a post that went on holds for the one that it continues.
    """
    undo: Mapping[str, Any] = adjustment.report.get("posts", {"begun": [], "cut": {}})
    begun = {
        each.id: each for each in session.scalars(select(Post).where(id_in(session, Post.id, undo["begun"])))
    }
    for number, (until, former, following) in undo["cut"].items():
        post = session.get(Post, int(number))
        if post is None or _text(post.valid_to) != until:
            continue
        ends = [None if former is None else date.fromisoformat(former)]
        ends.append(session.get_one(Officer, post.officer_id).valid_to)
        changed = [begun[each] for each in following if each in begun and begun[each].version > 1]
        for last in changed[-1:]:
            ends.append(last.valid_to)
            for name in POSTS.continued:
                setattr(post, name, getattr(last, name))
        end = min((each for each in ends if each is not None), default=None)
        post.valid_to = None if end is None else max(end, post.valid_from)
        post.version += 1
    for each in begun.values():
        session.delete(each)
    session.flush()


def require_no_posts(session: Session, adjustment: AreaAdjustment, founded: Collection[str]) -> None:
    """Refuse if somebody was given a post at an area that an adjustment brought, which lasts.

    One that has ended since was never held.
    """
    begun = set(adjustment.report.get("posts", {}).get("begun", ()))
    given = [post for post in _lasting_posts(session, founded, adjustment.valid_from) if post.id not in begun]
    for post in given:
        if post.valid_to is None or post.valid_to > date.today():
            raise ConflictError(
                f"Post number {post.id} is at area '{post.area_code}', which adjustment {adjustment.id} "
                "brought; end it first."
            )
    for post in given:
        end_on(post, adjustment.valid_from)


def _lasting_posts(session: Session, codes: Collection[str], day: date) -> Sequence[Post]:
    """Return the posts at areas that last beyond a day, or begin after it."""
    if not codes:
        return []
    lasting = or_(Post.valid_to.is_(None), (Post.valid_to > day) & (Post.valid_to > Post.valid_from))
    chosen = select(Post).where(text_in(session, Post.area_code, sorted(codes)), lasting)
    return session.scalars(chosen.order_by(Post.id)).all()


def _continue(post: Post, area_code: str, start: date, end: date) -> Post:
    names = (*_SAME, *POSTS.continued)
    return Post(
        **{name: getattr(post, name) for name in names},
        area_code=area_code,
        valid_from=start,
        valid_to=None if end == date.max else end,
        version=1,
        carried_from_id=post.id,
    )


def _same(post: Post) -> tuple[Any, ...]:
    return tuple(getattr(post, name) for name in _SAME)


def _span(post: Post) -> Span:
    return post.valid_from, post.valid_to or date.max


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
