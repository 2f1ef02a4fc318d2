"""The rule of a level: how many units a cell may have, and how these lie to one another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gis.errors import ParameterError

RULE_NAME = "units"
"""The name of the table among the rules of a scheme."""

_MAX_UNITS = 1_000_000


@dataclass(frozen=True)
class UnitRule:
    """What the units of each cell must be.

    Attributes
    ----------
    min, max
        The least and the most units of a cell; None for any number.
    adjacent
        Each unit can be reached from each other over common borders, without leaving the cell.
    one_area
        All units belong to one area.
    """

    min: int = 1
    max: int | None = None
    adjacent: bool = True
    one_area: bool = True

    @classmethod
    def from_mapping(cls, table: object) -> "UnitRule":
        """Return the rule that a table, such as ``{"max": 5}``, gives; defaults for what it lacks.

        Raises
        ------
        ParameterError
            If a key is unknown or a value does not fit.
        """
        if not isinstance(table, Mapping):
            raise ParameterError(
                f"The rules' '{RULE_NAME}' must be a table like [{RULE_NAME}], not {table!r}."
            )
        known = [field.name for field in fields(cls)]
        for key, value in table.items():
            if key not in known:
                raise ParameterError(
                    f"The rules name an unknown key '{RULE_NAME}.{key}'; known are: {', '.join(known)}."
                )
            if key in ("min", "max"):
                _require_count(key, value)
            elif not isinstance(value, bool):
                raise ParameterError(f"The rules' '{RULE_NAME}.{key}' must be true or false, not {value!r}.")
        rule = cls(**table)
        if rule.max is not None and rule.max < rule.min:
            raise ParameterError(
                f"The rules' '{RULE_NAME}.max' ({rule.max}) is less than '{RULE_NAME}.min' ({rule.min})."
            )
        return rule

    def to_mapping(self) -> dict[str, Any]:
        """Return the rule as a table."""
        return asdict(self)


def _require_count(key: str, value: object) -> None:
    if value is None and key == "max":
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_UNITS:
        raise ParameterError(
            f"The rules' '{RULE_NAME}.{key}' must be a whole number from 1 to {_MAX_UNITS:,}, not {value!r}."
        )
