"""Importing areas: what changes from a day on, checked as a whole, and written as new versions."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import geopandas as gpd
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from gis.area_changes import AreaChangeKind, AreaChanges
from gis.progress import Note, no_note
from layers.days import require_near_day
from layers.db.bulk import id_in
from layers.db.database import Database, bump_revision
from layers.db.locks import lock_areas
from layers.fields.personal import require_public_names
from layers.imports.area_effects import AreaEffects, find_effects
from layers.imports.area_posts import hand_on_posts
from layers.imports.area_settlement import settle_entities
from layers.imports.area_state import AreaState, prepare_state
from layers.imports.merged_codes import propose_merged_codes
from layers.models import Area, AreaAdjustment, AreaLineage

UNNAMED = "unnamed"
"""Who imports, where the caller of Python does not say."""


@dataclass(frozen=True)
class AreaImportSummary:
    """What an import of areas did, or would do.

    Attributes
    ----------
    inserted, updated, unchanged, ended
        Areas; an updated one has a new version.
    moved
        The entities that now lie in another area; none as long as the day is to come.
    adjustment
        The number by which the import is told of and undone; None if nothing changed, or nothing was taken.
    changes
        What changed, area by area.
    effects
        Whom it concerns.
    parents_m2
        By how much the parents that were made of their children changed, m².
    """

    inserted: int
    updated: int
    unchanged: int
    moved: int
    ended: int = 0
    adjustment: int | None = field(default=None, compare=False)
    changes: AreaChanges = field(default=AreaChanges((), (), {}), compare=False)
    effects: AreaEffects = field(default=AreaEffects((), (), (), 0), compare=False)
    parents_m2: Mapping[str, float] = field(default_factory=dict, compare=False)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        counts = ("inserted", "updated", "unchanged", "ended", "moved", "adjustment")
        return {name: getattr(self, name) for name in counts} | self.report()

    def report(self) -> dict[str, Any]:
        """Return what is kept of an import to be told later."""
        return {
            "changes": [
                asdict(change) | {"kinds": [str(kind) for kind in change.kinds]}
                for change in self.changes.changes
            ],
            "ground": [
                {"from": flow.predecessor, "to": flow.successor, "area_m2": round(flow.area_m2, 2)}
                for flow in self.changes.flows
                if flow.predecessor != flow.successor
            ],
            "effects": self.effects.summary(),
            "parents_m2": {code: round(m2, 2) for code, m2 in self.parents_m2.items()},
        }


def import_areas(
    database: Database,
    frame: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    confirmed: bool = False,
    parents_from_children: bool = False,
    number_merged: bool = False,
    dry_run: bool = False,
    author: str = UNNAMED,
    note: Note = no_note,
    before_commit: Callable[[Session, AreaImportSummary], None] | None = None,
) -> AreaImportSummary:
    """Bring areas into the database as they are from a day on.

    Areas that the database holds beside the frame stay, but for those whose ground others of their level in
    the frame take: these end, and what lay beneath them lies beneath those. What was before the day stays.

    Parameters
    ----------
    database
        Migrated.
    frame
        EPSG:4326 with code, name, level, parent, geometry, as `layers.fields.columns.standardise_areas` gives
        it. Parents are completed where no area of the frame names one.
    on
        The first day; today when not given. Areas of ground that has had none of their level have always been
        there.
    confirmed
        The day is meant, however far from today it is.
    parents_from_children
        Make every parent the union of its children, where borders do not fit.
    number_merged
        Give communities that were merged the codes that the profile of a scheme has for such.
    dry_run
        Tell what would change, and write nothing.
    author
        The label of who imports.
    note
        Told which areas name a parent that is neither in the frame nor in the database.
    before_commit
        Called last in the transaction; what it raises undoes the import.

    Raises
    ------
    InputError
        If a code is missing or used twice, a geometry is not usable, parents run in a circle, a name holds
        what identifies a person, areas would end and no day is given, or the date is far from today and not
        confirmed.
    CoverageError
        If the areas, new and old together, do not nest.
    ConflictError
        If an area that changes has changed on a later day already, or a code named other ground before.
    """
    day = require_near_day(on, confirmed=confirmed)
    require_public_names(frame["name"], frame["code"])
    with database.read() if dry_run else database.write() as session:
        if not dry_run:
            lock_areas(session)
        prepare = partial(
            prepare_state, session, day=day, is_dated=on is not None, unite=parents_from_children
        )
        state = prepare(frame, note=note)
        codes = propose_merged_codes(session, state.changes)
        if codes and number_merged:
            frame = frame.assign(
                **{
                    column: frame[column].map(lambda code: codes[code][0] if code in codes else code)
                    for column in ("code", "parent")
                }
            )
            state = prepare(frame)
        else:
            for code, (proposed, profile) in codes.items():
                note(
                    f"area '{code}' was merged, and profile {profile.name} has codes like {proposed} for "
                    "such (--number-merged)"
                )
        effects = find_effects(session, state.changes, day)
        result = _summarise(frame, state, effects, 0, None)
        if not dry_run and state.changes.changes:
            adjustment = _write(session, state, result, author)
            moved = settle_entities(session)
            bump_revision(session)
            result = _summarise(frame, state, effects, moved, adjustment.id)
        if before_commit is not None:
            before_commit(session, result)
        return result


def _summarise(
    frame: gpd.GeoDataFrame, state: AreaState, effects: AreaEffects, moved: int, adjustment: int | None
) -> AreaImportSummary:
    ended = sum(AreaChangeKind.ended in change.kinds for change in state.changes.changes)
    inserted, updated = len(state.founded), len(state.changed)
    concerned = set(state.founded["code"]) | set(state.changed["code"]) | set(frame["code"].astype(str))
    return AreaImportSummary(
        inserted,
        updated,
        len(concerned) - inserted - updated,
        moved,
        ended,
        adjustment,
        state.changes,
        effects,
        state.parents_m2,
    )


def _write(session: Session, state: AreaState, result: AreaImportSummary, author: str) -> AreaAdjustment:
    report = result.report() | {"posts": hand_on_posts(session, state.changes, state.day)}
    adjustment = AreaAdjustment(
        valid_from=state.day, created_by=author, created_at=datetime.now(UTC), report=report
    )
    session.add(adjustment)
    session.flush()
    ended = update(Area).where(id_in(session, Area.id, state.ended_ids))
    session.execute(
        ended.values(valid_to=state.day, ended_by_id=adjustment.id),
        execution_options={"synchronize_session": False},
    )
    kinds = {change.code: change.kinds[0] for change in state.changes.changes}
    rows = [
        {
            **{
                column: row[column] if isinstance(row[column], str) else None
                for column in ("code", "name", "level", "parent")
            },
            "geometry": row["geometry"],
            "valid_from": state.starts.get(row["code"], state.day),
            "change": "recorded" if row["code"] in state.starts else str(kinds[row["code"]]),
            "adjustment_id": adjustment.id,
        }
        for brought in (state.founded, state.changed)
        for row in brought.to_dict("records")
    ]
    if rows:
        session.execute(insert(Area), rows)
    ended_codes = {change.code for change in state.changes.changes if AreaChangeKind.ended in change.kinds}
    lineage = [
        {
            "adjustment_id": adjustment.id,
            "predecessor": flow.predecessor,
            "successor": flow.successor,
            "valid_from": state.day,
            "area_m2": flow.area_m2,
            "predecessor_m2": state.changes.before_m2[str(flow.predecessor)],
            "ended": flow.predecessor in ended_codes,
        }
        for flow in state.changes.kin()
    ]
    if lineage:
        session.execute(insert(AreaLineage), lineage)
    session.flush()
    return adjustment
