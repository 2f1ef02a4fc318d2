"""The command `plan officers`: who is to answer for the cells of a draft."""

from datetime import date

from api.cli import options
from api.cli.console import handle_errors, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database


@handle_errors
def list_plan_officers(
    number: PlanArgument,
    on: options.PublicationDay = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """List who is to answer for each cell of a draft: code, officers by number, the cells its ground is from.

    A cell takes over the officers of the cell with most of its households, or ground; those chosen for it
    over HTTP stand in place of them.
    """
    from api.schemas.masking import mask_personal
    from api.schemas.staff import proposal_record, responsible_record
    from layers.plans.post_proposals import propose_posts
    from layers.plans.queries import find_plan
    from layers.staff.officers import read_officers

    with open_database(database) as opened, opened.read() as session:
        plan = find_plan(session, number)
        day = plan.valid_from or on or date.today()
        proposals = propose_posts(session, plan, day)
        officers = read_officers(session, {post["officer_id"] for each in proposals for post in each.posts})
        records = []
        for each in proposals:
            held = [(post, officers[post["officer_id"]]) for post in each.posts]
            posts = [
                responsible_record(post, officer, mask_personal(officer.personal)) for post, officer in held
            ]
            records.append(proposal_record(each, posts))
    lines = []
    for record in records:
        people = ", ".join(f"{one['external_id']} ({one['duty']} {one['rank']})" for one in record["posts"])
        ground = ", ".join(f"{one['code']} {one['share']:.0%}" for one in record["predecessors"])
        origin = "chosen" if record["chosen"] else f"from {ground}" if ground else "unchanged"
        if record["begins"] and not ground and not record["chosen"]:
            origin = "new ground"
        lines.append(f"{record['code']}\t{people or 'vacant'}\t{origin}")
    vacant = sum(not record["posts"] for record in records)
    lines.append(f"{len(records):,} cells, {vacant:,} vacant")
    print_result(lines, {"plan": number, "on": day.isoformat(), "cells": records}, as_json=as_json)
