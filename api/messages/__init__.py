"""Sentences of errors and notes in the language of the caller.

The layers below write English. A sentence is taken apart into its clauses, which a catalogue has in the other
languages; a clause that none has leaves the whole sentence English, so that nobody reads half of each.
"""

from api.messages.languages import (
    LANGUAGES,
    caller_language,
    caller_reads,
    preferred_language,
    set_caller_headers,
)
from api.messages.translation import translate

__all__ = [
    "LANGUAGES",
    "caller_language",
    "caller_reads",
    "in_caller_language",
    "preferred_language",
    "set_caller_headers",
    "translate",
]


def in_caller_language(sentence: str) -> str:
    """Return a sentence in the language of the caller of the running request or command."""
    return translate(sentence, caller_language())
