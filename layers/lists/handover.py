"""The handover list of a plan: what each officer gives away and takes over when it comes into force."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest
from layers.models import Officer
from layers.plans.post_proposals import read_handover
from layers.plans.queries import find_plan
from layers.staff.published import officer_name, officer_phone


def read_handovers(
    session: Session, request: ListRequest, limit: int, offset: int, *, officer: int | None = None
) -> ListPage:
    """Read a row for each officer for whom the plan changes something, by the numbers of the officers.

    Only that of an officer, where one is named.
    """
    request.require("plan")
    plan = find_plan(session, request.plan or 0, request.scope)
    found = {each.officer_id: each for each in read_handover(session, plan, request.on)}
    chosen = select(Officer).where(id_in(session, Officer.id, found))
    officers = session.scalars(chosen.order_by(Officer.external_id, Officer.id)).all()
    numbers = {each.id: each.external_id for each in officers}
    chosen_officers = [each for each in officers if officer in (None, each.id)]
    rows = []
    for each in chosen_officers[offset : offset + limit]:
        personal, handover = request.personal_of(each), found[each.id]
        rows.append(
            {
                **handover._asdict(),
                "id": each.id,
                "person_number": each.external_id,
                "person": officer_name(each, personal),
                "person_phone": officer_phone(each, personal),
                "cells_lost": " ".join(handover.cells_lost),
                "cells_gained": " ".join(handover.cells_gained),
                "given_to": " ".join(numbers[other] for other in handover.given_to),
                "taken_from": " ".join(numbers[other] for other in handover.taken_from),
            }
        )
    return ListPage(rows, len(chosen_officers))


HANDOVER = Listing(
    "handover",
    "交接清单",
    "Handover",
    (
        ListColumn("person_number", "责任人编号", "Number of the person"),
        ListColumn("person", "责任人", "Responsible person"),
        ListColumn("person_phone", "责任人电话", "Phone of the person"),
        ListColumn("cells_lost", "移交网格", "Cells given away"),
        ListColumn("cells_gained", "接收网格", "Cells taken over"),
        ListColumn("households_lost", "移交住户数", "Households given away", "number"),
        ListColumn("households_gained", "接收住户数", "Households taken over", "number"),
        ListColumn("enterprises_lost", "移交企业数", "Enterprises given away", "number"),
        ListColumn("enterprises_gained", "接收企业数", "Enterprises taken over", "number"),
        ListColumn("given_to", "移交给（编号）", "Given to"),
        ListColumn("taken_from", "接收自（编号）", "Taken over from"),
    ),
    read_handovers,
)
