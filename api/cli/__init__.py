"""The command line `wangge`: file in, file out.

Each module holds the commands of one subject and imports the engine only when its command runs, so that
`wangge --help` answers at once.
"""

import typer

from api.cli.compare import diff
from api.cli.database import backup, migrate, restore
from api.cli.demo import demo
from api.cli.divide import divide
from api.cli.gaps import gaps
from api.cli.identity import account, token
from api.cli.load import export, load
from api.cli.maps import draw
from api.cli.ownership import assign, inspect, locate
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

for name, command in (
    ("demo", demo),
    ("divide", divide),
    ("check", check),
    ("repair", repair),
    ("inspect", inspect),
    ("assign", assign),
    ("diff", diff),
    ("gaps", gaps),
    ("map", draw),
    ("serve", serve),
    ("migrate", migrate),
    ("backup", backup),
    ("restore", restore),
    ("export", export),
):
    app.command(name)(command)
# A longitude west of Greenwich begins with a minus sign and is no option.
app.command("locate", context_settings={"ignore_unknown_options": True})(locate)
app.add_typer(load, name="load")
app.add_typer(token, name="token")
app.add_typer(account, name="account")


def main() -> None:
    """Run the command line."""
    app()
