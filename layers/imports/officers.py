"""Importing officers from a table, with their posts at places of every level of a scheme."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import orjson
import pandas as pd
from sqlalchemy.orm import Session

from gis.codes import normalize_codes
from gis.errors import InputError
from layers.areas.queries import area_codes
from layers.days import require_near_day
from layers.db.content_hash import canonical_json, ordered_json
from layers.db.database import Database
from layers.fields.columns import AREA_CODE_FIELDS, ID_FIELDS, find_column
from layers.fields.personal import is_personal_identity, separate_personal
from layers.imports.post_columns import PUBLISHED_FIELDS, PostColumns, PostRow
from layers.imports.rejections import RejectedRecord, RejectionReason
from layers.imports.summary import RecordSummary
from layers.staff.appointments import Appointment, PostChanges, SchemePlaces, appoint
from layers.staff.officers import OfficerValues, ended_identities, store_officers

OFFICER_ID_FIELDS = ("officer_id", *ID_FIELDS, "工号")


@dataclass(frozen=True)
class OfficerImportSummary(RecordSummary):
    """What an import of officers did.

    Attributes
    ----------
    begun, changed, ended, kept
        Posts of these officers in the scheme.
    without_cells
        Records whose post is at the area itself: the scheme has no cell of exactly that area, or it is named.
    """

    begun: int = 0
    changed: int = 0
    ended: int = 0
    kept: int = 0
    without_cells: int = 0

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            **super().summary(),
            "posts": {
                "begun": self.begun,
                "changed": self.changed,
                "ended": self.ended,
                "kept": self.kept,
            },
            "without_cells": self.without_cells,
        }


class _OfficerRecord(NamedTuple):
    """A row of the table: an officer, or a further post of one."""

    values: OfficerValues
    post: PostRow


def import_officers(
    database: Database,
    table: pd.DataFrame,
    *,
    scheme: str | None = None,
    id_field: str | None = None,
    personal: Collection[str] = (),
    on: date | None = None,
    confirmed: bool = False,
) -> OfficerImportSummary:
    """Bring officers into the database, and give them their posts in a scheme, all of it or nothing.

    An officer is known by the identity in the table. What differs in no value is left alone, and so are
    officers that the table does not name.

    Parameters
    ----------
    database
        Migrated.
    table
        A row per officer with an identity and `area_code`, the area they answer for; `duty` (or `role`:
        leader, officer, inspector, assistant), `rank` (A, or B for the backup), and what else is known of
        them. Names, phones and identity numbers are kept as personal. Further rows of an officer are further
        posts; where the post of a row is may be named, see `layers.imports.post_columns`.
    scheme
        The officers named get posts, by duty and rank, in this scheme: where their row says, else in the
        cells that are in force on `on` and belong to exactly their area, or at the area itself if there are
        none. Posts they held in it otherwise end, those at groups and entities only if the table has columns
        for such. Without it posts stay as they are.
    id_field
        The field of the identity; found by its usual names when not given.
    personal
        Further fields that hold personal values.
    on
        The date of new states; today when not given.
    confirmed
        The day is meant, however far from today it is.

    Returns
    -------
    OfficerImportSummary
        Records are rejected for a missing, repeated or unwritable identity or value, an area or place that
        does not exist, an unknown duty or rank, a day that is none, and an officer who has left.

    Raises
    ------
    InputError
        If the table has no identity or no area, the scheme no cells in force on the day, or the day is far
        from today and not confirmed.
    NotFoundError
        If there is no such scheme.
    """
    day = require_near_day(on, confirmed=confirmed)
    with database.write() as session:
        places = None if scheme is None else SchemePlaces(session, scheme, day)
        columns = PostColumns(table, places)
        records, rejected = _read_officers(session, table, id_field, frozenset(personal), columns)
        firsts = {each.values.external_id: each.values for each in reversed(records)}
        officers, inserted, updated, unchanged = store_officers(session, list(reversed(firsts.values())), day)
        posts = PostChanges(0, 0, 0, 0, 0)
        if places is not None:
            appointments = [
                Appointment(
                    officers[each.values.external_id],
                    **each.post.appointment(firsts[each.values.external_id].attributes),
                )
                for each in records
            ]
            posts = appoint(session, places, appointments, day, columns.levels)
    further = len(records) - len(firsts)
    return OfficerImportSummary(
        inserted, updated, unchanged + further, **posts._asdict(), rejected=sorted(rejected)
    )


def _read_officers(
    session: Session,
    table: pd.DataFrame,
    id_field: str | None,
    personal: frozenset[str],
    columns: PostColumns,
) -> tuple[list[_OfficerRecord], list[RejectedRecord]]:
    """Return the officers in the order of the table, and the records that cannot be taken."""
    fields = [str(name) for name in table.columns]
    listed = ", ".join(fields) or "none"
    identity = id_field if id_field is not None else find_column(fields, OFFICER_ID_FIELDS)
    if identity is None or identity not in fields:
        raise InputError(
            f"There is no field '{identity or 'officer_id'}'; name the one that identifies an officer with "
            f"--id-field (fields: {listed})."
        )
    area = find_column(fields, AREA_CODE_FIELDS)
    if area is None:
        raise InputError(
            f"There is no field 'area_code', the area an officer answers for (fields: {listed})."
        )
    absent = personal - set(fields)
    if absent:
        raise InputError(f"There is no field '{min(absent)}' for --personal (fields: {listed}).")
    identities, areas = normalize_codes(table[identity]), normalize_codes(table[area])
    known = area_codes(session)
    ended = ended_identities(session)
    others = [name for name in fields if name not in {identity, area, *columns.names}]
    values = {name: table[name].astype(object).where(table[name].notna(), None).tolist() for name in others}

    records: list[_OfficerRecord] = []
    rejected: list[RejectedRecord] = []
    seen: dict[str, set[object]] = {}
    firsts: dict[str, object] = {}
    for row, external_id in enumerate(identities):
        row_values = {name: values[name][row] for name in others}
        found_attributes, personal_values = separate_personal(row_values, "officer", personal)
        post = columns.read(row, areas[row])
        # What an officer does in an area without cells of its own stands nowhere else.
        own_duty = {"duty": post.duty, "rank": post.rank} if post.duty else {}
        attributes = own_duty | {
            name: value
            for name, value in found_attributes.items()
            if value is not None or name not in PUBLISHED_FIELDS
        }
        # Further rows of an officer differ by the post alone.
        differing = {"duty", "rank", *PUBLISHED_FIELDS}
        rest = {name: value for name, value in attributes.items() if name not in differing}
        known_of = (areas[row], canonical_json(personal_values), canonical_json(rest))
        texts = (external_id, canonical_json(personal_values), canonical_json(attributes))
        faults = {
            RejectionReason.missing_id: not external_id,
            RejectionReason.personal_id: is_personal_identity(external_id, "officer"),
            RejectionReason.duplicate_id: post.key in seen.get(external_id, ()),
            RejectionReason.unknown_area: bool(areas[row]) and areas[row] not in known,
            **post.faults,
            RejectionReason.contradictory: post.is_contradictory
            or firsts.get(external_id, known_of) != known_of,
            RejectionReason.ended: external_id in ended,
            RejectionReason.invalid_text: any("\0" in text or "\\u0000" in text for text in texts),
        }
        reason = next((each for each, faulty in faults.items() if faulty), None)
        if reason is not None:
            named = external_id if reason is not RejectionReason.personal_id else None
            rejected.append(RejectedRecord(row + 1, named or None, reason))
            continue
        firsts.setdefault(external_id, known_of)
        seen.setdefault(external_id, set()).add(post.key)
        officer = OfficerValues(
            external_id,
            areas[row] or None,
            _json_round_trip(personal_values),
            _json_round_trip(attributes),
        )
        records.append(_OfficerRecord(officer, post))
    return records, rejected


def _json_round_trip(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they come back from the database, so that they compare."""
    found: dict[str, Any] = orjson.loads(ordered_json(values))
    return found
