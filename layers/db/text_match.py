"""Searching by text, the same in both databases: what contains the words, and how well it fits."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from layers.db.bulk import is_postgresql

TextColumn = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
DocumentColumn = InstrumentedAttribute[dict[str, Any]]

ELSEWHERE = 5
"""The rank of what was found by something else than its name or code."""


class DocumentMatch(NamedTuple):
    """A value of a document that contains a searched word."""

    field: str
    value: str


def contains_text(
    text: str, name: InstrumentedAttribute[Any], code: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that a text is part of a name, in any case, or of an identity as it is written."""
    return or_(name.icontains(text, autoescape=True), code.contains(text, autoescape=True))


def contains_words(
    session: Session, text: str, columns: Sequence[TextColumn], documents: Sequence[DocumentColumn] = ()
) -> ColumnElement[bool]:
    """Return the condition that each word of a text is in one of some columns, or in a value of a document.

    Parameters
    ----------
    text
        Words with blanks between them, in any case.
    columns, documents
        Where to look; of a document the texts and numbers on its first level.
    """

    def has(word: str) -> ColumnElement[bool]:
        found = [column.icontains(word, autoescape=True) for column in columns]
        return or_(*found, *(_document_contains(session, document, word) for document in documents))

    return and_(*(has(word) for word in text.split()))


def _document_contains(session: Session, document: DocumentColumn, word: str) -> ColumnElement[bool]:
    if is_postgresql(session):
        each = func.json_each_text(document).table_valued("key", "value", name="each")
        return (
            select(literal(1)).select_from(each).where(each.c.value.icontains(word, autoescape=True)).exists()
        )
    each = func.json_each(document).table_valued("key", "value", "atom", name="each")
    matching = (
        select(literal(1)).select_from(each).where(cast(each.c.atom, Text).icontains(word, autoescape=True))
    )
    # Taking a document apart takes ten times as long as looking through its text, where JSON escapes quotes.
    parts = [part for part in word.replace("\\", '"').split('"') if part]
    is_candidate = and_(*(cast(document, Text).icontains(part, autoescape=True) for part in parts))
    return and_(is_candidate, matching.exists())


def match_rank(text: str, name: TextColumn | None, codes: Sequence[TextColumn]) -> ColumnElement[int]:
    """Return how well a row fits a text, the smaller the better.

    Returns
    -------
    ColumnElement
        0 for a name or code that is the text, 1 for a name that begins with it, 2 for one that contains it,
        3 and 4 for codes likewise, `ELSEWHERE` for what was found by something else.
    """
    lowered = text.lower()
    ways: list[tuple[ColumnElement[bool], int]] = []
    named = [] if name is None else [name]
    ways.append((or_(*(func.lower(column) == lowered for column in (*named, *codes))), 0))
    for columns, first in ((named, 1), (codes, 3)):
        ways += [(column.istartswith(text, autoescape=True), first) for column in columns]
        ways += [(column.icontains(text, autoescape=True), first + 1) for column in columns]
    return case(
        *ways,
        else_=ELSEWHERE,
    ).cast(Integer)


def find_in_document(text: str, document: dict[str, Any]) -> DocumentMatch | None:
    """Return the first value of a document that contains a text, or else one of its words."""
    for part in dict.fromkeys((text, *text.split())):
        for field, value in document.items():
            if _is_plain(value) and part.lower() in str(value).lower():
                return DocumentMatch(field, str(value))
    return None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
