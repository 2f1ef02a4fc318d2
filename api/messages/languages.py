"""The language in which a caller reads sentences."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

LANGUAGES = ("zh", "en")
"""The languages of sentences; the last is that of callers who ask for neither."""

_find_language: ContextVar[Callable[[], str]] = ContextVar("find_language", default=lambda: LANGUAGES[-1])


def caller_language() -> str:
    """Return the language of the caller of the running request or command."""
    return _find_language.get()()


@contextmanager
def caller_reads(language: str | None) -> Iterator[None]:
    """Take a language for that of the caller within the block; with None it stays what it is."""
    if language is None:
        yield
        return
    token = _find_language.set(lambda: language)
    try:
        yield
    finally:
        _find_language.reset(token)


def set_caller_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Give the headers of the running request, which say what its caller reads; most are never asked."""
    _find_language.set(lambda: _language_of(headers))


def _language_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    accepted = [value.decode("latin-1") for name, value in headers if name == b"accept-language"]
    return preferred_language(",".join(accepted))


@lru_cache(maxsize=256)
def preferred_language(accepted: str) -> str:
    """Return the language that an Accept-Language header prefers among ours.

    Each of its languages may have a weight, 1 when not given; one of weight 0 is not wanted.
    """
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name in LANGUAGES:
            weights[name] = max(weight, weights.get(name, 0.0))
    wanted = [name for name, weight in weights.items() if weight > 0]
    return max(wanted, key=weights.__getitem__, default=LANGUAGES[-1])
