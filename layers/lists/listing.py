"""What a list is: its columns in both languages, its rows, and what is asked of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.models import Officer
from layers.staff.responsible import Holder

ListRow = dict[str, Any]
"""Values by the keys of columns, and `id` where a row can be opened by one."""

Affected = Literal["households", "enterprises"]
"""The numbers of a gap that count entities."""

MAX_ROWS = 10_000
"""The most rows of a list; more are exported by a job."""


class ListColumn(NamedTuple):
    """A column: the key of its values, its heading in Chinese and English, and what its values are.

    Codes, numbers of people and telephones are text, whatever digits they consist of.
    """

    key: str
    zh: str
    en: str
    type: Literal["text", "number", "date"] = "text"

    def heading(self, language: str) -> str:
        """Return the heading in a language, zh or en."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What is asked of a list; what is not given does not restrict.

    Attributes
    ----------
    scope
        Only what lies in this area or beneath it.
    language
        Of words in rows: zh or en.
    personal_of
        Returns the personal values of an officer as the caller may see them.
    personal
        Whether to look for people by their names too.
    on
        The day.
    scheme
        Code of the scheme.
    cell, area, kind, severity, run
        Only what belongs to a cell, an area, a kind or a severity; gaps of a run.
    since
        The former day of a comparison.
    text
        Words to search.
    staffed
        Only cells with an officer on the day, or only those without.
    cells
        Only cells of these codes.
    gap, affected
        Only entities that make up this number of a gap: households or enterprises.
    plan, against
        The number of a plan, and of the older one that it is compared with; else what is in force.
    from_cell, to_cell
        Only what leaves the one cell or joins the other.
    """

    scope: str | None
    language: str
    personal_of: Callable[[Officer | Holder], Mapping[str, Any]]
    personal: bool
    on: date
    scheme: str | None = None
    cell: str | None = None
    area: str | None = None
    kind: str | None = None
    severity: str | None = None
    run: int | None = None
    since: date | None = None
    text: str | None = None
    staffed: bool | None = None
    cells: Collection[str] | None = None
    gap: int | None = None
    affected: Affected | None = None
    plan: int | None = None
    against: int | None = None
    from_cell: str | None = None
    to_cell: str | None = None

    @property
    def ground(self) -> str | None:
        """The area that rows must lie in; whether the caller may see it has been checked."""
        return self.area if self.area is not None else self.scope

    def require(self, *names: str) -> None:
        """Refuse a request that lacks what a list needs.

        Raises
        ------
        InputError
            If one of these attributes is not given.
        """
        for name in names:
            if getattr(self, name) is None:
                raise InputError(f"This list needs the parameter {name}.")


class ListPage(NamedTuple):
    """Some rows of a list in its order, how many there are in all, and what the rows do not say."""

    rows: list[ListRow]
    total: int
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A list.

    Attributes
    ----------
    name
        As addresses name it.
    zh, en
        As people call it.
    columns
        In their order.
    read
        Reads so many rows from a position on.
    """

    name: str
    zh: str
    en: str
    columns: Sequence[ListColumn]
    read: Callable[[Session, ListRequest, int, int], ListPage]

    def title(self, language: str) -> str:
        """Return the name of the list in a language, zh or en."""
        return self.zh if language == "zh" else self.en

    def table(self, page: ListPage, language: str) -> dict[str, list[Any]]:
        """Return the columns of a file of some rows by their headings, with the notes beneath the first."""
        columns = {
            column.heading(language): [row.get(column.key) for row in page.rows] for column in self.columns
        }
        # A file without rows must not be taken for proof that there are none.
        first = next(iter(columns))
        return {
            heading: [*values, *(page.notes if heading == first else [None] * len(page.notes))]
            for heading, values in columns.items()
        }
