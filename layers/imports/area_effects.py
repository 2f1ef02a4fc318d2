"""Whom a change of areas concerns: plans with cells in them, officers and accounts bound to them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from gis.area_changes import AreaChangeKind, AreaChanges
from layers.db.bulk import text_in
from layers.imports.area_posts import NO_POSTS, AreaPosts, find_area_posts
from layers.models import Account, Cell, Entity, Officer, Plan, PlanState, Scheme, Token

_OPEN_STATES = (PlanState.draft, PlanState.submitted, PlanState.approved)
_MAX_LISTED = 100


@dataclass(frozen=True)
class AffectedPlan:
    """A plan in force or on its way with cells in areas that change.

    Attributes
    ----------
    plan, name, scheme, state
        Of the plan.
    ended, changed
        How many of its cells name an area that ends, or one whose border or parent changes.
    cells
        The codes of these cells, the first of them; `area_codes` are the areas.
    """

    plan: int
    name: str
    scheme: str
    state: str
    ended: int
    changed: int
    cells: tuple[str, ...]
    area_codes: tuple[str, ...]


@dataclass(frozen=True)
class AreaEffects:
    """Whom a change of areas concerns.

    Attributes
    ----------
    plans
        With cells in areas that change.
    officers
        The identities of officers bound to areas that end.
    accounts
        The labels of accounts and tokens bound to areas that end; they keep what these become.
    entities
        How many entities lie in areas that end, or whose borders change.
    posts
        What becomes of the posts at areas.
    """

    plans: tuple[AffectedPlan, ...]
    officers: tuple[str, ...]
    accounts: tuple[str, ...]
    entities: int
    posts: AreaPosts = NO_POSTS

    def summary(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        handed_on = [each._asdict() for each in self.posts.handed_on]
        return asdict(self) | {"posts": handed_on, "vacant": list(self.posts.vacant)}

    def sentences(self) -> list[str]:
        """Return what must be known before the day, a sentence each."""
        told = []
        for plan in self.plans:
            named = f"plan {plan.plan} of scheme '{plan.scheme}' ({plan.state})"
            listed = ", ".join(plan.cells[:3]) + (", ..." if plan.ended + plan.changed > 3 else "")
            if plan.ended:
                told.append(
                    f"{plan.ended:,} cells of {named} name areas that end; "
                    f"draw a plan of the new areas for that day ({listed})"
                )
            if plan.changed:
                told.append(f"{plan.changed:,} cells of {named} lie in areas that change ({listed})")
        if self.officers:
            told.append(f"{len(self.officers):,} officers belong to areas that end")
        if self.accounts:
            told.append(
                f"{len(self.accounts):,} accounts and tokens are bound to areas that end, and keep what "
                "these become"
            )
        return told + self.posts.sentences()


def find_effects(session: Session, changes: AreaChanges, day: date) -> AreaEffects:
    """Find whom the changes of a day concern."""
    of_kind: dict[AreaChangeKind, set[str]] = defaultdict(set)
    for change in changes.changes:
        for kind in change.kinds:
            of_kind[kind].add(change.code)
    ended = of_kind[AreaChangeKind.ended]
    changed = of_kind[AreaChangeKind.redrawn] | of_kind[AreaChangeKind.moved] | of_kind[AreaChangeKind.merged]
    officers = _find(
        session, Officer.external_id, Officer, ended, or_(Officer.valid_to.is_(None), Officer.valid_to > day)
    )
    accounts = [
        *_find(session, Account.name, Account, ended, Account.disabled_at.is_(None)),
        *_find(session, Token.name, Token, ended, Token.revoked_at.is_(None)),
    ]
    counted = (
        select(func.count())
        .select_from(Entity)
        .where(text_in(session, Entity.area_code, sorted(ended | changed)), Entity.valid_to.is_(None))
    )
    entities = session.scalars(counted).one() if ended | changed else 0
    return AreaEffects(
        tuple(_find_plans(session, ended, changed, day)),
        tuple(officers),
        tuple(accounts),
        entities,
        find_area_posts(session, changes, day),
    )


def _find(
    session: Session, label: Any, model: Any, codes: Collection[str], condition: ColumnElement[bool]
) -> list[str]:
    """Return the labels of the rows that are bound to areas."""
    if not codes:
        return []
    chosen = select(label).where(text_in(session, model.area_code, sorted(codes)), condition)
    return list(session.scalars(chosen.order_by(label)))


def _find_plans(
    session: Session, ended: Collection[str], changed: Collection[str], day: date
) -> list[AffectedPlan]:
    codes = sorted({*ended, *changed})
    if not codes:
        return []
    in_force = (Cell.valid_from <= day) & or_(Cell.valid_to.is_(None), Cell.valid_to > day)
    coming = Cell.valid_from > day
    drafted = Cell.valid_from.is_(None) & Plan.state.in_(_OPEN_STATES)
    chosen = (
        select(Plan.id, Plan.name, Scheme.code, Plan.state, Cell.code, Cell.area_code)
        .join(Plan, Plan.id == Cell.plan_id)
        .join(Scheme, Scheme.id == Plan.scheme_id)
        .where(text_in(session, Cell.area_code, codes), or_(in_force, coming, drafted))
        .order_by(Plan.id, Cell.code)
    )
    cells: dict[tuple[int, str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for plan, name, scheme, state, code, area_code in session.execute(chosen):
        cells[plan, name, scheme, state].append((code, str(area_code)))
    return [
        AffectedPlan(
            *plan,
            ended=sum(area in ended for _, area in named),
            changed=sum(area not in ended for _, area in named),
            cells=tuple(
                code
                for code, _ in sorted(named, key=lambda each: (each[1] not in ended, each[0]))[:_MAX_LISTED]
            ),
            area_codes=tuple(sorted({area for _, area in named})),
        )
        for plan, named in cells.items()
    ]
