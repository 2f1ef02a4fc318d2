"""Undoing an adjustment of areas, so that all is as if it had not been."""

from collections.abc import Collection
from datetime import UTC, date, datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from gis.errors import ConflictError
from layers.areas.adjustments import find_adjustment
from layers.db.bulk import text_in
from layers.db.database import bump_revision
from layers.db.locks import lock_areas
from layers.imports.area_posts import require_no_posts, take_back_posts
from layers.imports.area_settlement import relocate_since
from layers.models import Account, Area, AreaAdjustment, AreaLineage, Cell, Officer, Plan, PlanState, Token

_NOT_YET = (PlanState.submitted, PlanState.approved)
_QUIETLY = {"synchronize_session": False}


def undo_adjustment(session: Session, adjustment_id: int, *, author: str) -> AreaAdjustment:
    """Take back an adjustment of areas, before its day or after.

    Areas that ended for it go on with their posts, those that it brought were never there, and entities lie
    where they lay.

    Parameters
    ----------
    session
        Of `Database.write`.
    author
        The label of who undoes it.

    Raises
    ------
    NotFoundError
        If there is no such adjustment.
    ConflictError
        If it is undone already, or something is built upon it.
    """
    lock_areas(session)
    adjustment = find_adjustment(session, adjustment_id)
    session.refresh(adjustment)
    if adjustment.undone_at is not None:
        raise ConflictError(
            f"Adjustment {adjustment_id} of areas was undone already, by {adjustment.undone_by}."
        )
    _require_unbuilt(session, adjustment)
    take_back_posts(session, adjustment)
    session.execute(
        delete(AreaLineage).where(AreaLineage.adjustment_id == adjustment_id), execution_options=_QUIETLY
    )
    session.execute(delete(Area).where(Area.adjustment_id == adjustment_id), execution_options=_QUIETLY)
    ended = update(Area).where(Area.ended_by_id == adjustment_id)
    session.execute(ended.values(valid_to=None, ended_by_id=None), execution_options=_QUIETLY)
    adjustment.undone_at, adjustment.undone_by = datetime.now(UTC), author
    session.flush()
    session.expire_all()
    if adjustment.settled_at is not None:
        relocate_since(session, adjustment.valid_from)
    bump_revision(session)
    return adjustment


def _require_unbuilt(session: Session, adjustment: AreaAdjustment) -> None:
    """Refuse if a later adjustment, a plan, a post, an officer or an account rests on what it brought."""
    brought = select(Area.code, Area.ended_by_id).where(Area.adjustment_id == adjustment.id)
    rows = session.execute(brought).all()
    later = min((number for _, number in rows if number is not None), default=None)
    if later is not None:
        raise ConflictError(
            f"Adjustment {later} of areas is built upon adjustment {adjustment.id}; undo that one first."
        )
    kept = set(session.scalars(select(Area.code).where(Area.ended_by_id == adjustment.id)))
    codes = {code for code, _ in rows}
    _require_no_plan(session, adjustment, codes, codes - kept)
    if not codes - kept:
        return
    require_no_posts(session, adjustment, codes - kept)
    for model, label in ((Officer, Officer.external_id), (Account, Account.name), (Token, Token.name)):
        bound = select(label, model.area_code).where(text_in(session, model.area_code, sorted(codes - kept)))
        if (found := session.execute(bound.order_by(label).limit(1)).first()) is not None:
            raise ConflictError(
                f"Officer, account or token '{found[0]}' is bound to area '{found[1]}', which adjustment "
                f"{adjustment.id} brought; bind it to another first."
            )


def _require_no_plan(
    session: Session, adjustment: AreaAdjustment, codes: Collection[str], founded: Collection[str]
) -> None:
    """Refuse if a plan divides areas as they are since, or names areas that were not there before."""
    if not codes:
        return
    names_new = text_in(session, Cell.area_code, sorted(founded)) | text_in(
        session, Plan.area_code, sorted(founded)
    )
    published_since = text_in(session, Cell.area_code, sorted(codes)) & (
        (Plan.published_at > adjustment.created_at) & (Plan.valid_from >= adjustment.valid_from)
    )
    plans = (
        select(Plan.id, Plan.state, Plan.valid_from)
        .outerjoin(Cell, Cell.plan_id == Plan.id)
        .where(Plan.state != PlanState.withdrawn, or_(names_new, published_since))
        .order_by(Plan.id)
        .limit(1)
    )
    found = session.execute(plans).first()
    if found is None:
        return
    if found.state == PlanState.draft:
        what = "delete or withdraw it first"
    elif found.state in _NOT_YET or (found.valid_from is not None and found.valid_from > date.today()):
        what = "withdraw it first"
    else:
        what = "import the former areas for a later day instead"
    raise ConflictError(
        f"Plan {found.id} ({found.state}) is built upon adjustment {adjustment.id} of areas; {what}."
    )
