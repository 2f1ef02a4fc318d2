"""The entities that a gap affects: those that its numbers of households and enterprises count."""

from datetime import date
from typing import NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from gis.errors import NotFoundError
from gis.gaps import GAP_KINDS, GapFacts
from layers.gaps.queries import find_gap
from layers.gaps.search_input import read_gap_surroundings
from layers.lists.listing import ListRequest
from layers.plans.schemes import find_scheme


class AffectedEntities(NamedTuple):
    """The ids of entities, and the day on which a gap affected them."""

    ids: list[int]
    on: date


def affected_entities(session: Session, request: ListRequest) -> AffectedEntities:
    """Return the entities of a gap that are asked for, as they were on the day of its run.

    Raises
    ------
    NotFoundError
        If there is no such gap for the caller, or its kind is not known any more.
    """
    assert request.gap is not None
    found = find_gap(session, request.scope, request.gap)
    gap = found.gap
    if gap.kind not in GAP_KINDS:
        raise NotFoundError(f"What gap number {gap.id} affects is not known: its kind is looked for no more.")
    gap_input = read_gap_surroundings(session, find_scheme(session, found.scheme), found.run, gap)
    facts = GapFacts(gap.figures, gap.area_m2, gap.households, gap.enterprises, gap.cell_code, gap.area_code)
    rows = GAP_KINDS[gap.kind].affected(gap_input, facts, gap.geometry)
    weights = {"households": gap_input.households, "enterprises": gap_input.enterprises}
    counted = sum(weights.values()) if request.affected is None else weights[request.affected]
    keys = gap_input.assigned_entities["key"].to_numpy()
    return AffectedEntities([int(key) for key in keys[rows[np.asarray(counted)[rows] > 0]]], found.run.on)
