"""The handover list of a plan: what each officer gives away and takes over when it comes into force."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.db.bulk import id_in
from layers.lists.listing import ListColumn, Listing, ListPage, ListRequest
from layers.models import Officer
from layers.plans.post_proposals import read_handover
from layers.plans.queries import find_plan
from layers.staff.officers import officer_name, officer_phone


def read_handovers(session: Session, request: ListRequest, limit: int, offset: int) -> ListPage:
    """Read a row for each officer for whom the plan changes something, by the numbers of the officers."""
    request.require("plan")
    plan = find_plan(session, request.plan or 0, request.scope)
    found = {each.officer_id: each for each in read_handover(session, plan, request.on)}
    chosen = select(Officer).where(id_in(session, Officer.id, found))
    officers = session.scalars(chosen.order_by(Officer.external_id, Officer.id)).all()
    rows = []
    for officer in officers[offset : offset + limit]:
        personal, handover = request.personal_of(officer), found[officer.id]
        rows.append(
            {
                **handover._asdict(),
                "id": officer.id,
                "person_number": officer.external_id,
                "person": officer_name(officer, personal),
                "person_phone": officer_phone(officer, personal),
                "cells_lost": " ".join(handover.cells_lost),
                "cells_gained": " ".join(handover.cells_gained),
            }
        )
    return ListPage(rows, len(officers))


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
    ),
    read_handovers,
)
