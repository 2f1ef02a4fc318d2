"""What a method of division is at the command line: its options, and what it makes of a file."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from api.cli.console import print_note
from gis.errors import InputError, ParameterError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS

    from gis.profiles import Profile

Options = Mapping[str, Any]
"""The options that were given, by the names of their parameters."""


@dataclass(frozen=True)
class Settings:
    """What holds for every method.

    Attributes
    ----------
    crs
        The working CRS; to be chosen from the extent when None.
    layout
        Of the codes.
    profile
        That codes and records follow instead.
    ended, ended_encoding
        The file of cells whose codes are never given again.
    """

    crs: "CRS | None" = None
    layout: str = "auto"
    profile: "Profile | None" = None
    ended: Path | None = None
    ended_encoding: str | None = None

    def numbering(self) -> dict[str, Any]:
        """Return how cells are numbered, as keywords of `gis.divide`; reads the file of ended cells."""
        from api.cli.inputs import load_cells

        used: frozenset[str] = frozenset()
        if self.ended is not None:
            used = frozenset(load_cells(self.ended, encoding=self.ended_encoding)["code"].dropna())
        return {"layout": self.layout, "profile": self.profile, "used_codes": used}


@dataclass(frozen=True)
class DividedFile:
    """What a method has made of a file.

    Attributes
    ----------
    cells
        To be written.
    working_crs
        In which it worked.
    figures
        For the JSON summary, beside those of every division.
    lines
        What the command says first, for a person.
    outputs
        What else may be written, by the names of the options that say where to.
    """

    cells: "gpd.GeoDataFrame"
    working_crs: "CRS"
    figures: Options
    lines: list[str]
    outputs: Mapping[str, "pd.DataFrame"] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanMethod:
    """A method of division of the ground of a database.

    Attributes
    ----------
    name
        As `layers.divisions.METHODS` calls it.
    options
        A TypedDict of the options that it takes.
    arguments
        Returns the options that were given as keywords of the method.
    required
        Parameters that it cannot do without.
    """

    name: str
    options: type
    arguments: Callable[[Options], dict[str, Any]]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileMethod:
    """A method of division of files.

    Attributes
    ----------
    name
        As --method takes it.
    options
        A TypedDict of the options that it takes, beside those of every division.
    divide
        Called with the file, the options given and what holds for every method.
    required
        Parameters that it cannot do without.
    layers, tables
        Parameters that name further outputs, with geometry and without.
    """

    name: str
    options: type
    divide: Callable[[Path, Options, Settings], DividedFile]
    required: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


def method_parser(names: Collection[str]) -> Callable[[str], str]:
    """Return what reads the name of a method."""

    def parse(text: str) -> str:
        if text not in names:
            raise typer.BadParameter(f"'{text}' is not one of {', '.join(names)}.")
        return text

    return parse


def option_name(parameter: str) -> str:
    """Return the name of an option on the command line."""
    return f"--{parameter.replace('_', '-')}"


@dataclass(frozen=True)
class LayerFiles:
    """The files of the layers of a division, which `gis.divide` calls by a word in its messages.

    Attributes
    ----------
    source
        The file that is divided.
    further
        The files of other layers by their words.
    """

    source: Path
    further: Mapping[str, Path | None]

    def note(self, sentence: str) -> None:
        """Write a note on the file that it concerns."""
        print_note(f"{self._concerned(sentence)}: {sentence}")

    @contextmanager
    def blame(self) -> Iterator[None]:
        """Name the file at fault for an input error of the block."""
        try:
            yield
        except ParameterError:
            raise
        except InputError as error:
            error.file = error.file or str(self._concerned(str(error)))
            raise

    def _concerned(self, sentence: str) -> Path:
        words = re.findall(r"[a-z]+", sentence.lower())
        named = (path for word, path in self.further.items() if path is not None and word in words)
        return next(named, self.source)


def given_options(values: Options) -> dict[str, Any]:
    """Return the options that were given: of a list at least one value."""
    return {name: value for name, value in values.items() if value is not None and value != []}


def require_own_options(method: str, methods: Mapping[str, type], given: Options) -> None:
    """Refuse options that belong to other methods only.

    Parameters
    ----------
    method
        The name of the chosen one.
    methods
        The TypedDict of the options of each method.
    given
        The options that were given.

    Raises
    ------
    ParameterError
        If one is not of the method.
    """
    for parameter in given:
        owners = [name for name, options in methods.items() if parameter in options.__annotations__]
        if owners and method not in owners:
            belongs = " and ".join(f"--method {name}" for name in owners)
            raise ParameterError(f"{option_name(parameter)} belongs to {belongs}, not to {method}.")


def require_options(method: str, required: tuple[str, ...], given: Options) -> None:
    """Refuse a call without the options that a method cannot do without.

    Raises
    ------
    ParameterError
        If one is missing.
    """
    missing = [option_name(parameter) for parameter in required if parameter not in given]
    if missing:
        raise ParameterError(f"--method {method} needs {' and '.join(missing)}.")
