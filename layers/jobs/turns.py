"""Whose turn it is: which of the jobs that wait begins next."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

_ALONE = frozenset({"import-areas", "import-entities"})
# These compare a file with all that is stored, and would not see what another of them is about to store.


class AskedJob(NamedTuple):
    """A job as far as its turn depends on it."""

    id: int
    kind: str
    state: str
    area_code: str | None
    created_by: str
    started_at: datetime | None


def next_in_turn(
    waiting: Sequence[AskedJob], running: Sequence[AskedJob], before: Sequence[AskedJob]
) -> int | None:
    """Return the job that begins next, None if none may.

    It is one of the area that has the fewest running, then of the one whose last began the longest ago;
    within an area the same holds for its callers, and at last the order in which they were asked for. So no
    area waits for more than one job of another, however many that has in the queue.

    Parameters
    ----------
    waiting, running
        The jobs that are in the queue and those that have been taken from it.
    before
        Jobs that have begun, as far back as anybody remembers.
    """
    may_import = not any(each.kind in _ALONE for each in running)
    areas, callers = _last_starts(before, "area_code"), _last_starts(before, "created_by")
    busy_areas = Counter(each.area_code for each in running)
    busy_callers = Counter(each.created_by for each in running)

    def turn(job: AskedJob) -> tuple[int, float, int, float, int]:
        return (
            busy_areas[job.area_code],
            areas.get(job.area_code, 0.0),
            busy_callers[job.created_by],
            callers.get(job.created_by, 0.0),
            job.id,
        )

    able = [each for each in waiting if may_import or each.kind not in _ALONE]
    return min(able, key=turn).id if able else None


def _last_starts(jobs: Sequence[AskedJob], of: str) -> dict[str | None, float]:
    last: dict[str | None, float] = {}
    for each in jobs:
        if each.started_at is not None:
            key = getattr(each, of)
            last[key] = max(last.get(key, 0.0), each.started_at.timestamp())
    return last
