"""A draft of the demonstration: one community redrawn by a handful of edits, and submitted."""

from collections.abc import Callable
from datetime import date

import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy.orm import Session

from gis.redraw import Cell, Command, Merge, SplitEvenly, Transfer, Update, why_disabled
from gis.redraw.cell_set import CellSet
from layers.db.database import Database
from layers.models import Plan
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.copies import copy_in_force
from layers.plans.edits import edit_plan
from layers.plans.review import submit_plan
from layers.plans.schemes import find_scheme

DRAFT_NAME = "社区网格微调（待审批）"
AUTHOR = "planner"
"""Who drew and submitted it: not the account of the demonstration, which may so approve it."""

_MIN_CELLS = 6
_REGION_SHARE = 0.2
# Of the width of a cell, in degrees, is the radius of the ground that changes hands.


def submit_draft(database: Database, scheme: str, on: date, on_step: Callable[[str], None]) -> None:
    """Copy the cells in force, redraw some of one community, and submit the draft.

    Parameters
    ----------
    scheme
        The code of the scheme.
    on
        A day on which its cells are in force.
    on_step
        Called with what was done.
    """
    with database.write() as session:
        plan = copy_in_force(session, scheme, name=DRAFT_NAME, on=on, author=AUTHOR)
        crs = CRS.from_user_input(find_scheme(session, scheme).working_crs)
        edits = _redraw(session, plan, crs)
        check_plan(session, plan.id, on=on)
        submit_plan(session, plan.id, plan.version, author=AUTHOR, comment="请审批：一个社区的网格微调。")
        on_step(f"{scheme}: plan {plan.id} is a submitted draft, {edits} edits from what is in force")


def _redraw(session: Session, plan: Plan, crs: CRS) -> int:
    """Merge two cells and rename the result, divide another, move some ground; return how many were done."""
    cells = plan_cells(session, plan.id)
    sizes = cells["area_code"].value_counts()
    own = cells[cells["area_code"] == min(sizes[sizes >= _MIN_CELLS].index, default=sizes.index[0])]
    untouched = sorted(own["code"])
    done = 0

    def apply(command: Command, whole: CellSet) -> bool:
        nonlocal done
        if why_disabled(command, whole) is not None:
            return False
        edit_plan(session, plan.id, command, version=plan.version, author=AUTHOR)
        done += 1
        return True

    def read() -> CellSet:
        return CellSet.from_frame(plan_cells(session, plan.id), crs=crs)

    whole = read()
    for one, other in _pairs(whole, untouched):
        if apply(Merge((one.code, other.code)), whole):
            untouched = [code for code in untouched if code not in (one.code, other.code)]
            apply(Update(one.code, cell_name=f"{one.name}（合并）"), read())
            break
    whole = read()
    for code in sorted(untouched, key=lambda each: -whole.cells[each].geometry.area):
        if apply(SplitEvenly(code, 2), whole):
            untouched.remove(code)
            break
    whole = read()
    for one, other in _pairs(whole, untouched):
        border = one.geometry.boundary.intersection(other.geometry.boundary)
        radius = _REGION_SHARE * np.sqrt(one.geometry.area)
        region = shapely.buffer(border.interpolate(0.5, normalized=True), radius, quad_segs=2)
        if border.length and apply(Transfer(region, other.code), whole):
            break
    return done


def _pairs(whole: CellSet, codes: list[str]) -> list[tuple[Cell, Cell]]:
    """Return the neighbours among some cells, in the order of their codes."""
    return [
        (whole.cells[code], each)
        for code in codes
        for each in whole.neighbours([whole.cells[code]])
        if each.code in codes
    ]
