"""What makes a gap something to act on: where it is in words, who answers for it, what it is about."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gis.gaps.kind import ENTITY_FIGURES
from layers.db.bulk import read_rows
from layers.fields.personal import is_personal
from layers.gaps.queries import FoundGap
from layers.lists.listing import ListRequest, ListRow
from layers.lists.responsibility import with_responsibility
from layers.models import Entity, Gap

Ground = tuple[str | None, str | None]
"""The codes of a cell and an area."""

_IDS_AT_ONCE = 500


class GapEntity(NamedTuple):
    """The entity that a gap is about; `name` is None where it is the name of a person."""

    id: int
    kind: str
    external_id: str
    name: str | None


class GapPlace(NamedTuple):
    """Where a gap is and who answers for it, with the keys of `RESPONSIBILITY_COLUMNS`; None where unknown.

    Attributes
    ----------
    cell_name, area
        The name of its cell; the names of its area and those above, the highest first.
    person, person_number
        Who answers for the cell or, where it has none, for the area or one above.
    entity
        What it is about, for kinds whose gaps are of one entity.
    """

    cell_name: str | None
    area: str | None
    person: str | None
    person_number: str | None
    entity: GapEntity | None


def places_of_gaps(session: Session, request: ListRequest, found: Sequence[FoundGap]) -> list[GapPlace]:
    """Return where gaps are, in their order."""
    by_scheme: dict[int, set[Ground]] = defaultdict(set)
    for each in found:
        by_scheme[each.run.scheme_id].add(each.words.ground)
    answers = {
        scheme_id: responsible_for(session, request, scheme_id, grounds)
        for scheme_id, grounds in by_scheme.items()
    }
    entities = _read_entities(session, [each.gap for each in found])
    places = []
    for each in found:
        row = answers[each.run.scheme_id][each.words.ground]
        named = {name: row[name] or None for name in GapPlace._fields if name in row}
        places.append(GapPlace(**named, entity=entities.get(_entity_key(each.gap))))
    return places


def responsible_for(
    session: Session, request: ListRequest, scheme_id: int, grounds: Collection[Ground]
) -> dict[Ground, ListRow]:
    """Return who answers for each ground, as `with_responsibility` says it."""
    listed = sorted(grounds, key=str)
    rows: list[ListRow] = [{"cell_code": cell, "area_code": area} for cell, area in listed]
    return dict(zip(listed, with_responsibility(session, request, scheme_id, rows), strict=True))


def _entity_key(gap: Gap) -> tuple[str | None, ...]:
    return tuple(gap.figures.get(name) for name in ENTITY_FIGURES)


def _read_entities(session: Session, gaps: Sequence[Gap]) -> dict[tuple[str | None, ...], GapEntity]:
    """Return the entities that gaps are about by kind and number."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for gap in gaps:
        kind, number = _entity_key(gap)
        if kind is not None and number is not None:
            numbers[kind].add(number)
    found: dict[tuple[str | None, ...], GapEntity] = {}
    for kind, wanted in numbers.items():
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _IDS_AT_ONCE):
            chosen = select(Entity.id, Entity.external_id, Entity.name).where(
                Entity.kind == kind, Entity.external_id.in_(ordered[start : start + _IDS_AT_ONCE])
            )
            for key, number, name in read_rows(session, chosen):
                shown = None if is_personal("name", kind) else name
                found[kind, number] = GapEntity(key, kind, number, shown)
    return found
