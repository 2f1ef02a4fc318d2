"""Absences: the days on which officers are away, so that their backups act."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.errors import ConflictError, InputError, NotFoundError
from layers.areas.scope import within
from layers.days import require_near_day
from layers.db.versions import require_version
from layers.models import Absence, Officer


def list_absences(session: Session, officer: Officer) -> Sequence[Absence]:
    """Return the absences of an officer, the latest first."""
    chosen = select(Absence).where(Absence.officer_id == officer.id, Absence.valid_to > Absence.valid_from)
    return session.scalars(chosen.order_by(Absence.valid_from.desc(), Absence.id.desc())).all()


def add_absence(
    session: Session,
    officer: Officer,
    *,
    since: date,
    until: date,
    reason: str | None,
    author: str,
    confirmed: bool = False,
) -> Absence:
    """Record that an officer is away.

    Parameters
    ----------
    session
        Of `Database.write`.
    officer
        Locked.
    since, until
        The first day, and the day from which the officer is there again.
    reason
        Kept with personal data.
    author
        The label of who records it.
    confirmed
        The days are meant, however far from today they are.

    Raises
    ------
    InputError
        If it ends before it begins, or a day is far from today and not confirmed.
    ConflictError
        If the officer has left, or is away on some of the days already.
    """
    for day in (since, until):
        require_near_day(day, confirmed=confirmed)
    if until <= since:
        raise InputError(f"The absence would end on {until}, before it begins on {since}.")
    if officer.valid_to is not None:
        raise ConflictError(f"Officer number {officer.id} has left on {officer.valid_to}.")
    overlapping = select(Absence).where(
        Absence.officer_id == officer.id,
        Absence.valid_to > Absence.valid_from,
        Absence.valid_from < until,
        Absence.valid_to > since,
    )
    if (other := session.scalars(overlapping.limit(1)).first()) is not None:
        raise ConflictError(
            f"Officer number {officer.id} is away from {other.valid_from} to {other.valid_to} already, by "
            f"absence number {other.id}; end that one or name other days."
        )
    absence = Absence(
        officer_id=officer.id,
        valid_from=since,
        valid_to=until,
        personal={"reason": reason.strip()} if reason and reason.strip() else {},
        created_by=author,
        created_at=datetime.now(UTC),
        version=1,
    )
    session.add(absence)
    session.flush()
    return absence


def find_absence(
    session: Session, absence_id: int, scope: str | None = None, *, for_update: bool = False
) -> tuple[Absence, Officer]:
    """Return an absence with its officer, who must be in the scope.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    chosen = select(Absence, Officer).join(Officer, Officer.id == Absence.officer_id)
    chosen = chosen.where(Absence.id == absence_id, within(Officer.area_code, scope))
    if for_update:
        chosen = chosen.with_for_update(of=Absence).execution_options(populate_existing=True)
    found = session.execute(chosen).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no absence number {absence_id}.")
    absence, officer = found
    return absence, officer


def end_absence(
    session: Session, absence_id: int, version: int, *, scope: str | None = None
) -> tuple[Absence, Officer]:
    """Let an officer be there again from today; one that has not begun never does.

    Raises
    ------
    NotFoundError
        If there is no such absence of an officer in the scope.
    StaleError
        If it has another version by now.
    ConflictError
        If it is over.
    """
    absence, officer = find_absence(session, absence_id, scope, for_update=True)
    require_version(absence.version, version)
    today = date.today()
    if absence.valid_to <= max(today, absence.valid_from):
        raise ConflictError(f"Absence number {absence_id} is over since {absence.valid_to}.")
    absence.valid_to = max(today, absence.valid_from)
    absence.version += 1
    session.flush()
    return absence, officer
