"""The options that messages name, under the names that they have where the message is read.

The layers below write an option as `--source-crs`, in a clause of advice that follows a semicolon. What it is
called depends on the door: an option of this command for this file, a field of a form, or nothing at all.
"""

import re
from collections.abc import Callable

_OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")
# A clause ends at the next one, at what is listed in brackets after it, or with the sentence.
_ADVICE = re.compile(r"; (if [^;,]*, )?([^;]*?)(?=;| \([a-z]+: |\.?$)", re.DOTALL)


def rewrite_options(message: str, name_of: Callable[[str], str | None], otherwise: str) -> str:
    """Return a message with the options that exist where it is read.

    Parameters
    ----------
    message
        As it was raised or told, without the name of a file.
    name_of
        Returns the name of a parameter such as "source_crs" here, or None if there is none.
    otherwise
        The advice instead of one that names an option which does not exist here.
    """

    def name_here(option: re.Match[str]) -> str | None:
        return name_of(option[1].replace("-", "_"))

    def rewrite_advice(clause: re.Match[str]) -> str:
        options = list(_OPTION.finditer(clause[2]))
        if all(name_here(each) is not None for each in options):
            return clause[0]
        return f"; {clause[1] or ''}{otherwise}"

    followed = _ADVICE.sub(rewrite_advice, message)
    return _OPTION.sub(lambda option: name_here(option) or option[1].replace("-", " "), followed)
