"""The command line `wangge`: file in, file out.

Each module holds the commands of one subject and imports the engine only when its command runs, so that
`wangge --help` answers at once.
"""

import signal
import sys
from collections.abc import Callable, Mapping
from types import FrameType

import typer
from typer import TyperException

from api.cli.accounts import account, token
from api.cli.assign import assign, inspect, locate
from api.cli.console import EXIT_ERROR, EXIT_INTERRUPTED, print_message
from api.cli.database import backup, migrate, restore
from api.cli.demo import demo
from api.cli.diff import diff
from api.cli.divide import divide
from api.cli.gaps import gaps
from api.cli.load import export, load
from api.cli.maps import draw_map
from api.cli.serve import serve
from api.cli.topology import check, repair

app = typer.Typer(
    name="wangge",
    help="Wangge 网格: divide areas into cells, check them, assign to them, find what is missing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: Mapping[str, Callable[..., None]] = {
    "demo": demo,
    "divide": divide,
    "check": check,
    "repair": repair,
    "inspect": inspect,
    "assign": assign,
    "locate": locate,
    "diff": diff,
    "gaps": gaps,
    "map": draw_map,
    "serve": serve,
    "migrate": migrate,
    "export": export,
    "backup": backup,
    "restore": restore,
}
GROUPS: Mapping[str, typer.Typer] = {"load": load, "token": token, "account": account}
for name, command in COMMANDS.items():
    # A longitude west of Greenwich begins with a minus sign and is not an option.
    app.command(name, context_settings={"ignore_unknown_options": name == "locate"})(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line."""
    # SIGTERM cleans up as Ctrl-C does; a command in the background of a shell does not receive Ctrl-C.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, raise_interrupt)
    try:
        status = app(standalone_mode=False)
    except TyperException as error:
        print_message(f"wangge: {error.format_message()} ({_command_name()} --help explains)")
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
