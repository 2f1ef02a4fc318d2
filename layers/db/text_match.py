"""Searching lists by a part of a text, the same in both databases."""

from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute


def contains_text(
    text: str, name: InstrumentedAttribute[Any], code: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Return the condition that a text is part of a name, in any case, or of an identity as it is written."""
    return or_(name.icontains(text, autoescape=True), code.contains(text, autoescape=True))
