"""Files of rules in TOML."""

import tomllib
from pathlib import Path
from typing import Any

from gis.errors import InputError


def read_rules_file(path: Path) -> dict[str, Any]:
    """Read the tables of a file of rules.

    Raises
    ------
    InputError
        If it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(read_rules_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def read_rules_text(path: Path) -> str:
    """Read a file of rules as text.

    Raises
    ------
    InputError
        If it cannot be read or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
