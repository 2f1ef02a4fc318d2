"""Officers one by one and in lists: created, changed, and let go together with their posts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import require_within, within
from layers.days import require_near_day
from layers.db.bulk import id_in, in_force
from layers.db.keyset import PageRequest
from layers.db.versions import require_version
from layers.fields.personal import gather_personal, is_personal_identity
from layers.models import Officer
from layers.staff.posts import Duty, PostDetails, Rank, SchemePost, add_post, end_posts_of

UPDATABLE_FIELDS = frozenset({"area_code", "personal", "attributes"})
"""What `change_officer` may change: the rest is the identity and the time of an officer."""

_KIND = "officer"


def find_officer(
    session: Session, officer_id: int, scope: str | None = None, *, for_update: bool = False
) -> Officer:
    """Return an officer, also one who has left.

    Parameters
    ----------
    scope
        The area that the officer must be of; None for any.
    for_update
        Keep others from changing the officer until the transaction ends.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    statement = select(Officer).where(Officer.id == officer_id, within(Officer.area_code, scope))
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    officer = session.scalar(statement)
    if officer is None:
        raise NotFoundError(f"There is no officer number {officer_id}.")
    return officer


def find_officer_by_number(session: Session, external_id: str) -> Officer:
    """Return the officer of a number, as boards and files have it.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    officer = session.scalar(select(Officer).where(Officer.external_id == external_id))
    if officer is None:
        raise NotFoundError(f"There is no officer '{external_id}'.")
    return officer


def list_officers(
    session: Session, page: PageRequest, scope: str | None, *, ended: bool = False
) -> tuple[Sequence[Officer], str | None]:
    """Return a page of officers in the order in which they were created, and the cursor of the next page.

    Parameters
    ----------
    page
        Which page.
    scope
        Only officers of this area and those beneath it; None for all.
    ended
        Also officers who have left.

    Raises
    ------
    InputError
        If the cursor is not one of this list.
    """
    statement = select(Officer).where(within(Officer.area_code, scope))
    if not ended:
        statement = statement.where(Officer.valid_to.is_(None))
    rows, next_cursor = page.fetch(session, statement, Officer.id)
    return [officer for (officer,) in rows], next_cursor


def officers_of_areas(session: Session, codes: Collection[str], on: date) -> list[Officer]:
    """Return the officers who answer on a date for some areas themselves, not for areas beneath them."""
    statement = select(Officer).where(
        Officer.area_code.in_(sorted(codes)), in_force(Officer.valid_from, Officer.valid_to, on)
    )
    return list(session.scalars(statement.order_by(Officer.area_code, Officer.external_id)))


def create_officer(
    session: Session,
    external_id: str,
    *,
    area_code: str | None,
    personal: Mapping[str, Any],
    attributes: Mapping[str, Any],
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
) -> Officer:
    """Create an officer.

    Parameters
    ----------
    session
        Of `Database.write`.
    external_id
        The identity.
    area_code
        The area that the officer answers for.
    personal, attributes
        What is known of the officer. What is personal among the attributes is kept with the personal values.
    on
        The officer's first day; today when not given.
    confirmed
        The day is meant, however far from today it is.
    scope
        The area that the officer must be of; None for any.

    Raises
    ------
    InputError
        If the identity is a number by which a person is known, or the day is far from today and not
        confirmed.
    ForbiddenError
        If the officer, or another with this identity, is of an area outside the scope.
    ConflictError
        If there is, or was, an officer with this identity.
    """
    day = require_near_day(on, confirmed=confirmed)
    if is_personal_identity(external_id, _KIND):
        raise InputError("The external_id holds a number of a person; give one that names nobody.")
    require_within(session, area_code, scope)
    found = session.scalar(select(Officer).where(Officer.external_id == external_id))
    if found is not None:
        require_within(session, found.area_code, scope)
        raise ConflictError(f"There is an officer '{external_id}' already.")
    content = gather_personal(attributes, personal, _KIND)
    officer = Officer(
        external_id=external_id,
        area_code=area_code,
        attributes=content.public,
        personal=content.personal,
        valid_from=day,
        version=1,
    )
    session.add(officer)
    session.flush()
    return officer


def change_officer(
    session: Session, officer_id: int, version: int, changes: Mapping[str, Any], *, scope: str | None = None
) -> Officer:
    """Change an officer.

    Parameters
    ----------
    session
        Of `Database.write`.
    officer_id, scope
        As for `find_officer`.
    version
        The version that the change is based on.
    changes
        New values for some of `UPDATABLE_FIELDS`; documents are replaced as a whole. What is personal among
        the attributes replaces the personal value of its name.

    Raises
    ------
    InputError
        If another field is to be changed.
    NotFoundError
        If there is no such officer.
    StaleError
        If the officer has another version by now.
    ForbiddenError
        If the officer would be of an area outside the scope.
    """
    not_updatable = set(changes) - UPDATABLE_FIELDS
    if not_updatable:
        raise InputError(f"The field '{min(not_updatable)}' of an officer cannot be changed.")
    officer = find_officer(session, officer_id, scope, for_update=True)
    require_version(officer.version, version)
    if "area_code" in changes:
        require_within(session, changes["area_code"], scope)
        officer.area_code = changes["area_code"]
    given = gather_personal(changes.get("attributes", {}), changes.get("personal", {}), _KIND)
    if "attributes" in changes:
        officer.attributes = given.public
    officer.personal = given.personal if "personal" in changes else officer.personal | given.personal
    officer.version += 1
    session.flush()
    return officer


class EndedOfficer(NamedTuple):
    """An officer who has left, and how many posts ended with that."""

    officer: Officer
    posts: int


def end_officer(session: Session, officer_id: int, version: int, *, scope: str | None = None) -> EndedOfficer:
    """Let an officer leave today, and end all posts that the officer holds.

    One who was to begin later leaves on that day, and keeps an empty interval as a trace. Accounts and tokens
    of the officer are ended by `api.security.accounts.end_access_of`, in the same transaction.

    Parameters are those of `change_officer`.

    Raises
    ------
    NotFoundError
        If there is no such officer.
    StaleError
        If the officer has another version by now.
    ConflictError
        If the officer has left already.
    """
    officer = find_officer(session, officer_id, scope, for_update=True)
    require_version(officer.version, version)
    _require_present(officer)
    officer.valid_to = max(date.today(), officer.valid_from)
    officer.version += 1
    ended = end_posts_of(session, officer.id, officer.valid_to)
    session.flush()
    return EndedOfficer(officer, ended)


def appoint_officer(
    session: Session,
    officer_id: int,
    *,
    duty: Duty,
    rank: Rank,
    on: date | None = None,
    confirmed: bool = False,
    scope: str | None = None,
    **details: Unpack[PostDetails],
) -> SchemePost:
    """Give an officer a post at a place.

    Parameters
    ----------
    session
        Of `Database.write`.
    officer_id
        The officer.
    duty, rank
        What the officer is there.
    on
        The first day of the post; today when not given.
    confirmed
        The day is meant, however far from today it is.
    scope
        The area that officer and place must lie in; None for any.
    details
        The place, and what else is known of the post.

    Raises
    ------
    InputError
        If a day is far from today and not confirmed, or the place is not one as `find_place` asks.
    NotFoundError
        If there is no such officer or scheme, or no such place in force.
    ConflictError
        If the officer has left or holds the post already, or the place has ended.
    """
    day = require_near_day(on, confirmed=confirmed)
    if details.get("until") is not None:
        require_near_day(details["until"], confirmed=confirmed)
    officer = find_officer(session, officer_id, scope, for_update=True)
    _require_present(officer)
    return add_post(session, officer, duty=duty, rank=rank, on=day, scope=scope, **details)


def read_officers(session: Session, officer_ids: Collection[int]) -> dict[int, Officer]:
    """Return officers by their numbers, also those who have left."""
    chosen = select(Officer).where(id_in(session, Officer.id, officer_ids))
    return {officer.id: officer for officer in session.scalars(chosen)}


def require_appointable(session: Session, officer_ids: Collection[int], scope: str | None) -> None:
    """Refuse officers who are not there or have left.

    Raises
    ------
    NotFoundError
        If there is no such officer in the scope.
    ConflictError
        If one has left.
    """
    for officer_id in sorted(officer_ids):
        _require_present(find_officer(session, officer_id, scope))


def _require_present(officer: Officer) -> None:
    if officer.valid_to is not None:
        raise ConflictError(f"Officer number {officer.id} has left on {officer.valid_to}.")


class OfficerValues(NamedTuple):
    """What `store_officers` writes of an officer."""

    external_id: str
    area_code: str | None
    personal: dict[str, Any]
    attributes: dict[str, Any]


class StoredOfficers(NamedTuple):
    """Officers by their identities, and how many of them were inserted, updated and left unchanged."""

    officers: dict[str, Officer]
    inserted: int
    updated: int
    unchanged: int


def store_officers(session: Session, records: Collection[OfficerValues], on: date) -> StoredOfficers:
    """Create the officers that are not there yet, and change those that differ.

    Parameters
    ----------
    session
        Of `Database.write`.
    records
        Each of another identity. Values are as the database gives them back, so that they compare.
    on
        The first day of new officers.
    """
    external_ids = {each.external_id for each in records}
    stored = {
        each.external_id: each
        for each in session.scalars(select(Officer))
        if each.external_id in external_ids
    }
    inserted = updated = unchanged = 0
    for record in records:
        officer = stored.get(record.external_id)
        if officer is None:
            inserted += 1
            officer = Officer(external_id=record.external_id, valid_from=on, version=1)
            session.add(officer)
        elif (officer.area_code, officer.personal, officer.attributes) == record[1:]:
            unchanged += 1
            continue
        else:
            updated += 1
            officer.version += 1
        officer.area_code = record.area_code
        officer.personal, officer.attributes = record.personal, record.attributes
        stored[record.external_id] = officer
    session.flush()
    return StoredOfficers(stored, inserted, updated, unchanged)


def ended_identities(session: Session) -> set[str]:
    """Return the identities of officers who have left."""
    return set(session.scalars(select(Officer.external_id).where(Officer.valid_to.is_not(None))))
