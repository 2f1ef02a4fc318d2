"""`--weight`: the loads of units that cells share, and where the hours of officers come from."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from api.cli.divide.method import Options
from gis.errors import ParameterError

if TYPE_CHECKING:
    from gis.balance import LoadTarget
    from gis.divide.unit_loads import OfficerHours

_CAP = "cap="
_HOURS = {"visits": "visits", "walk_hours": "walk", "stay_hours": "stay", "event_hours": "events"}


Weight = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD[:TOLERANCE][:cap=MOST]",
        help="Load that cells share evenly: a field of the units, area, or officer_hours; repeatable, "
        "the most important first. households:5% allows 5 % of the mean more or less (so does 0.05), "
        "households:cap=500 no more than 500 a cell.",
    ),
]


class WeightOptions(TypedDict, total=False):
    """Options of what is balanced."""

    weight: Weight
    visits: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD|NUMBER",
            help="officer_hours: visits due; the hours are visits × (walk + stay) + events.",
            show_default="the field visits_due",
        ),
    ]
    walk_hours: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD|NUMBER", help="officer_hours: walk to a visit.", show_default="walk_hours"
        ),
    ]
    stay_hours: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD|NUMBER", help="officer_hours: stay at a visit.", show_default="stay_hours"
        ),
    ]
    event_hours: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD|NUMBER", help="officer_hours: hours for events.", show_default="event_hours"
        ),
    ]


def parse_weights(texts: Iterable[str]) -> "list[LoadTarget]":
    """Read what is to be balanced.

    Raises
    ------
    ParameterError
        If a text is no weight.
    """
    return [_parse_weight(text) for text in texts]


def _parse_weight(text: str) -> "LoadTarget":
    from gis.balance import LoadTarget

    column, *parts = text.split(":")
    if not column or len(parts) > 2:
        raise ParameterError(f"--weight '{text}' is not FIELD[:TOLERANCE][:cap=MOST], such as households:5%.")
    tolerance, cap = None, None
    for part in parts:
        if part.startswith(_CAP):
            cap = _read_number(text, part.removeprefix(_CAP), "cap")
        else:
            tolerance = _read_number(text, part.removesuffix("%"), "tolerance")
            tolerance /= 100 if part.endswith("%") else 1
    if tolerance is not None and not 0 <= tolerance <= 1:
        raise ParameterError(
            f"--weight '{text}' has a tolerance of {tolerance:g}; give a share of 0 to 1, or percent as 5%."
        )
    if cap is not None and not cap > 0:
        raise ParameterError(f"--weight '{text}' has a cap of {cap:g}; give a number above 0.")
    given = {} if tolerance is None else {"tolerance": tolerance}
    return LoadTarget(column, cap=cap, **given)


def _read_number(weight: str, text: str, what: str) -> float:
    if not re.fullmatch(r"-?\d+(\.\d*)?|-?\.\d+", text):
        raise ParameterError(f"--weight '{weight}' has '{text}' as its {what}, which is no number.")
    return float(text)


def officer_hours(given: Options) -> "OfficerHours | None":
    """Return where the hours of officers come from, if an option says so."""
    from gis.divide.unit_loads import OfficerHours

    parts = {part: given[option] for option, part in _HOURS.items() if option in given}
    if not parts:
        return None
    return OfficerHours(**{part: _field_or_number(text) for part, text in parts.items()})


def _field_or_number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
