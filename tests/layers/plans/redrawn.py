"""A plan in force with entities and officers, and a copy of it redrawn at random."""

from datetime import date

import numpy as np
import shapely
from pyproj import CRS
from sqlalchemy.orm import Session

from gis.redraw import Split, SplitEvenly, why_disabled
from gis.redraw.cell_set import CellSet
from layers.models import Entity, EntityVersion, Officer, Plan, Post
from layers.plans.assignments import update_assignments
from layers.plans.cells import plan_cells
from layers.plans.check import check_plan
from layers.plans.copies import copy_in_force
from layers.plans.edits import edit_plan
from layers.plans.publish import publish
from layers.plans.schemes import create_scheme
from tests.gis.redraw.towns import random_command
from tests.layers.squares import SIZE, SOUTH, SQUARES, WEST, add_areas, draft

START, MOVED, ENDED, TODAY = date(2026, 1, 1), date(2026, 1, 20), date(2026, 2, 10), date(2026, 3, 1)
KINDS = ("household", "enterprise", "sensor")
OWNERS = {square: f"44030400{1 + square[0] // 2}-{1 + square[0] % 2 + 2 * square[1]}" for square in SQUARES}


def publish_with_entities(
    session: Session, rng: np.random.Generator, *, max_distance_m: float | None = None
) -> Plan:
    """Publish a plan with officers, and entities in it and around it, some of which move or end."""
    add_areas(session)
    rules = {} if max_distance_m is None else {"max_distance_m": max_distance_m}
    scheme = create_scheme(session, "community", "社区网格", working_crs="EPSG:4547", rules=rules)
    plan = draft(session, scheme.id, OWNERS)
    publish(session, plan.id, START)
    for number in range(160):
        place = np.array([WEST, SOUTH]) + rng.uniform(-0.2, 1.2, 2) * np.array([4, 2]) * SIZE
        corners = place + rng.uniform(0, SIZE / 4, (2, 2)) * np.array([[1, 0], [0, 1]])
        shape = shapely.Point(place) if number % 5 else shapely.Polygon([place, *corners])
        has_moved = number % 8 == 3
        entity = Entity(
            kind=KINDS[number % 3],
            external_id=f"e{number}",
            name=f"Entity {number}",
            attributes={},
            personal={},
            valid_from=MOVED if has_moved else START,
            valid_to=ENDED if number % 8 == 5 else None,
            version=2 if has_moved else 1,
            geometry=None if number == 7 else shape,
        )
        session.add(entity)
        if has_moved:
            session.flush()
            elsewhere = np.array([WEST, SOUTH]) + rng.uniform(0, 1, 2) * np.array([4, 2]) * SIZE
            session.add(
                EntityVersion(
                    entity_id=entity.id,
                    name=entity.name,
                    attributes={},
                    personal={},
                    valid_from=START,
                    valid_to=MOVED,
                    version=1,
                    geometry=shapely.Point(elsewhere),
                )
            )
    for number, code in enumerate(sorted(set(OWNERS.values()))):
        officer = Officer(
            external_id=f"G-{number}", area_code=None, personal={"name": f"Officer {number}"}, attributes={},
            valid_from=START, version=1,
        )  # fmt: skip
        session.add(officer)
        session.flush()
        session.add(
            Post(
                officer_id=officer.id, scheme_id=scheme.id, cell_code=code, duty="officer", rank="A",
                valid_from=START, version=1,
            )
        )  # fmt: skip
    session.flush()
    update_assignments(session, START)
    return plan


def redraw_copy(session: Session, rng: np.random.Generator, edits: int = 6) -> Plan:
    """Copy what is in force, and redraw it by some random edits."""
    copy = copy_in_force(session, "community", name="redrawn", on=TODAY)
    done = 0
    for _ in range(200):
        if done == edits:
            break
        whole = CellSet.from_frame(plan_cells(session, copy.id), crs=CRS.from_epsg(4547))
        command = random_command(whole, rng)
        if isinstance(command, SplitEvenly | Split) and len(whole) > 14:
            continue
        if why_disabled(command, whole) is None:
            edit_plan(session, copy.id, command, version=copy.version, author="anna")
            done += 1
    assert done == edits
    check_plan(session, copy.id)
    return copy
