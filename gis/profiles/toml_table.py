"""Tables of a TOML file, read key by key: a key that is missing, unknown or of another type is an error."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, NoReturn, TypeVar, overload

from gis.errors import ParameterError
from gis.text import Text

Value = TypeVar("Value")

_TYPE_NAMES: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    date: "a date such as 2026-07-01",
    dict: "a table",
    list: "a list",
}


class TomlTable:
    """One table of a file.

    What is read is remembered, so that `close` can name the keys that nothing reads.
    """

    def __init__(self, values: Mapping[str, Any], file: str, path: str = "") -> None:
        self._values = values
        self._file = file
        self._path = path
        self._known: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise an error about a key of this table."""
        raise ParameterError(f"{self._file}: '{self._name(key)}' {problem}.")

    def close(self) -> None:
        """Raise an error if a key was read by nobody."""
        unknown = next((key for key in self._values if key not in self._known), None)
        if unknown is not None:
            self.fail(unknown, f"is unknown; allowed here: {', '.join(self._known)}")

    @overload
    def optional(self, key: str, kind: type[Value]) -> Value | None: ...

    @overload
    def optional(self, key: str, kind: type[Value], default: Value) -> Value: ...

    def optional(self, key: str, kind: type[Value], default: Value | None = None) -> Value | None:
        """Return the value of a key, or the default where the table lacks it."""
        self._known[key] = None
        if key not in self._values:
            return default
        value = self._values[key]
        # In Python true is a whole number and a time of day on a date is a date.
        if type(value) is not kind:
            self.fail(key, f"must be {_TYPE_NAMES[kind]}, not {value!r}")
        return value

    def value(self, key: str) -> object:
        """Return the value of a key of whatever type, None where the table lacks it."""
        self._known[key] = None
        return self._values.get(key)

    def required(self, key: str, kind: type[Value]) -> Value:
        """Return the value of a key that the table must have."""
        value = self.optional(key, kind)
        if value is None:
            self.fail(key, f"is missing; give {_TYPE_NAMES[kind]}")
        return value

    def text(self, key: str) -> str:
        """Return text that is not empty."""
        value = self.required(key, str)
        if not value.strip():
            self.fail(key, "is empty")
        return value

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return one of several words."""
        value = self.optional(key, str, default) if default is not None else self.required(key, str)
        if value not in allowed:
            self.fail(key, f"must be one of {', '.join(allowed)}, not '{value}'")
        return value

    def number(self, key: str, least: int, default: int | None = None) -> int | None:
        """Return a whole number that is not below the least."""
        value = self.optional(key, int)
        if value is None:
            return default
        if value < least:
            self.fail(key, f"must be {least} or more, not {value}")
        return value

    def words(self, key: str) -> Text:
        """Return the words of a table with `zh` and `en`."""
        table = self.table(key)
        words = Text(table.text("zh"), table.text("en"))
        table.close()
        return words

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the table lacks it."""
        values: list[Any] = self.optional(key, list, [])
        for value in values:
            if not isinstance(value, str) or not value.strip():
                self.fail(key, f"must be a list of texts, but holds {value!r}")
        return tuple(values)

    def table(self, key: str) -> "TomlTable":
        """Return a table within this one; an empty one where this lacks it."""
        values: dict[str, Any] = self.optional(key, dict, {})
        return TomlTable(values, self._file, self._name(key))

    def tables(self, key: str) -> Iterator["TomlTable"]:
        """Return the tables of a list of tables."""
        values: list[Any] = self.optional(key, list, [])
        for number, value in enumerate(values, start=1):
            if not isinstance(value, dict):
                self.fail(key, f"must be a list of tables, but holds {value!r}")
            yield TomlTable(value, self._file, f"{self._name(key)}[{number}]")

    def named_tables(self, key: str) -> Iterator[tuple[str, "TomlTable"]]:
        """Return the tables within a table, with their names."""
        outer = self.table(key)
        for name in outer._values:
            yield name, outer.table(name)

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key
