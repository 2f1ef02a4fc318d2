"""`/v1/officers/{officer_id}/absences`: the days on which officers are away, so that their backups act."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api import schemas
from api.http.conditional import IfMatchVersion, version_etag
from api.http.dependencies import DatabaseDep
from api.http.idempotency import IdempotentWriteDep, WriteResult
from api.http.pagination import Page
from api.http.parameters import WholeNumber
from api.http.responses import json_response, list_response
from api.problems import problem_responses
from api.schemas.posts import NewAbsence, absence_record
from api.security.audit import audited_result
from api.security.caller import Caller
from api.security.personal import Reveal, audit_reveal, open_read_session
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from layers.db.database import Session
from layers.staff import absences
from layers.staff.officers import find_officer

router = APIRouter(prefix="/v1", tags=["officers"])

OfficerId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[5])]
AbsenceId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[4])]


@router.get(
    "/officers/{officer_id}/absences",
    summary="List the absences of an officer",
    response_model=Page[schemas.Absence],
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def list_absences(
    officer_id: OfficerId, caller: Caller, database: DatabaseDep, reveal: Reveal = False
) -> Response:
    """List the days on which an officer is or was away, the latest first; the reasons only if revealed."""
    with open_read_session(database, caller, reveal=reveal) as session:
        officer = find_officer(session, officer_id, caller.area_code)
        found = absences.list_absences(session, officer)
        if reveal:
            audit_reveal(session, caller, "absence", [each.id for each in found if each.personal])
        return list_response([absence_record(each, plain=reveal) for each in found])


@router.post(
    "/officers/{officer_id}/absences",
    summary="Record that an officer is away",
    status_code=201,
    response_model=schemas.Absence,
    responses=problem_responses(404, 409),
)
@requires(Right.publish, AreaPolicy.checked)
def create(officer_id: OfficerId, body: NewAbsence, caller: Caller, write: IdempotentWriteDep) -> Response:
    """Record on which days an officer is away: the backups of the officer's posts act then."""

    def handler(session: Session) -> WriteResult:
        officer = find_officer(session, officer_id, caller.area_code, for_update=True)
        made = absences.add_absence(
            session,
            officer,
            since=body.since,
            until=body.until,
            reason=body.reason,
            author=caller.label,
            confirmed=body.confirm,
        )
        return audited_result(
            session,
            caller,
            f"absence {made.id}",
            officer.area_code,
            absence_record(made),
            location=f"/v1/absences/{made.id}",
            created=True,
        )

    return write(body, handler)


@router.get(
    "/absences/{absence_id}",
    summary="Read an absence",
    response_model=schemas.Absence,
    responses=problem_responses(404),
)
@requires(Right.read, AreaPolicy.checked)
def read_absence(
    absence_id: AbsenceId, caller: Caller, database: DatabaseDep, reveal: Reveal = False
) -> Response:
    """Read on which days an officer is away; the reason only if revealed."""
    with open_read_session(database, caller, reveal=reveal) as session:
        absence, _ = absences.find_absence(session, absence_id, caller.area_code)
        if reveal and absence.personal:
            audit_reveal(session, caller, "absence", [absence.id])
        record = absence_record(absence, plain=reveal)
    return json_response(record, etag=version_etag(database, record["version"]))


@router.delete(
    "/absences/{absence_id}",
    summary="End an absence",
    response_model=schemas.Absence,
    responses=problem_responses(404, 409, 412, 428),
)
@requires(Right.publish, AreaPolicy.checked)
def end(
    absence_id: AbsenceId, version: IfMatchVersion, caller: Caller, write: IdempotentWriteDep
) -> Response:
    """End an absence today; one that has not begun is cancelled."""

    def handler(session: Session) -> WriteResult:
        ended, officer = absences.end_absence(session, absence_id, version, scope=caller.area_code)
        return audited_result(
            session, caller, f"absence {absence_id}", officer.area_code, absence_record(ended), ended=True
        )

    return write(None, handler)
