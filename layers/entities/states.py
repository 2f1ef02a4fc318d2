"""The states of entities on a day, present and former ones alike."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, select

from layers.db.bulk import in_force
from layers.models import Entity, EntityVersion

StateModel = type[Entity | EntityVersion]
StateSelect = Select[*tuple[Any, ...]]


def select_states(
    on: date | None, columns: Callable[[StateModel], Sequence[Any]]
) -> list[tuple[StateModel, StateSelect]]:
    """Return the queries that select the states of a day, one for each table, with the model of the table.

    Parameters
    ----------
    on
        The day; the present states of entities that have not ended when not given.
    columns
        Returns what to select, given the model that has the state. The identity and kind are always
        columns of `Entity`, which both queries read.
    """
    present: StateSelect = select(*columns(Entity))
    if on is None:
        return [(Entity, present.where(Entity.valid_to.is_(None)))]
    former: StateSelect = select(*columns(EntityVersion)).join(Entity, Entity.id == EntityVersion.entity_id)
    return [
        (Entity, present.where(in_force(Entity.valid_from, Entity.valid_to, on))),
        (EntityVersion, former.where(in_force(EntityVersion.valid_from, EntityVersion.valid_to, on))),
    ]
