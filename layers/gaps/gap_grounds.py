"""Which areas a gap lies in: its own or, where its ground is that of several cells, those of all of them."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gis.gaps import GAP_KINDS
from layers.areas.scope import beneath, within
from layers.db.bulk import id_in, read_rows
from layers.models import Cell, Gap, GapRun
from layers.plans.cells import cells_in_force


class GapGround(NamedTuple):
    """The codes of the cell and the area that a gap is in."""

    cell_code: str | None
    area_code: str | None


def shared_grounds(session: Session, run: GapRun) -> dict[int, list[GapGround]]:
    """Return the gaps of a run that lie in several areas, by their ids, with their cells in order of code."""
    kinds = {name: kind for name, kind in GAP_KINDS.items() if kind.lies_in_named_cells}
    chosen = select(Gap.id, Gap.kind, Gap.figures).where(Gap.run_id == run.id, Gap.kind.in_(kinds))
    named = {
        number: sorted(kinds[kind].named_cells(figures)) for number, kind, figures in session.execute(chosen)
    }
    if not any(len(codes) > 1 for codes in named.values()):
        return {}
    # Overlaps may be many, and the cells of a scheme are few beside them.
    cells = select(Cell.code, Cell.area_code).where(cells_in_force(run.scheme_id, run.on))
    area_of = {code: area for code, area in read_rows(session, cells)}  # noqa: C416
    grounds = {
        number: [GapGround(code, area_of[code]) for code in codes if code in area_of]
        for number, codes in named.items()
    }
    return {number: found for number, found in grounds.items() if len({each.area_code for each in found}) > 1}


def gaps_within(session: Session, run_ids: Collection[int], area_code: str | None) -> ColumnElement[bool]:
    """Return the condition that a gap of some runs lies in an area; all do where none is given."""
    own = within(Gap.area_code, area_code)
    if area_code is None:
        return own
    inside = set(session.scalars(beneath(area_code)))
    shared = [
        number
        for run in session.scalars(select(GapRun).where(GapRun.id.in_(sorted(run_ids))))
        for number, grounds in shared_grounds(session, run).items()
        if any(each.area_code in inside for each in grounds)
    ]
    return or_(own, id_in(session, Gap.id, shared)) if shared else own


def grounds_seen(
    session: Session, scope: str | None, run: GapRun, gaps: Sequence[Any], key: str = "id"
) -> list[GapGround]:
    """Return where gaps of a run lie for a caller: of several cells, the first that is the caller's.

    Parameters
    ----------
    scope
        The caller's area, None for all.
    gaps
        Gaps, or rows with the columns that gaps have.
    key
        What rows call the id.
    """
    own = [GapGround(gap.cell_code, gap.area_code) for gap in gaps]
    if scope is None:
        return own
    inside = set(session.scalars(beneath(scope)))
    if all(ground.area_code in inside for ground in own):
        return own
    shared = shared_grounds(session, run)
    return [
        ground
        if ground.area_code in inside
        else next((each for each in shared.get(getattr(gap, key), ()) if each.area_code in inside), ground)
        for gap, ground in zip(gaps, own, strict=True)
    ]
