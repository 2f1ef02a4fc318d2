"""The query of a request: which schemes, on which day, in which datum."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import unquote_plus

from gis.datum import Datum, parse_datum
from gis.errors import InputError
from layers.snapshot import Snapshot

QueryParams = dict[str, list[str]]

_KNOWN_PARAMS = frozenset({"scheme", "at", "datum", "officers"})


@dataclass(frozen=True, slots=True)
class LocateQuery:
    """The parameters that a single location and many have in common.

    Attributes
    ----------
    schemes
        Codes of the requested schemes, each once, in the order given; empty means all.
    day
        The requested day; None means today.
    datum
        The datum of the coordinates.
    officers
        Whether to tell who is responsible.
    """

    schemes: tuple[str, ...]
    day: date | None
    datum: Datum
    officers: bool = False

    @classmethod
    def parse(cls, params: QueryParams, *, extra: frozenset[str] = frozenset()) -> "LocateQuery":
        """Read the parameters.

        Parameters
        ----------
        params
            `scheme` may be given several times, or hold codes with commas between them.
        extra
            Parameters that are read elsewhere.

        Raises
        ------
        InputError
            If a parameter is unknown, given twice, or invalid.
        """
        if params.keys() == extra:
            return _DEFAULT_QUERY
        unknown = params.keys() - _KNOWN_PARAMS - extra
        if unknown:
            known = ", ".join([*sorted(extra, reverse=True), *sorted(_KNOWN_PARAMS)])
            raise InputError(f"There is no parameter '{min(unknown)}'; there are {known}.")
        codes = [code for part in params.get("scheme", ()) for code in part.split(",") if code]
        if not codes and "scheme" in params:
            raise InputError("The parameter scheme is empty; give the code of a scheme, or leave it out.")
        at, datum = single_value(params, "at"), single_value(params, "datum")
        return cls(
            schemes=tuple(dict.fromkeys(codes)),
            day=None if at is None else _parse_day(at),
            datum=Datum.WGS84 if datum is None else parse_datum(datum),
            officers=_parse_flag("officers", single_value(params, "officers")),
        )

    def scheme_codes(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return the schemes to answer for; whether they exist is checked when their cells are read."""
        return self.schemes or tuple(snapshot.schemes)


_DEFAULT_QUERY = LocateQuery(schemes=(), day=None, datum=Datum.WGS84)


def parse_query_string(query_string: bytes) -> QueryParams:
    """Return the values of each parameter of a query, in the order given.

    Parameters
    ----------
    query_string
        The part after the question mark, as `urllib.parse.parse_qsl` reads it; a name without a value counts
        as empty.
    """
    text = query_string.decode("latin-1")
    escaped = "%" in text or "+" in text
    found: QueryParams = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            if escaped:
                name, value = unquote_plus(name), unquote_plus(value)
            found.setdefault(name, []).append(value)
    return found


def single_value(params: QueryParams, name: str) -> str | None:
    """Return a parameter that may be given once, or None.

    Raises
    ------
    InputError
        If it is given more than once.
    """
    values = params.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise InputError(f"The parameter {name} is given {len(values)} times; give it once.")
    return values[0]


def _parse_flag(name: str, text: str | None) -> bool:
    if text is None or text in ("false", "true"):
        return text == "true"
    raise InputError(f"{name}='{text[:40]}' is neither true nor false.")


def _parse_day(text: str) -> date:
    try:
        # `fromisoformat` also reads 20240301 and 2024-W09-5.
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"at='{text[:40]}' is no date; give it as 2024-03-01.") from None
