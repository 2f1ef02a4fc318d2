"""Records of a file that were not imported, and why."""

from enum import StrEnum
from typing import NamedTuple


class RejectionReason(StrEnum):
    """Why a record was not imported."""

    missing_id = "missing_id"
    missing_kind = "missing_kind"
    personal_id = "personal_id"
    duplicate_id = "duplicate_id"
    invalid_coordinates = "invalid_coordinates"
    invalid_text = "invalid_text"
    not_permitted = "not_permitted"
    unknown_area = "unknown_area"
    unknown_duty = "unknown_duty"
    unknown_place = "unknown_place"
    invalid_date = "invalid_date"
    contradictory = "contradictory"
    ended = "ended"


class RejectedRecord(NamedTuple):
    """A record that was not imported: its number in the file from 1, its identity if it has one, and why.

    An identity by which a person is known is left out.
    """

    record: int
    external_id: str | None
    reason: RejectionReason
