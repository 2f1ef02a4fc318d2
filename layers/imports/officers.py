"""Importing officers: their records written where they differ, and their posts in the cells of a scheme."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.codes import normalize_codes
from gis.errors import InputError
from layers.db.bulk import in_force, insert_rows
from layers.db.content_hash import canonical_json
from layers.db.database import Database
from layers.db.locks import lock_scheme
from layers.fields.columns import AREA_CODE_FIELDS, ID_FIELDS, find_column
from layers.fields.personal import is_personal
from layers.imports.rejections import RejectedRecord, RejectionReason
from layers.models import Area, Cell, Officer, Post
from layers.plans.schemes import find_scheme

DUTIES = ("leader", "officer", "inspector", "assistant")
RANKS = ("A", "B")
"""B is the backup of A."""

OFFICER_ID_FIELDS = ("officer_id", *ID_FIELDS, "工号")
DUTY_FIELDS = ("duty", "role", "职务")
RANK_FIELDS = ("rank", "级别")


@dataclass(frozen=True)
class OfficerImportSummary:
    """What an import of officers did.

    Attributes
    ----------
    inserted, updated, unchanged
        Officers by what became of them.
    begun, ended, kept
        Posts of these officers in the scheme.
    without_cells
        Officers with a duty in whose area the scheme has no cell of its own.
    rejected
        The records left out, in their order.
    """

    inserted: int
    updated: int
    unchanged: int
    begun: int = 0
    ended: int = 0
    kept: int = 0
    without_cells: int = 0
    rejected: list[RejectedRecord] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Number of records in the table."""
        return self.inserted + self.updated + self.unchanged + len(self.rejected)

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return {
            "records": self.records,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": len(self.rejected),
            "reasons": dict(Counter(each.reason.value for each in self.rejected)),
            "posts": {"begun": self.begun, "ended": self.ended, "kept": self.kept},
            "without_cells": self.without_cells,
        }


class _OfficerRecord(NamedTuple):
    """An officer as the table tells it; `duty` is None for one who holds no post."""

    external_id: str
    area_code: str | None
    duty: str | None
    rank: str
    personal: dict[str, Any]
    attributes: dict[str, Any]


def import_officers(
    database: Database,
    table: pd.DataFrame,
    *,
    scheme: str | None = None,
    id_field: str | None = None,
    personal: Collection[str] = (),
    on: date | None = None,
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
        them. Names, phones and identity numbers are kept as personal.
    scheme
        The officers named get posts, by duty and rank, in the cells of this scheme that are in force on `on`
        and belong to exactly their area; posts they held in it otherwise end. Without it posts stay as they
        are.
    id_field
        The field of the identity; found by its usual names when not given.
    personal
        Further fields that hold personal values.
    on
        The date of new states; today when not given.

    Returns
    -------
    StaffingSummary
        Records are rejected for a missing, repeated or unwritable identity or value, an area that does not
        exist, an unknown duty or rank, and an officer who has left.

    Raises
    ------
    InputError
        If the table has no identity or no area, or the scheme no cells in force on the day.
    NotFoundError
        If there is no such scheme.
    """
    day = on or date.today()
    with database.write() as session:
        parsed, rejected = _read_officers(session, table, id_field, frozenset(personal))
        officers, counts = _store_officers(session, parsed.values(), day)
        posts = {"begun": 0, "ended": 0, "kept": 0, "without_cells": 0}
        if scheme is not None:
            posts = _appoint_officers(
                session, scheme, [(officers[each.external_id], each) for each in parsed.values()], day
            )
    return OfficerImportSummary(
        counts["inserted"], counts["updated"], counts["unchanged"], **posts, rejected=sorted(rejected)
    )


def _read_officers(
    session: Session, table: pd.DataFrame, id_field: str | None, personal: frozenset[str]
) -> tuple[dict[int, _OfficerRecord], list[RejectedRecord]]:
    """Return the officers by the row of the table, and the records that cannot be taken."""
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
    duty, rank = find_column(fields, DUTY_FIELDS), find_column(fields, RANK_FIELDS)
    identities, areas = normalize_codes(table[identity]), normalize_codes(table[area])
    duties, ranks = (_read_texts(table, name) for name in (duty, rank))
    known = set(session.scalars(select(Area.code)))
    ended = set(session.scalars(select(Officer.external_id).where(Officer.valid_to.is_not(None))))
    others = [name for name in fields if name not in {identity, area, duty, rank}]
    values = {name: table[name].tolist() for name in others}

    parsed: dict[int, _OfficerRecord] = {}
    rejected: list[RejectedRecord] = []
    seen: set[str] = set()
    for row, external_id in enumerate(identities):
        row_values = {name: values[name][row] for name in others}
        personal_values = {
            name: value for name, value in row_values.items() if is_personal(name, "officer", personal)
        }
        attributes = {name: value for name, value in row_values.items() if name not in personal_values}
        texts = (external_id, canonical_json(personal_values), canonical_json(attributes))
        faults = {
            RejectionReason.missing_id: not external_id,
            RejectionReason.duplicate_id: external_id in seen,
            RejectionReason.unknown_area: bool(areas[row]) and areas[row] not in known,
            RejectionReason.unknown_duty: duties[row] not in ("", *DUTIES) or ranks[row] not in ("", *RANKS),
            RejectionReason.ended: external_id in ended,
            RejectionReason.invalid_text: any("\0" in text or "\\u0000" in text for text in texts),
        }
        reason = next((each for each, faulty in faults.items() if faulty), None)
        if reason is not None:
            rejected.append(RejectedRecord(row + 1, external_id or None, reason))
            continue
        seen.add(external_id)
        parsed[row] = _OfficerRecord(
            external_id,
            areas[row] or None,
            duties[row] or None,
            ranks[row] or "A",
            _json_round_trip(personal_values),
            _json_round_trip(attributes),
        )
    return parsed, rejected


def _read_texts(table: pd.DataFrame, name: str | None) -> Any:
    return np.full(len(table), "", dtype=object) if name is None else normalize_codes(table[name])


def _json_round_trip(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they come back from the database, so that they compare."""
    found: dict[str, Any] = orjson.loads(canonical_json(values))
    return found


def _store_officers(
    session: Session, parsed: Collection[_OfficerRecord], day: date
) -> tuple[dict[str, Officer], dict[str, int]]:
    """Write officers where they differ; return them by their identity, and how many were written."""
    external_ids = {each.external_id for each in parsed}
    stored = {
        each.external_id: each
        for each in session.scalars(select(Officer))
        if each.external_id in external_ids
    }
    counts = {"inserted": 0, "updated": 0, "unchanged": 0}
    for record in parsed:
        officer = stored.get(record.external_id)
        if officer is None:
            counts["inserted"] += 1
            officer = Officer(external_id=record.external_id, valid_from=day, version=1)
            session.add(officer)
        elif (officer.area_code, officer.personal, officer.attributes) == (
            record.area_code,
            record.personal,
            record.attributes,
        ):
            counts["unchanged"] += 1
            continue
        else:
            counts["updated"] += 1
            officer.version += 1
        officer.area_code = record.area_code
        officer.personal, officer.attributes = record.personal, record.attributes
        stored[record.external_id] = officer
    session.flush()
    return stored, counts


def _appoint_officers(
    session: Session, scheme_code: str, officers: Collection[tuple[Officer, _OfficerRecord]], day: date
) -> dict[str, int]:
    """Give officers the posts that area and duty call for in a scheme, and end what else they hold in it."""
    scheme = find_scheme(session, scheme_code)
    # Publishing decides which cells are in force; it waits for this, or this for it.
    lock_scheme(session, scheme.id, shared=True)
    cells: dict[str | None, list[str]] = defaultdict(list)
    chosen = select(Cell.area_code, Cell.code).where(
        Cell.scheme_id == scheme.id, in_force(Cell.valid_from, Cell.valid_to, day)
    )
    for area_code, code in session.execute(chosen.order_by(Cell.code)):
        cells[area_code].append(code)
    if not cells:
        raise InputError(f"The scheme '{scheme_code}' has no cells in force on {day}; publish a plan first.")
    posts: dict[int, dict[tuple[str, str, str], Post]] = defaultdict(dict)
    for post in session.scalars(select(Post).where(Post.scheme_id == scheme.id, Post.valid_to.is_(None))):
        posts[post.officer_id][post.cell_code, post.duty, post.rank] = post
    counts = {"begun": 0, "ended": 0, "kept": 0, "without_cells": 0}
    begun = []
    for officer, record in officers:
        codes = cells.get(officer.area_code, []) if record.duty is not None else []
        counts["without_cells"] += record.duty is not None and not codes
        expected = {(code, str(record.duty), record.rank) for code in codes}
        current = posts[officer.id]
        counts["kept"] += len(expected & current.keys())
        begun += [
            {
                "officer_id": officer.id,
                "scheme_id": scheme.id,
                "cell_code": code,
                "duty": duty,
                "rank": rank,
                "valid_from": day,
                "valid_to": None,
                "version": 1,
            }
            for code, duty, rank in sorted(expected - current.keys())
        ]
        for key in current.keys() - expected:
            post = current[key]
            # One that begins later never was: its empty interval stays as a trace.
            post.valid_to, post.version = max(day, post.valid_from), post.version + 1
            counts["ended"] += 1
    session.flush()
    insert_rows(session, Post.metadata.tables["posts"], begun)
    counts["begun"] = len(begun)
    return counts
