"""Text that a spreadsheet would run as a formula: guarded in every table written, restored in every one read.

A guarded text has an apostrophe before it. One that looks guarded already gets another, so that reading
restores exactly what was written.
"""

import re
from typing import Any

# The signs of full width begin a formula in East Asian editions. A number such as +86 755 is none.
_FORMULA = re.compile(r"'*(?![+-]?[\d\s.()-]+$)\s*[=+\-@\t\r\n＝＋－＠]")
_MAY_BEGIN = frozenset("'=+-@\t\r\n＝＋－＠ \u00a0\u3000\v\f")


def guard_formula(value: Any) -> Any:
    """Return a text as it may stand in a table that a spreadsheet opens; anything else unchanged."""
    if isinstance(value, str) and value[:1] in _MAY_BEGIN and _FORMULA.match(value):
        return f"'{value}"
    return value


def restore_formula(text: str) -> str:
    """Return the text that `guard_formula` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
