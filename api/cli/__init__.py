"""The command line `wangge`: file in, file out.

Each module holds the commands of one subject and imports the engine only when its command runs, so that
`wangge --help` answers at once.
"""

import typer

from api.cli import compare, demo, divide, gaps, maps, ownership, topology

app = typer.Typer(
    name="wangge",
    help="Wangge 网格: divide areas into responsibility cells, check them, assign to them, find what is missing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for name, function in (
    ("demo", demo.demo),
    ("divide", divide.divide),
    ("check", topology.check),
    ("repair", topology.repair),
    ("inspect", ownership.inspect),
    ("assign", ownership.assign),
    ("diff", compare.diff),
    ("gaps", gaps.gaps),
    ("map", maps.draw),
):
    app.command(name)(function)
# A longitude west of Greenwich begins with a minus sign and is no option.
app.command("locate", context_settings={"ignore_unknown_options": True})(ownership.locate)


def main() -> None:
    """Run the command line."""
    app()
