"""The list of gaps that are new, closed or lasting from one day to another."""

from itertools import groupby
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.gaps.differences import compare_runs
from layers.gaps.gap_grounds import gaps_within
from layers.gaps.run_visibility import newest_visible_run
from layers.lists.gaps import GAP_COLUMNS, analysis_notes, gap_rows
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest
from layers.lists.responsibility import with_responsibility
from layers.lists.words import gap_change_name
from layers.models import Gap
from layers.plans.schemes import find_scheme


def read_gap_changes(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Compare the newest runs up to `since` and up to the day; `kind` is appeared, gone or lasting."""
    request.require("scheme", "since")
    scheme = find_scheme(session, str(request.scheme))
    old = newest_visible_run(session, request.scope, scheme.id, until=request.since)
    new = newest_visible_run(session, request.scope, scheme.id, until=request.on)
    notes = [
        note
        for run in (old, new)
        for note in analysis_notes(None if run is None else run.summary, request.language)
    ]
    if old is None or new is None or old.id == new.id:
        return ListPage([], 0, list(dict.fromkeys(notes)))
    difference = compare_runs(session, request.scope, new.id, old.id)
    found = [
        *(("appeared", gap, new) for gap in difference.appeared),
        *(("gone", gap, old) for gap in difference.gone),
        *(("lasting", gap, new) for gap, _ in difference.lasting),
    ]
    inside = gaps_within(session, [old.id, new.id], request.ground)
    own = set(session.scalars(select(Gap.id).where(Gap.run_id.in_((old.id, new.id)), inside)))
    listed = [each for each in found if request.kind in (None, each[0]) and each[1].id in own]
    rows = [
        {**row, "change": gap_change_name(change, request.language)}
        for (change, run), each in groupby(listed[offset : offset + limit], key=itemgetter(0, 2))
        for row in gap_rows(session, request, run, [gap for _, gap, _ in each])
    ]
    return ListPage(
        with_responsibility(session, request, scheme.id, rows),
        len(listed),
        list(dict.fromkeys(notes)),
    )


GAP_CHANGES = Listing(
    "gap-changes",
    "盲区变化清单",
    "Gaps that changed",
    (ListColumn("change", "变化", "Change"), *GAP_COLUMNS),
    read_gap_changes,
)
