"""How a command ends: what it says, and with which exit code.

Results go to standard output, everything else to standard error; no traceback reaches a user.
"""

import functools
import inspect
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, get_args, get_type_hints

import typer

from gis.errors import InputError, RefusedError, WanggeError

P = ParamSpec("P")

OK, NOT_VALID, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130

EXIT_CODES: Mapping[type[WanggeError], int] = {
    InputError: CANNOT_RUN,
    RefusedError: NOT_VALID,
    WanggeError: CANNOT_RUN,
}
"""The exit code of each error; a class that is not listed takes that of its nearest listed ancestor."""


def exit_code(error: WanggeError) -> int:
    """Return the exit code of an error."""
    return next(EXIT_CODES[each] for each in type(error).__mro__ if each in EXIT_CODES)


def reporting(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that every error becomes one line on standard error and an exit code.

    Options that it takes by `**` are listed as its own, before its last.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            # What a library warns of is not for the user; what matters to them is said in the reports.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                command(*args, **kwargs)
        except WanggeError as error:
            say(f"wangge: {error}")
            raise typer.Exit(exit_code(error)) from None
        except MemoryError:
            say("wangge: not enough memory for this input; give a smaller one.")
            raise typer.Exit(CANNOT_RUN) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(OK) from None
        except KeyboardInterrupt:
            say("wangge: interrupted; nothing is written.")
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if os.environ.get("WANGGE_DEBUG"):
                raise
            from api.problems import database_away

            if database_away(error):
                # Locked, full, not to be written, or away.
                said = str(getattr(error, "orig", error)).strip().splitlines()[0]
                say(f"wangge: the database cannot be used: {said}.")
                raise typer.Exit(CANNOT_RUN) from None
            text = (str(error).strip().splitlines() or [""])[0]
            kind = type(error).__name__
            say(f"wangge: an error of the program, not of yours: {kind}: {text} (WANGGE_DEBUG=1 shows where)")
            raise typer.Exit(CANNOT_RUN) from None

    wrapped.__signature__ = _listed(inspect.signature(command))  # type: ignore[attr-defined]
    return wrapped


def _listed(signature: inspect.Signature) -> inspect.Signature:
    """Put the options of `**options: Unpack[...]` among the parameters, each None when not given."""
    *listed, last = signature.parameters.values()
    if last.kind is not inspect.Parameter.VAR_KEYWORD:
        return signature
    (kind,) = get_args(last.annotation)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in get_type_hints(kind, include_extras=True).items()
    ]
    ending = listed.pop().replace(kind=inspect.Parameter.KEYWORD_ONLY)
    return signature.replace(parameters=[*listed, *options, ending])


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Put a file's name before the message of an input error that does not name a file itself."""
    try:
        yield
    except InputError as error:
        if str(error).startswith(str(path)):
            raise
        raise type(error)(f"{path}: {error}") from error


def say(text: str) -> None:
    """Write a line to standard error."""
    typer.echo(" ".join(text.splitlines()), err=True)


def notes(lines: Iterable[str]) -> None:
    """Write remarks to standard error."""
    for line in lines:
        say(f"note: {line}")


def tell(lines: Iterable[str], summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Write a result to standard output: lines for a person, or one JSON object."""
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2, default=_plain))
    else:
        for line in lines:
            # A code or name may hold a line break of its own.
            typer.echo(" ".join(line.splitlines()))


def _plain(value: Any) -> Any:
    """Turn numpy scalars and paths into JSON."""
    return value.item() if hasattr(value, "item") else str(value)
