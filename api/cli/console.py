"""The output of commands: results to standard output, all else to standard error, and exit codes."""

import functools
import inspect
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_args, get_type_hints

import typer

from api.cli.call import CommandOptions, explain
from api.messages import caller_reads, in_caller_language
from gis.errors import InputError, ParameterError, RefusedError, WanggeError
from gis.progress import Note

P = ParamSpec("P")
Command = TypeVar("Command", bound=Callable[..., None])

EXIT_OK, EXIT_INVALID, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

_parameter: ContextVar[str | None] = ContextVar("_parameter", default=None)
"""The parameter of the running command whose file is being read."""

_explain: ContextVar[Callable[[str, str | None], str]] = ContextVar("_explain")
"""How the running command puts a message that may concern one of its files."""

EXIT_CODES: Mapping[type[WanggeError], int] = {
    InputError: EXIT_ERROR,
    RefusedError: EXIT_INVALID,
    WanggeError: EXIT_ERROR,
}
"""The exit code of each error; a class that is not listed takes that of its nearest listed ancestor."""


def exit_code(error: WanggeError) -> int:
    """Return the exit code of an error."""
    return next(EXIT_CODES[each] for each in type(error).__mro__ if each in EXIT_CODES)


def handle_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that every error becomes one line on standard error and an exit code.

    Options that it takes by `**` become parameters of its own, before the last one.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        values = signature.bind_partial(*args, **kwargs).arguments
        running = _explain.set(
            lambda message, file: explain(message, options, values, file, _parameter.get())
        )
        parameter = _parameter.set(None)
        with caller_reads(_language_of_sentences(signature, values)):
            try:
                # Warnings of libraries are not for the user; reports say what matters.
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    command(*args, **kwargs)
            except WanggeError as error:
                file = error.file if isinstance(error, InputError) else None
                print_message(f"wangge: {_explain.get()(str(error), file)}")
                raise typer.Exit(exit_code(error)) from None
            except MemoryError:
                print_message("wangge: not enough memory for this input; give a smaller one.")
                raise typer.Exit(EXIT_ERROR) from None
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise typer.Exit(EXIT_OK) from None
            except KeyboardInterrupt:
                print_message("wangge: interrupted; nothing is written.")
                raise typer.Exit(EXIT_INTERRUPTED) from None
            except (typer.Exit, typer.Abort):
                raise
            except OSError as error:
                if error.filename is None or os.environ.get("WANGGE_DEBUG"):
                    raise
                print_message(f"wangge: {os.fsdecode(error.filename)} cannot be used: {error.strerror}.")
                raise typer.Exit(EXIT_ERROR) from None
            except Exception as error:
                if os.environ.get("WANGGE_DEBUG"):
                    raise
                from api.problems import is_database_unavailable

                if is_database_unavailable(error):
                    # Locked, full, not to be written, or away.
                    detail = str(getattr(error, "orig", error)).strip().splitlines()[0]
                    print_message(f"wangge: the database cannot be used: {detail}.")
                    raise typer.Exit(EXIT_ERROR) from None
                text = (str(error).strip().splitlines() or [""])[0]
                kind = type(error).__name__
                print_message(
                    "wangge: an error of the program, not of yours: "
                    f"{kind}: {text} (WANGGE_DEBUG=1 shows where)"
                )
                raise typer.Exit(EXIT_ERROR) from None
            finally:
                _parameter.reset(parameter)
                _explain.reset(running)

    signature = _expand_options(inspect.signature(command))
    options = CommandOptions.of(signature)
    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    return wrapper


def _language_of_sentences(signature: inspect.Signature, values: Mapping[str, Any]) -> str | None:
    """Return the language of the sentences of a command; that of a map is not that of who draws it."""
    option = signature.parameters.get("language")
    given = values.get("language")
    return None if option is None or option.default is not None or given is None else str(given.value)


def _expand_options(signature: inspect.Signature) -> inspect.Signature:
    """Turn the options of `**options: Unpack[...]` into parameters, each None when not given."""
    last = [*signature.parameters.values()][-1]
    if last.kind is not inspect.Parameter.VAR_KEYWORD:
        return signature
    (kind,) = get_args(last.annotation)
    return _insert_options(signature, get_type_hints(kind, include_extras=True))


def _insert_options(signature: inspect.Signature, named: Mapping[str, Any]) -> inspect.Signature:
    """Put options in the place of `**options`, before the last parameter of its own."""
    *parameters, _ = signature.parameters.values()
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in named.items()
    ]
    ending = parameters.pop().replace(kind=inspect.Parameter.KEYWORD_ONLY)
    return signature.replace(parameters=[*parameters, *options, ending])


def take_options(*kinds: type) -> Callable[[Command], Command]:
    """Give a command that takes `**options` those of several TypedDicts, each None when not given.

    For a command whose options come from the members of a family; `Unpack` does where there is one TypedDict.
    """

    def expand(command: Command) -> Command:
        signature = inspect.signature(command)
        named = {
            name: hint for kind in kinds for name, hint in get_type_hints(kind, include_extras=True).items()
        }
        command.__signature__ = _insert_options(signature, named)  # type: ignore[attr-defined]
        return command

    return expand


@contextmanager
def error_prefix(path: Path) -> Iterator[None]:
    """Name a file as that at fault for an input error of the block, unless its message names one."""
    try:
        yield
    except ParameterError:
        raise
    except InputError as error:
        error.file = error.file or str(path)
        raise


@contextmanager
def reading_file_of(parameter: str) -> Iterator[None]:
    """Say of which parameter a file is read in the block: one file may be given for several."""
    before = _parameter.set(parameter)
    yield
    # An error is explained outside the block.
    _parameter.reset(before)


def print_message(text: str) -> None:
    """Write a sentence to standard error, in the language of the caller."""
    typer.echo(in_caller_language(" ".join(text.splitlines())), err=True)


def print_note(sentence: str) -> None:
    """Write a note of the running command to standard error."""
    print_message(f"note: {_explain.get()(sentence, None)}")


def note_on(path: Path) -> Note:
    """Return what writes a note that concerns a file."""
    return lambda sentence: print_note(f"{path}: {sentence}")


def print_notes(remarks: Iterable[str]) -> None:
    """Write notes to standard error."""
    for line in remarks:
        print_note(line)


def print_result(lines: Iterable[str], summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Write a result to standard output: lines for a person, or one JSON object."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2, default=_to_json))
    else:
        for line in lines:
            # A code or name may contain a line break.
            typer.echo(" ".join(line.splitlines()))


def _to_json(value: Any) -> Any:
    """Convert numpy scalars and paths for JSON."""
    return value.item() if hasattr(value, "item") else str(value)
