"""Whose rows the cells of a plan take over when it comes into force."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import geopandas as gpd
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from layers.areas.hierarchy import AreaHierarchy
from layers.db.bulk import text_in
from layers.models import Plan, Scheme
from layers.plans.cells import cells_as_of
from layers.plans.followers import GROUP_CELLS, POSTS, Row, lasts
from layers.plans.predecessors import find_predecessors, main_predecessors
from layers.plans.takeover import Takeover, within_area


class Succession(NamedTuple):
    """Whose rows each cell that begins takes over: the code of a cell of the day before, and of the day.

    They differ where another plan was published for the same day, which never came into force.
    """

    of_day_before: Mapping[str, str]
    of_day: Mapping[str, str] | None
    origins: Mapping[str, set[int]]
    """By their table the rows in force on the day before from which some of the day were carried."""

    def is_replaced(self, row: Row, on: date) -> bool:
        """Return whether a row was only carried along by the plan that this one replaces on its day."""
        return (
            self.of_day is not None
            and row.valid_from == on
            and row.carried_from_id in self.origins[row.__tablename__]
        )

    def keeps(self, row: Row, code: str, on: date) -> bool:
        """Return whether a row stays in the cell that has its code now."""
        if self.is_replaced(row, on):
            return False
        source = self.of_day_before
        if self.of_day is not None and row.valid_from >= on:
            source = self.of_day
        return source.get(code) == code

    def taken_over(
        self, code: str, rows: Mapping[str, Sequence[Any]], on: date
    ) -> Iterable[tuple[Any, date]]:
        """Yield the rows that a cell takes over, with the day before which each ends at the latest."""
        source = self.of_day_before.get(code)
        for row in rows.get(source, ()) if source is not None else ():
            if self.of_day is not None and row.valid_from >= on:
                continue
            if lasts(row, on):
                if source != code:
                    yield row, row.valid_to or date.max
            elif self.of_day is not None and row.valid_to == on and row.ended_by_plan_id is not None:
                yield row, date.max
        source = None if self.of_day is None else self.of_day.get(code)
        for row in rows.get(source, ()) if source is not None and source != code else ():
            if row.valid_from >= on and lasts(row, on) and not self.is_replaced(row, on):
                yield row, row.valid_to or date.max


def read_succession(
    session: Session,
    plan: Plan,
    on: date,
    takeover: Takeover,
    begun: gpd.GeoDataFrame,
    hierarchy: AreaHierarchy,
) -> Succession:
    """Find out whose rows the cells that begin take over; parameters as for `follow_ground`."""
    scheme = session.get_one(Scheme, plan.scheme_id)
    of_day = main_predecessors(find_predecessors(session, scheme, takeover.before, begun, on))
    if on not in set(takeover.before["valid_from"]):
        return Succession(of_day, None, {})
    present = cells_as_of(session, scheme.id, on - timedelta(days=1))
    inside, _ = within_area(session, scheme.id, plan.area_code, present, hierarchy)
    cells = present[inside].reset_index(drop=True)
    of_day_before = main_predecessors(find_predecessors(session, scheme, cells, begun, on))
    origins: dict[str, set[int]] = {}
    for model in (follower.model for follower in (POSTS, GROUP_CELLS)):
        origin = aliased(model)
        carried = (
            select(origin.id)
            .join(model, model.carried_from_id == origin.id)
            .where(
                model.scheme_id == scheme.id,
                model.valid_from == on,
                origin.valid_from < on,
                text_in(session, origin.cell_code, set(cells["code"])),
            )
        )
        origins[model.__tablename__] = set(session.scalars(carried))
    return Succession(of_day_before, of_day, origins)
