"""The command line `wangge`: file in, file out.

Each module holds the commands of one subject and imports the engine only when its command runs, so that
`wangge --help` answers at once.
"""

import signal
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer
from typer import TyperException

from api.cli.accounts import account, token
from api.cli.areas import area
from api.cli.assign import assign, inspect, locate
from api.cli.conform import conform
from api.cli.console import EXIT_ERROR, EXIT_INTERRUPTED, print_message
from api.cli.crosswalk import crosswalk, unify
from api.cli.database import backup, migrate, restore
from api.cli.demo import demo
from api.cli.describe import describe
from api.cli.diff import diff
from api.cli.divide import divide, rebalance
from api.cli.gaps import gaps
from api.cli.kinds import kinds
from api.cli.load import export, load
from api.cli.maps import draw_map
from api.cli.measure import measure
from api.cli.options import Language, system_language
from api.cli.parsing import Group, PlaceCommand, describe_usage_error
from api.cli.plans import plan
from api.cli.schemes import scheme
from api.cli.serve import serve
from api.cli.topology import check, repair
from api.messages import caller_reads

app = typer.Typer(
    name="wangge",
    cls=Group,
    help="Wangge 网格: divide areas into cells, check them, assign to them, find what is missing.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: Mapping[str, Callable[..., None]] = {
    "demo": demo,
    "divide": divide,
    "rebalance": rebalance,
    "check": check,
    "conform": conform,
    "repair": repair,
    "inspect": inspect,
    "assign": assign,
    "locate": locate,
    "diff": diff,
    "crosswalk": crosswalk,
    "unify": unify,
    "measure": measure,
    "kinds": kinds,
    "describe": describe,
    "gaps": gaps,
    "map": draw_map,
    "serve": serve,
    "migrate": migrate,
    "export": export,
    "backup": backup,
    "restore": restore,
}
GROUPS: Mapping[str, typer.Typer] = {
    "load": load,
    "area": area,
    "scheme": scheme,
    "plan": plan,
    "token": token,
    "account": account,
}
for name, command in COMMANDS.items():
    if command is locate:
        app.command(name, cls=PlaceCommand, context_settings={"ignore_unknown_options": True})(command)
    else:
        app.command(name)(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name, cls=Group)


def print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"wangge {version('wangge')}")
        raise typer.Exit


@app.callback()
def top_level(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=print_version, is_eager=True),
    ] = False,
    language: Annotated[
        Language | None,
        typer.Option("--lang", help="Language of errors and notes.", show_default="that of the system"),
    ] = None,
) -> None:
    """Take what stands before a command."""
    if language is not None:
        context.with_resource(caller_reads(language.value))


def main() -> None:
    """Run the command line."""
    # SIGTERM cleans up as Ctrl-C does; a command in the background of a shell does not receive Ctrl-C.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, raise_interrupt)
    with caller_reads(system_language().value):
        try:
            status = app(prog_name="wangge", standalone_mode=False)
        except TyperException as error:
            context = getattr(error, "ctx", None)
            path = _command_name() if context is None else context.command_path
            print_message(f"wangge: {describe_usage_error(error)} ({path} --help explains)")
            status = EXIT_ERROR
        except (KeyboardInterrupt, typer.Abort):
            status = EXIT_INTERRUPTED
    sys.exit(status)


def raise_interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt on a signal; while a module is imported, only after the import.

    Modules in C may lose an exception that is raised while they are imported, and the command would go on.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _command_name() -> str:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    return f"wangge {command}" if command in {*COMMANDS, *GROUPS} else "wangge"
