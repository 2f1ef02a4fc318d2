"""Who is responsible in the cells that own locations: their posts on the day, personal values masked."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from api.locate.ownership import Ownership
from api.schemas.masking import mask_personal
from layers.db.database import Database
from layers.snapshot import Snapshot
from layers.staff.officers import officer_name, officer_phone
from layers.staff.posts import HeldPost, held_posts

CellOfficers = Mapping[str, Sequence[Mapping[str, Any]]]
"""By the code of a cell who is responsible there: leaders first, and A before B."""

COLUMNS = ("officer_id", "officer_name", "officer_phone")
"""What tables say of the first who is responsible."""


def read_officers(
    database: Database, snapshot: Snapshot, codes: Mapping[str, Sequence[str]], day: date
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Read who is responsible on a day, with one query for each scheme.

    Parameters
    ----------
    codes
        The codes of cells by the code of their scheme; those that are listed are in the answer.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with database.read() as session:
        for scheme, cells in codes.items():
            held = held_posts(session, snapshot.schemes[scheme].id, cells, day) if cells else {}
            found[scheme] = {code: [_record(each) for each in held.get(code, ())] for code in cells}
    return found


def first_officers(found: Ownership, officers: CellOfficers) -> list[list[str | None]]:
    """Return the columns `COLUMNS` by the position of a cell, and at last of none."""
    firsts: list[Mapping[str, Any]] = [{}] * (len(found.cells) + 1)
    for position in found.distinct_cells():
        firsts[position] = next(iter(officers.get(found.cells.locator.codes[position], ())), {})
    keys = ("external_id", "name", "phone")
    return [[each.get(key) for each in firsts] for key in keys]


def _record(post: HeldPost) -> dict[str, Any]:
    masked = mask_personal(post.personal)
    return {
        "officer_id": post.officer_id,
        "external_id": post.external_id,
        "duty": post.duty,
        "rank": post.rank,
        "name": officer_name(post, masked),
        "phone": officer_phone(post, masked),
    }
