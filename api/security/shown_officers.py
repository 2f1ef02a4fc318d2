"""Which officers a request shows plain: those of the caller's area, where that is asked for and allowed."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session

from api.schemas.masking import mask_personal
from api.security.audit import Action, audit
from api.security.personal import MAX_LISTED_IDS, audit_reveal
from api.security.principal import Principal


class Person(Protocol):
    """Whatever has the personal values of an officer."""

    @property
    def id(self) -> int:
        """The number of the officer."""

    @property
    def area_code(self) -> str | None:
        """The area that the officer is of."""

    @property
    def personal(self) -> Mapping[str, Any]:
        """The values."""


class ShownOfficers:
    """Gives the personal values of officers, and remembers whose were given plain.

    Parameters
    ----------
    caller
        Who asks.
    reveal
        Whether plain values are asked for; that the caller may see them has been checked.
    """

    def __init__(self, caller: Principal, *, reveal: bool) -> None:
        self._caller = caller
        self._reveal = reveal
        self._plain: set[int] = set()

    def personal_of(self, officer: Person) -> Mapping[str, Any]:
        """Return personal values plain or masked."""
        if not (self._reveal and self._caller.covers(officer.area_code)):
            return mask_personal(officer.personal)
        self._plain.add(officer.id)
        return officer.personal

    def audit(self, session: Session, entities: Collection[int] = ()) -> None:
        """Record in one entry whose values were given plain, in a session of `Database.write`.

        Parameters
        ----------
        entities
            The keys of entities that the same answer shows plain.
        """
        shown = {"officer": sorted(self._plain), "entity": sorted(entities)}
        if self._plain and entities:
            subject = ", ".join(f"{len(ids)} {kind}" for kind, ids in shown.items())
            listed = [f"{kind} {each}" for kind, ids in shown.items() for each in ids]
            audit(
                session, self._caller, Action.reveal, subject, ids=listed[:MAX_LISTED_IDS], count=len(listed)
            )
            return
        for kind, ids in shown.items():
            audit_reveal(session, self._caller, kind, ids)
