"""How the command line is parsed: help that is never cut, and negative numbers that are no options."""

import re
from difflib import get_close_matches
from typing import Any

import typer
from typer import TyperException
from typer.core import TyperCommand, TyperGroup

from api.cli.console import EXIT_ERROR

_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WHOLE_SENTENCE = 10_000


def describe_usage_error(error: TyperException) -> str:
    """Return in one sentence what is wrong with a call, without the words of the libraries that found it."""
    text = error.format_message().replace("Value error, ", "")
    text = re.sub(r"Input should be a valid (\w+)(, unable to .*)?$", r"it is no \1", text)
    return re.sub(r"Input should be (greater|less)", r"it should be \1", text)


def _refuse_underscores(parameter: Any) -> None:
    """Let a numeric parameter refuse 1_000, as tables and requests do; Python takes it for 1000."""
    is_numeric = parameter.type_descriptor.annotation in (int, float)
    if not is_numeric or hasattr(parameter, "refuses_underscores"):
        return
    process = parameter.process_value

    def process_plain(ctx: Any, value: Any) -> Any:
        if isinstance(value, str) and "_" in value:
            raise typer.BadParameter(
                f"'{value}' is no number; write it without underscores", ctx=ctx, param=parameter
            )
        return process(ctx, value)

    parameter.process_value, parameter.refuses_underscores = process_plain, True


class Group(TyperGroup):
    """A group of commands; without one, or asked for help, it shows them with their whole sentences."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help if nothing is given."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(EXIT_ERROR)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command whose numbers are written as people write them."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            for parameter in command.params:
                _refuse_underscores(parameter)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands; a long sentence goes on in the next line."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(_WHOLE_SENTENCE)) for name, each in commands if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class PlaceCommand(TyperCommand):
    """A command whose arguments may be negative numbers: a longitude west of Greenwich is no option.

    Its context ignores unknown options; here all of them but numbers are refused.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse unknown options before the numbers are read."""
        options = {name: each for each in self.params for name in each.opts if name.startswith("-")}
        options |= dict.fromkeys(ctx.help_option_names)
        following = iter(args)
        for argument in following:
            if argument == "--":
                break
            name, given, _ = argument.partition("=")
            if name in options:
                option = options[name]
                if not given and option is not None and not getattr(option, "is_flag", False):
                    next(following, None)
            elif argument.startswith("-") and len(argument) > 1 and not _NUMBER.fullmatch(argument):
                close = get_close_matches(name, options)
                hint = f" (Possible options: {', '.join(close)})" if close else ""
                raise TyperException(f"No such option: {name}{hint}")
        return super().parse_args(ctx, args)
