"""The filing notice of a plan (上报备案): what changes, who moves, and from when."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.versions import areas_in_force
from layers.db.bulk import in_force, text_in
from layers.lists.plan_changes import PLAN_CHANGES, change_rows
from layers.lists.words import duty_name, kind_name
from layers.models import Area, Officer, Plan, Post, Scheme, Waiver
from layers.plans.changes import PlanChanges, read_changes
from layers.plans.post_proposals import propose_posts, read_handover
from layers.plans.states import state_on
from layers.plans.waivers import state_waivers
from layers.staff.officers import read_officers

Posts = dict[str, list[tuple[str, str, str]]]
"""By the code of a cell who answers for it: number of the officer, duty and rank."""

_STATES = {
    "draft": ("草案", "draft"),
    "submitted": ("已提交", "submitted"),
    "approved": ("已批准", "approved"),
    "published": ("已发布", "published"),
    "superseded": ("已被取代", "superseded"),
    "withdrawn": ("已撤回", "withdrawn"),
}


class NoticeTable(NamedTuple):
    """A table of a notice: its title, the headings of its columns, and rows of texts, numbers and dates."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def columns(self) -> dict[str, list[Any]]:
        """Return the values by the headings."""
        return {name: [row[place] for row in self.rows] for place, name in enumerate(self.headings)}


class PlanNotice(NamedTuple):
    """The filing notice of a plan.

    Attributes
    ----------
    scheme
        The name of the scheme.
    plan
        The plan.
    begins
        The first day on which it is, or is to be, in force.
    changes
        What it changes of what was in force the day before.
    before, after
        The cells of the communities in which something changes, as they were and as they become: code, name,
        area_code, area_m2, and `leader`, the number of the officer who leads a cell.
    facts
        What is said first: names and values.
    tables
        Cells that change, entities that move, who answers for the cells, who hands over what, and which rules
        are waived.
    """

    scheme: str
    plan: Plan
    begins: date
    changes: PlanChanges
    before: gpd.GeoDataFrame
    after: gpd.GeoDataFrame
    facts: Sequence[tuple[str, str]]
    tables: Sequence[NoticeTable]


def read_notice(
    session: Session, plan_id: int, *, on: date | None = None, scope: str | None = None, language: str = "zh"
) -> PlanNotice:
    """Read the filing notice of a plan.

    Officers are named by their numbers alone, as on maps: a file is copied and printed.

    Parameters
    ----------
    on
        The first day of a plan that is not published; today when not given.
    scope
        The area that the plan must divide or lie in; None for any.
    language
        zh or en.

    Raises
    ------
    NotFoundError, InputError, LimitError
        As for `layers.plans.changes.read_changes`.
    """
    changes = read_changes(session, plan_id, on=on, scope=scope)
    plan = changes.plan
    begins = plan.valid_from or changes.on
    scheme = session.get_one(Scheme, plan.scheme_id)
    codes = changes.difference.codes
    changed = set(codes.loc[codes["kind"] != "unchanged", "code"])
    was = _posts_on(session, plan.scheme_id, set(changes.compared.before["code"]), changes.on)
    becomes = _proposed(session, plan, begins)
    before, after = _near_changes(changes, changed)
    tables = (
        _change_table(changes, language),
        _move_table(changes, language),
        _post_table(changes, was, becomes, language),
        _handover_table(session, plan, changes.on, language),
        _waiver_table(session, plan, language),
    )
    return PlanNotice(
        scheme.name,
        plan,
        begins,
        changes,
        before.assign(leader=before["code"].map(_leaders(was))),
        after.assign(leader=after["code"].map(_leaders(becomes))),
        _facts(session, scheme, changes, begins, tables, language),
        tables,
    )


def _near_changes(changes: PlanChanges, changed: set[str]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the cells of both plans in the areas in which a cell changes; all where none does."""
    frames = changes.compared.before, changes.compared.after
    areas = {area for cells in frames for area in cells.loc[cells["code"].isin(changed), "area_code"]}
    if not changed:
        return frames
    before, after = (
        cells[cells["area_code"].isin(areas) | cells["code"].isin(changed)].reset_index(drop=True)
        for cells in frames
    )
    return before, after


def _posts_on(session: Session, scheme_id: int, codes: Collection[str], on: date) -> Posts:
    chosen = (
        select(Post.cell_code, Officer.external_id, Post.duty, Post.rank)
        .join(Officer, Officer.id == Post.officer_id)
        .where(
            Post.scheme_id == scheme_id,
            text_in(session, Post.cell_code, codes),
            in_force(Post.valid_from, Post.valid_to, on),
        )
        .order_by(Post.duty, Post.rank, Officer.external_id)
    )
    found: Posts = {}
    for code, number, duty, rank in session.execute(chosen):
        assert code is not None
        found.setdefault(code, []).append((number, duty, rank))
    return found


def _proposed(session: Session, plan: Plan, on: date) -> Posts:
    proposals = propose_posts(session, plan, on)
    officers = read_officers(session, {post["officer_id"] for each in proposals for post in each.posts})
    return {
        each.code: sorted(
            ((officers[post["officer_id"]].external_id, post["duty"], post["rank"]) for post in each.posts),
            key=lambda post: (post[1], post[2], post[0]),
        )
        for each in proposals
    }


def _leaders(posts: Posts) -> dict[str, str]:
    found = {}
    for code, held in posts.items():
        leaders = [
            number for number, duty, rank in sorted(held, key=lambda post: post[2]) if duty == "leader"
        ]
        if leaders:
            found[code] = leaders[0]
    return found


def _change_table(changes: PlanChanges, language: str) -> NoticeTable:
    columns = PLAN_CHANGES.columns
    rows = change_rows(changes, language)
    return NoticeTable(
        PLAN_CHANGES.title(language),
        [column.heading(language) for column in columns],
        [[row[column.key] for column in columns] for row in rows],
    )


def _move_table(changes: PlanChanges, language: str) -> NoticeTable:
    none = "无网格" if language == "zh" else "no cell"
    counted = changes.counts()
    columns = (counted[column].tolist() for column in ("kind", "from_code", "to_code", "number"))
    rows = [
        [kind_name(kind, language), source or none, target or none, number]
        for kind, source, target, number in zip(*columns, strict=True)
    ]
    if language == "zh":
        return NoticeTable("对象变动表", ["类型", "原网格", "新网格", "数量"], rows)
    return NoticeTable("Objects that get another cell", ["Kind", "From cell", "To cell", "Number"], rows)


def _post_table(changes: PlanChanges, was: Posts, becomes: Posts, language: str) -> NoticeTable:
    """Return who answers for each cell before and after, where that changes."""
    names: dict[str, str] = {}
    for cells in (changes.compared.before, changes.compared.after):
        names |= dict(zip(cells["code"], cells["name"], strict=True))
    vacant = "空缺" if language == "zh" else "vacant"
    now = set(changes.compared.after["code"])
    ended = "已撤销" if language == "zh" else "ended"

    def text(held: Sequence[tuple[str, str, str]]) -> str:
        return (
            "; ".join(f"{number} {duty_name(duty, language)} {rank}" for number, duty, rank in held) or vacant
        )

    rows = []
    former = set(changes.compared.before["code"])
    for code in sorted(former | now):
        old, new = was.get(code, []), becomes.get(code, [])
        if code in former & now and sorted(old) == sorted(new):
            continue
        begun = "新设" if language == "zh" else "new cell"
        rows.append(
            [code, names[code], text(old) if code in former else begun, text(new) if code in now else ended]
        )
    if language == "zh":
        return NoticeTable("责任人变动表", ["网格编码", "网格名称", "原责任人", "新责任人"], rows)
    headings = ["Cell code", "Cell", "Responsible before", "Responsible after"]
    return NoticeTable("Who answers for the cells", headings, rows)


def _handover_table(session: Session, plan: Plan, on: date, language: str) -> NoticeTable:
    found = read_handover(session, plan, on)
    officers = read_officers(session, {each.officer_id for each in found})
    rows = [
        [
            officers[each.officer_id].external_id,
            " ".join(each.cells_lost),
            " ".join(each.cells_gained),
            *(each.households_lost, each.households_gained, each.enterprises_lost, each.enterprises_gained),
        ]
        for each in sorted(found, key=lambda each: officers[each.officer_id].external_id)
    ]
    if language == "zh":
        headings = [
            *("责任人编号", "移交网格", "接收网格"),
            *("移交住户数", "接收住户数", "移交企业数", "接收企业数"),
        ]
        return NoticeTable("交接表", headings, rows)
    headings = [
        *("Number of the person", "Cells given away", "Cells taken over"),
        *("Households given", "Households taken", "Enterprises given", "Enterprises taken"),
    ]
    return NoticeTable("Handover", headings, rows)


def _waiver_table(session: Session, plan: Plan, language: str) -> NoticeTable:
    given = session.scalars(select(Waiver).where(Waiver.plan_id == plan.id).order_by(Waiver.id)).all()
    rows = [
        [
            each.cell_code,
            each.rule,
            each.reason,
            each.created_by,
            each.created_at.date().isoformat(),
        ]
        for each, state in state_waivers(session, plan, given)
        if state == "holds"
    ]
    if language == "zh":
        return NoticeTable("规则豁免表", ["网格编码", "规则", "理由", "豁免人", "日期"], rows)
    return NoticeTable("Waived rules", ["Cell code", "Rule", "Reason", "Waived by", "On"], rows)


def _facts(
    session: Session,
    scheme: Scheme,
    changes: PlanChanges,
    begins: date,
    tables: Sequence[NoticeTable],
    language: str,
) -> list[tuple[str, str]]:
    """Return what the notice says first."""
    plan, is_zh = changes.plan, language == "zh"
    area = session.scalar(select(Area).where(Area.code == plan.area_code, areas_in_force(begins)))
    summary = changes.difference.summary()
    before, after = set(changes.compared.before["code"]), set(changes.compared.after["code"])
    every = "全部区划" if is_zh else "all areas"
    state = _STATES[state_on(plan, date.today())][0 if is_zh else 1]
    counts = changes.moves["kind"].value_counts()
    moved = ", ".join(f"{kind_name(str(kind), language)} {number:,}" for kind, number in counts.items())
    pairs = (
        ("体系", "Scheme", f"{scheme.name}（{scheme.code}）" if is_zh else f"{scheme.name} ({scheme.code})"),
        ("方案", "Plan", f"{plan.id} {plan.name}"),
        ("状态", "State", state),
        ("划分范围", "Divides", every if area is None else f"{area.name} {area.code}"),
        ("生效日期", "In force from", begins.isoformat()),
        ("网格数", "Cells", f"{len(before):,} → {len(after):,}"),
        ("新增网格", "New codes", f"{len(after - before):,}"),
        ("撤销网格", "Ended codes", f"{len(before - after):,}"),
        ("变更归属面积", "Ground that changes cells", f"{summary['changed_owner_m2']:,.2f} m²"),
        ("变更归属对象", "Objects that change cells", moved or ("无" if is_zh else "none")),
        ("责任人变动网格", "Cells with other people", f"{len(tables[2].rows):,}"),
    )
    return [(zh if is_zh else en, value) for zh, en, value in pairs]
