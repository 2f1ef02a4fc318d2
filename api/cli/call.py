"""A call of a command: which options it has for which of its files, for messages that name one."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo

from api.advice import rewrite_options
from api.cli.options import Of, RecordReadOptions

_OTHERWISE = "this command has no option for it: put it right in the file"


@dataclass(frozen=True)
class CommandOptions:
    """The options of a command.

    Attributes
    ----------
    names
        Each parameter that is an option, with its name on the command line.
    arguments
        The parameters that are arguments.
    files
        The files that an option describes, where its name does not say so.
    """

    names: Mapping[str, str]
    arguments: frozenset[str]
    files: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, signature: inspect.Signature) -> "CommandOptions":
        """Read the options from the signature of a command."""
        names, arguments, files = {}, set(), {}
        for parameter in signature.parameters.values():
            annotation = parameter.annotation
            marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
            for mark in marks:
                if isinstance(mark, OptionInfo):
                    # Within an annotation, Typer's Option has the first of its names as its default.
                    declared = (mark.default, *(mark.param_decls or ()))
                    long = [each for each in declared if isinstance(each, str) and each.startswith("--")]
                    names[parameter.name] = (
                        long[0].partition("/")[0] if long else f"--{parameter.name.replace('_', '-')}"
                    )
                elif isinstance(mark, ArgumentInfo):
                    arguments.add(parameter.name)
                elif isinstance(mark, Of):
                    files[parameter.name] = mark.files
        return cls(names, frozenset(arguments), files)

    def find(self, name: str, file: str | None) -> str | None:
        """Return the option for a file that a message calls `name`, or None if the command has none.

        Parameters
        ----------
        name
            The parameter of reading, for example "source_crs".
        file
            The parameter that names the file; None where a message names no file of the call.
        """
        if f"{file}_{name}" in self.names:
            return self.names[f"{file}_{name}"]
        for option, files in self.files.items():
            if file in files and (option == name or option.endswith(f"_{name}")):
                return self.names[option]
        if name not in self.names:
            return None
        describes_file = name.endswith("_field") or name in RecordReadOptions.__annotations__
        if not describes_file or file is None or (name not in self.files and file in self.arguments):
            return self.names[name]
        return None


def explain(
    message: str,
    options: CommandOptions,
    values: Mapping[str, Any],
    at_fault: str | None,
    parameter: str | None = None,
) -> str:
    """Return a message with the file that it concerns, and with options that the command has for it.

    Parameters
    ----------
    message
        As it was raised or told.
    options
        Of the command.
    values
        What its parameters were given.
    at_fault
        The file that was being used, for a message that names none.
    parameter
        The parameter whose file was being read, where several name the same.
    """
    paths = [
        (path, name)
        for name, value in values.items()
        for each in (value if isinstance(value, list | tuple) else [value])
        if isinstance(each, Path | str)
        # A source of entities may be KIND=FILE.
        for path in {str(each), str(each).partition("=")[2]} - {""}
    ]
    named = [(path, name) for path, name in paths if message.startswith(path)]
    if not named and at_fault is not None:
        message = f"{at_fault}: {message}"
        named = [(path, name) for path, name in paths if path == at_fault]
    path, file = max(named, key=lambda each: (len(each[0]), each[1] == parameter), default=("", None))
    rest = rewrite_options(message[len(path) :], lambda name: options.find(name, file), _OTHERWISE)
    return path + rest
