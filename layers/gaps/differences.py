"""How two runs of gaps of a scheme differ: what has appeared, what is gone, what lasts."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis.crs import LONLAT
from gis.errors import InputError, LimitError
from gis.gaps import GAP_KINDS
from gis.gaps.compare import compare_gaps
from layers.areas.hierarchy import read_hierarchy
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.run_visibility import VisibleRun, describe_runs, find_visible_run
from layers.models import Gap, GapRun

MAX_COMPARED_GAPS = 50_000
"""The most gaps of both runs that are compared."""

_COMPARED_COLUMNS = ("kind", "cell_code", "area_code", "area_m2", "households", "enterprises")


class RunDifference(NamedTuple):
    """What differs between two runs on the ground of both.

    Attributes
    ----------
    new, old
        The runs.
    area_code
        The ground compared.
    kinds
        Those that both have looked for.
    not_compared
        Kinds that one of them did not look for, or that are known no more.
    appeared, gone
        Gaps of the new run that the old one had not, and the other way round; the most severe first.
    lasting
        Gaps of the new run, each with the gap of the old run that it is.
    """

    new: VisibleRun
    old: VisibleRun
    area_code: str | None
    kinds: list[str]
    not_compared: list[str]
    appeared: list[Gap]
    gone: list[Gap]
    lasting: list[tuple[Gap, Gap]]


def compare_runs(session: Session, scope: str | None, run_id: int, against: int) -> RunDifference:
    """Compare a run with an older one, as the caller may see them.

    Raises
    ------
    InputError
        If they are of different schemes or ground.
    LimitError
        If they have more than `MAX_COMPARED_GAPS` gaps.
    NotFoundError
        If the caller may not see one of them.
    """
    new, code = find_visible_run(session, scope, run_id)
    old, other = find_visible_run(session, scope, against)
    if code != other:
        raise InputError(f"Runs {run_id} and {against} are of different schemes.")
    area_code = _common_area(session, new, old)
    size = session.scalar(select(func.count()).select_from(Gap).where(Gap.run_id.in_((run_id, against))))
    if (size or 0) > MAX_COMPARED_GAPS:
        raise LimitError(f"More than {MAX_COMPARED_GAPS:,} gaps; compare runs of a smaller area.")
    searched = [set(each.summary["kinds"]) for each in (new, old)]
    kinds = [kind for kind in new.summary["kinds"] if kind in searched[1] and kind in GAP_KINDS]
    before, after = (_gaps_of_run(session, scope, each.id, kinds, area_code) for each in (old, new))
    changed = compare_gaps(
        _gap_frame(before), [gap.figures for gap in before], _gap_frame(after), [gap.figures for gap in after]
    )
    described = describe_runs(session, scope, [(new, code), (old, code)])
    return RunDifference(
        described[0],
        described[1],
        area_code,
        kinds,
        sorted((searched[0] | searched[1]) - set(kinds)),
        [after[row] for row in changed.appeared],
        [before[row] for row in changed.gone],
        [(after[row], before[former]) for row, former in changed.lasting],
    )


def _common_area(session: Session, new: GapRun, old: GapRun) -> str | None:
    """Return the narrower area of two runs, one of which holds the other."""
    if new.area_code == old.area_code or old.area_code is None:
        return new.area_code
    if new.area_code is None or new.area_code in read_hierarchy(session).ancestors(old.area_code):
        return old.area_code
    if old.area_code in read_hierarchy(session).ancestors(new.area_code):
        return new.area_code
    raise InputError(f"Runs {new.id} and {old.id} are of different ground; compare runs of one area.")


def _gaps_of_run(
    session: Session, scope: str | None, run_id: int, kinds: list[str], area_code: str | None
) -> list[Gap]:
    statement = select(Gap).where(Gap.run_id == run_id, Gap.kind.in_(kinds))
    statement = statement.where(gaps_within(session, [run_id], scope))
    if area_code is not None:
        statement = statement.where(gaps_within(session, [run_id], area_code))
    return list(session.scalars(statement.order_by(Gap.id)))


def _gap_frame(found: list[Gap]) -> gpd.GeoDataFrame:
    geometries = np.empty(len(found), dtype=object)
    geometries[:] = [gap.geometry for gap in found]
    table = {name: [getattr(gap, name) for gap in found] for name in _COMPARED_COLUMNS}
    return gpd.GeoDataFrame(table, geometry=geometries, crs=LONLAT)
