"""A text that a spreadsheet would run is guarded, and comes back as it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from layers.formats.formulas import guard_formula, restore_formula


@pytest.mark.parametrize(
    "text",
    [
        "=SUM(A1)",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u3000=1",
        "＝1",
        "＠x",
        "'=SUM(A1)",
        "''=SUM(A1)",
        "=",
        "-a",
    ],
)
def test_formulas_are_guarded(text: str) -> None:
    assert guard_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["", "a=1", "-5", "+86 755-2345", "-", "'", "'tis", "o'=", " a", -5, 1.5, None]
)
def test_all_else_stays(value: object) -> None:
    assert guard_formula(value) == value


@given(st.text(alphabet="'=+-@\t\r\n＝ 15a\u3000"))
@example("''")
def test_what_is_guarded_is_restored(text: str) -> None:
    assert restore_formula(guard_formula(text)) == text
    guarded = guard_formula(text).lstrip()
    assert not guarded.startswith(("=", "@", "＝", "+a", "-a"))
