"""The columns that all lists share: in which cell and area a row is, and who answers for it."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas.scope import within
from layers.areas.versions import standing_areas
from layers.db.bulk import read_rows
from layers.lists.listing import ListColumn, ListRequest, ListRow
from layers.lists.words import duty_name
from layers.models import Area, Cell, Officer
from layers.plans.cells import cells_in_force
from layers.staff.officers import officers_of_areas
from layers.staff.published import PublishedPost
from layers.staff.responsible import HeldPost, Holder, absent_officers, first_posts, posts_at_areas

RESPONSIBILITY_COLUMNS = (
    ListColumn("cell_code", "网格编码", "Cell code"),
    ListColumn("cell_name", "网格名称", "Cell"),
    ListColumn("area_code", "区划编码", "Area code"),
    ListColumn("area", "所属区划", "Area"),
    ListColumn("person", "责任人", "Responsible person"),
    ListColumn("person_number", "责任人编号", "Number of the person"),
    ListColumn("person_duty", "岗位", "Duty"),
    ListColumn("person_phone", "责任人电话", "Phone of the person"),
)

_CODES_AT_ONCE = 500


class _Answerable(NamedTuple):
    officer: Officer | Holder
    duty: str | None
    post: HeldPost | None = None


def with_responsibility(
    session: Session, request: ListRequest, scheme_id: int | None, rows: Sequence[ListRow]
) -> list[ListRow]:
    """Return rows with `RESPONSIBILITY_COLUMNS`, from their `cell_code` and `area_code`.

    For what lies in no cell, or in one whose officers are away or that has none, an officer of the area
    answers, or of one above: who holds a post there, or is of that area.
    """
    codes = {row["cell_code"] for row in rows if row.get("cell_code")}
    names = _cell_names(session, request, scheme_id, codes)
    posts = {} if scheme_id is None else first_posts(session, scheme_id, codes, request.on)
    parents, labels = _read_areas(session, request.on)
    chains = {code: _chain(code, parents) for code in {row.get("area_code") for row in rows} if code}
    by_area = _officers_by_area(
        session, request, scheme_id, {code for chain in chains.values() for code in chain}
    )
    complete = []
    for row in rows:
        cell = row.get("cell_code")
        chain = chains.get(row.get("area_code") or "", [])
        found = posts.get(cell or "")
        answerable = (
            _Answerable(found.officer, found.duty, found)
            if found is not None
            else next((by_area[code] for code in chain if code in by_area), None)
        )
        complete.append(
            {
                **row,
                "cell_name": names.get(cell or ""),
                "area": " / ".join(labels[code] for code in reversed(chain) if code in labels),
                **_person(request, answerable),
            }
        )
    return complete


def visible_cells(
    session: Session, request: ListRequest, scheme_id: int, codes: Iterable[str | None]
) -> set[str | None]:
    """Return those of some codes whose cells lie in the caller's area: an own entity may be in another's."""
    if request.scope is None:
        return set(codes)
    return set(_cell_names(session, request, scheme_id, {code for code in codes if code}, within_scope=True))


def _person(request: ListRequest, answerable: _Answerable | None) -> ListRow:
    if answerable is None:
        return dict.fromkeys(("person", "person_number", "person_duty", "person_phone"))
    personal = request.personal_of(answerable.officer)
    published = PublishedPost(answerable.officer, answerable.post)
    return {
        "person": published.name(personal),
        "person_number": answerable.officer.external_id,
        "person_duty": duty_name(answerable.duty, request.language),
        "person_phone": published.phone(personal),
    }


def _cell_names(
    session: Session,
    request: ListRequest,
    scheme_id: int | None,
    codes: Iterable[str],
    *,
    within_scope: bool = False,
) -> dict[str, str]:
    if scheme_id is None:
        return {}
    listed = sorted(codes)
    names: dict[str, str] = {}
    for start in range(0, len(listed), _CODES_AT_ONCE):
        part = listed[start : start + _CODES_AT_ONCE]
        chosen = select(Cell.code, Cell.name).where(
            cells_in_force(scheme_id, request.on),
            Cell.code.in_(part),
            within(Cell.area_code, request.scope if within_scope else None),
        )
        names |= {row.code: row.name for row in read_rows(session, chosen)}
    return names


def _read_areas(session: Session, on: date) -> tuple[dict[str, str | None], dict[str, str]]:
    rows = read_rows(session, select(Area.code, Area.parent, Area.name).where(standing_areas(on)))
    return {code: parent for code, parent, _ in rows}, {code: name for code, _, name in rows}


def _chain(code: str | None, parents: dict[str, str | None]) -> list[str]:
    """Return an area and those above it, the lowest first."""
    chain: list[str] = []
    while code is not None and code not in chain:
        chain.append(code)
        code = parents.get(code)
    return chain


def _officers_by_area(
    session: Session, request: ListRequest, scheme_id: int | None, codes: set[str]
) -> dict[str, _Answerable]:
    """Return who answers for areas themselves: who holds a post there, then leaders, then by number."""
    found: dict[str, _Answerable] = {}
    for code, (first, *_) in posts_at_areas(session, codes, scheme_id, request.on).items():
        if not first.absent:
            found[code] = _Answerable(first.officer, first.duty, first)
    away = absent_officers(session, request.on)
    officers = officers_of_areas(session, codes, request.on)
    for officer in sorted(
        officers, key=lambda each: (each.attributes.get("duty") != "leader", each.external_id)
    ):
        duty = officer.attributes.get("duty")
        if officer.id not in away:
            found.setdefault(
                str(officer.area_code), _Answerable(officer, duty if isinstance(duty, str) else None)
            )
    return found
